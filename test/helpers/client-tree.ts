/**
 * The tree of a peer as a client sees it, and the comparison of several: data, access control list,
 * every field of Stat, and ZooKeeper's digest over all of it. Peers count as equal only when no
 * client could tell them apart.
 */
import assert from 'node:assert/strict';
import { ZooKeeperClient } from '../../node/client/zookeeper-client.ts';
import { znodeDigest } from '../../node/core/tree/digest.ts';
import type { ZnodeRecord } from '../../node/core/tree/znode.ts';
import { type Ensemble, hostPort } from './ensemble.ts';

/** Path to what a peer keeps of the znode. */
export type ClientTree = ReadonlyMap<string, ZnodeRecord>;

/** Reads that are on their way at once. */
const WINDOW = 1000;
/** Each peer writes this one by itself at its start: its Stat is the peer's own affair. */
const OWN_STAT = '/zookeeper/config';

/** A connected client of some peers, tried in the order given. */
export async function clientOf(
  ensemble: Ensemble,
  sids: readonly number[],
  sessionTimeoutMs = 30_000,
): Promise<ZooKeeperClient> {
  const client = new ZooKeeperClient({
    connectString: sids.map((sid) => hostPort(ensemble.server(sid))).join(','),
    sessionTimeoutMs,
    shuffle: (hosts) => hosts,
  });
  await client.connect();
  return client;
}

/** The whole tree behind `client`, as of everything committed when it is called. */
export async function readTree(client: ZooKeeperClient): Promise<ClientTree> {
  await client.sync('/');
  const tree = new Map<string, ZnodeRecord>();
  for (let level = ['/']; level.length > 0; ) {
    const below: string[] = [];
    for (let at = 0; at < level.length; at += WINDOW) {
      const nodes = level.slice(at, at + WINDOW).map((path) => readNode(client, path));
      for (const { record, children } of await Promise.all(nodes)) {
        if (record.path !== OWN_STAT) tree.set(record.path, record);
        for (const name of children) {
          below.push(record.path === '/' ? `/${name}` : `${record.path}/${name}`);
        }
      }
    }
    level = below;
  }
  return tree;
}

async function readNode(
  client: ZooKeeperClient,
  path: string,
): Promise<{ record: ZnodeRecord; children: readonly string[] }> {
  const [{ data, stat }, { acl }] = await Promise.all([client.getData(path), client.getAcl(path)]);
  const children = stat.numChildren === 0 ? [] : await client.getChildren(path);
  const { czxid, mzxid, pzxid, ctime, mtime, version, aversion, ephemeralOwner } = stat;
  // What a client sees counts the deletions, too; what is stored counts the creations.
  const cversion = (stat.cversion + stat.numChildren) / 2;
  const times = { czxid, mzxid, pzxid, ctime, mtime };
  const record = { path, data, acl, ...times, version, cversion, aversion, ephemeralOwner };
  return { record, children };
}

/** ZooKeeper's digest of the tree, version 2. */
export function digestOf(tree: ClientTree): bigint {
  let total = 0n;
  for (const record of tree.values()) total += BigInt(znodeDigest(record));
  return BigInt.asUintN(64, total);
}

/**
 * Reads the tree of each of `sids` (default: all) through a client of its own; fails, naming the
 * first difference, unless they are equal. The tree of the first.
 */
export async function assertEqualTrees(
  ensemble: Ensemble,
  sids: readonly number[] = ensemble.servers.map((server) => server.sid),
): Promise<ClientTree> {
  const trees = await Promise.all(sids.map((sid) => treeOf(ensemble, sid)));
  const [first = new Map<string, ZnodeRecord>(), ...others] = trees;
  others.forEach((tree, i) => {
    const peers = `peers ${sids[0]} and ${sids[i + 1]}`;
    for (const path of new Set([...first.keys(), ...tree.keys()])) {
      assert.deepEqual(describe(tree.get(path)), describe(first.get(path)), `${path} on ${peers}`);
    }
    assert.equal(digestOf(tree), digestOf(first), `the digests of ${peers}`);
  });
  return first;
}

async function treeOf(ensemble: Ensemble, sid: number): Promise<ClientTree> {
  const client = await clientOf(ensemble, [sid]);
  try {
    return await readTree(client);
  } finally {
    await client.close();
  }
}

/** One text a znode: cheap to compare, readable where it differs. */
function describe(record: ZnodeRecord | undefined): string {
  if (record === undefined) return 'missing';
  const data = record.data === null ? null : Buffer.from(record.data).toString('latin1');
  return JSON.stringify({ ...record, data, ephemeralOwner: String(record.ephemeralOwner) });
}
