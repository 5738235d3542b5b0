/**
 * Reads the whole tree of every server through a client and compares data, ACL and every field of
 * Stat, so that two servers count as equal only when no client could tell them apart.
 */
import assert from 'node:assert/strict';
import { awaitEqualZxids, connectStringOf, type Ensemble } from '../helpers/ensemble.ts';
import { kazoo } from './harness.ts';

/** Path to its data, ACL and Stat. */
export type Tree = ReadonlyMap<string, Znode>;

export interface Znode {
  /** Base64, or null for a znode without data. */
  readonly data: string | null;
  readonly acl: readonly unknown[];
  readonly stat: Readonly<Record<string, number>>;
}

/** Each server writes this one by itself at its start: its Stat is the server's own affair. */
const OWN_STAT = '/zookeeper/config';

/** The trees of `sids`, in their order. */
export async function dumpTrees(ensemble: Ensemble, sids: readonly number[]): Promise<Tree[]> {
  const hosts = connectStringOf(ensemble, sids);
  const output = await kazoo('dump_trees.py', hosts).succeeded();
  const trees = new Map<string, Map<string, Znode>>(hosts.split(',').map((h) => [h, new Map()]));
  for (const line of output.split('\n').filter((text) => text.startsWith('{'))) {
    const { member, path, ...znode }: Znode & { member: string; path: string } = JSON.parse(line);
    trees.get(member)?.set(path, path === OWN_STAT ? { ...znode, stat: {} } : znode);
  }
  return [...trees.values()];
}

/** Waits until `sids` (default: all) have reached one zxid; fails where their trees differ. */
export async function assertEqualTrees(
  ensemble: Ensemble,
  when: string,
  sids: readonly number[] = ensemble.servers.map((server) => server.sid),
): Promise<Tree> {
  await awaitEqualZxids(ensemble, sids);
  const [first = new Map<string, Znode>(), ...others] = await dumpTrees(ensemble, sids);
  assert.ok(first.size > 3, `server ${sids[0]} has a tree`);
  others.forEach((tree, i) => {
    const who = `servers ${sids[0]} and ${sids[i + 1]} ${when}`;
    for (const path of new Set([...first.keys(), ...tree.keys()])) {
      assert.deepEqual({ path, who, ...tree.get(path) }, { path, who, ...first.get(path) });
    }
  });
  return first;
}
