/**
 * Peers that come back: a little behind, far behind, with an empty disk, with a tail that nobody
 * else has, under load; and the snapshots that a peer takes and starts from.
 */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { assertEqualTrees, clientOf } from '../helpers/client-tree.ts';
import { awaitEqualZxids, awaitLeader } from '../helpers/ensemble.ts';
import { PicketEnsemble, type PicketOptions } from '../helpers/picket.ts';
import { until, within } from '../helpers/processes.ts';
import { LOAD, Writer } from '../helpers/writer.ts';

const WAIT_MS = 60_000;
const BIG_BYTES = 100_000;

async function started(
  stop: (end: () => Promise<void>) => void,
  options: PicketOptions = {},
): Promise<PicketEnsemble> {
  const ensemble = await PicketEnsemble.start(3, options);
  stop(() => ensemble.stop());
  return ensemble;
}

/** `count` znodes of `bytes` each below `home`, written through `sids`. */
async function fill(
  ensemble: PicketEnsemble,
  sids: readonly number[],
  home: string,
  count: number,
  bytes = 10,
): Promise<void> {
  const client = await clientOf(ensemble, sids);
  await client.create(home, '');
  const data = Buffer.alloc(bytes, home);
  for (let at = 0; at < count; at += 20) {
    const batch = Array.from({ length: Math.min(20, count - at) }, (_, i) => at + i);
    await Promise.all(batch.map((i) => client.create(`${home}/${i}`, data)));
  }
  await client.close();
}

/** How the leader brought `sid` back, the last time. */
function syncOf(ensemble: PicketEnsemble, leader: number, sid: number): string | undefined {
  const said = new RegExp(`synchronising peer ${sid} by (DIFF|TRUNC|SNAP)`, 'g');
  return [...ensemble.log(leader, 100_000).matchAll(said)].at(-1)?.[1];
}

function otherThan(sid: number): number[] {
  return [1, 2, 3].filter((it) => it !== sid);
}

async function followerOf(ensemble: PicketEnsemble): Promise<[leader: number, follower: number]> {
  const leader = await awaitLeader(ensemble);
  return [leader, otherThan(leader)[0] ?? 0];
}

test('a follower that missed a little catches up by DIFF, one that missed much by SNAP', async (context) => {
  const ensemble = await started((end) => context.after(end));
  const [leader, follower] = await followerOf(ensemble);
  await fill(ensemble, [leader], '/before', 20);
  await ensemble.kill(follower);
  await fill(ensemble, [leader], '/missed', 100);
  await ensemble.restart(follower);
  await assertEqualTrees(ensemble);
  assert.equal(syncOf(ensemble, leader, follower), 'DIFF');

  await ensemble.kill(follower);
  // More than the 4 MiB that a leader keeps in memory for this.
  await fill(ensemble, [leader], '/missed-much', 45, BIG_BYTES);
  await ensemble.restart(follower);
  await assertEqualTrees(ensemble);
  assert.equal(syncOf(ensemble, leader, follower), 'SNAP');

  // What came as a snapshot is on the disk: the whole ensemble comes back without help.
  await Promise.all([1, 2, 3].map((sid) => ensemble.kill(sid)));
  for (const sid of [1, 2, 3]) await ensemble.restart(sid, false);
  await ensemble.serving();
  const tree = await assertEqualTrees(ensemble);
  assert.equal([...tree.keys()].filter((it) => it.startsWith('/missed')).length, 147);
});

test('a peer whose disk was replaced copies everything', async (context) => {
  const ensemble = await started((end) => context.after(end));
  const [leader, follower] = await followerOf(ensemble);
  await fill(ensemble, [leader], '/a', 50);
  await fill(ensemble, [leader], '/big', 45, BIG_BYTES);
  for (const sid of [follower, leader]) {
    await ensemble.kill(sid);
    const data = path.join(ensemble.server(sid).dir, 'data');
    fs.rmSync(path.join(data, 'journal'), { recursive: true });
    fs.rmSync(path.join(data, 'snapshots'), { recursive: true });
    await awaitLeader(ensemble);
    await ensemble.restart(sid);
    await assertEqualTrees(ensemble);
  }
});

test('the uncommitted tail of a deposed leader is cut when it comes back', async (context) => {
  // Long ticks: time to write to a leader that does not know yet that it is alone.
  const ensemble = await started((end) => context.after(end), { tickTimeMs: 2000 });
  const [leader, follower] = await followerOf(ensemble);
  await fill(ensemble, [leader], '/kept', 5);
  await awaitEqualZxids(ensemble);
  const client = await clientOf(ensemble, [leader]);
  const others = otherThan(leader);
  await Promise.all(others.map((sid) => ensemble.kill(sid)));
  const lost = Array.from({ length: 10 }, (_, i) => client.create(`/lost-${i}`, ''));
  const outcomes = await Promise.all(
    lost.map((it) =>
      it.then(
        () => 'done',
        () => 'lost',
      ),
    ),
  );
  assert.deepEqual(new Set(outcomes), new Set(['lost']), 'nothing was acknowledged');
  await client.close();
  await ensemble.kill(leader);

  for (const sid of others) await ensemble.restart(sid, false);
  await ensemble.serving(others);
  await fill(ensemble, [follower], '/later', 5);
  await ensemble.restart(leader);
  const tree = await assertEqualTrees(ensemble);
  const now = await awaitLeader(ensemble);
  assert.equal(syncOf(ensemble, now, leader), 'TRUNC');
  assert.deepEqual(
    [...tree.keys()].filter((it) => it.startsWith('/lost')),
    [],
  );
  assert.ok(tree.has('/later/4'));
});

test('an uncommitted tail whose owner votes again is kept by all', async (context) => {
  const ensemble = await started((end) => context.after(end), { tickTimeMs: 2000 });
  const [leader] = await followerOf(ensemble);
  const client = await clientOf(ensemble, [leader]);
  await Promise.all(otherThan(leader).map((sid) => ensemble.kill(sid)));
  await assert.rejects(client.create('/tail', ''));
  await client.close();
  await ensemble.kill(leader);
  for (const sid of [1, 2, 3]) await ensemble.restart(sid, false);
  await ensemble.serving();
  const tree = await assertEqualTrees(ensemble);
  assert.ok(tree.has('/tail'), 'the peer with the longest history leads');
});

test('peers that are restarted one after the other under load: no write is lost', async (context) => {
  const ensemble = await started((end) => context.after(end));
  const first = await clientOf(ensemble, [1, 2, 3]);
  await first.create(LOAD, '');
  await first.close();
  const writers = [0, 1, 2, 3].map((i) => new Writer(String(i), ensemble.connectString));
  await Promise.all(writers.map((writer) => writer.start()));
  let isOver = false;
  const runs = Promise.all(writers.map((writer) => writer.run(() => !isOver)));
  runs.catch(() => undefined);
  for (const [sid, signal] of [
    [1, 'SIGTERM'],
    [2, 'SIGKILL'],
    [3, 'SIGTERM'],
    [1, 'SIGKILL'],
  ] as const) {
    await ensemble.kill(sid, signal);
    const before = writers.map((writer) => writer.acknowledged);
    await until('each writer to go on', WAIT_MS, () =>
      writers.every((writer, i) => writer.acknowledged > (before[i] ?? 0)),
    );
    await ensemble.restart(sid);
  }
  isOver = true;
  await within(WAIT_MS, 'the writers to end', runs);
  await Promise.all(writers.map((writer) => writer.client.close()));
  const tree = await assertEqualTrees(ensemble);
  for (const writer of writers) writer.assertIn(tree);
});

test('snapshots are taken by log bytes, start a peer, and let old log go', async (context) => {
  const config = ['picket.journal.segmentBytes=1048576'];
  const ensemble = await PicketEnsemble.start(1, { config });
  context.after(() => ensemble.stop());
  const data = path.join(ensemble.server(1).dir, 'data');
  const filesIn = (folder: string) => fs.readdirSync(path.join(data, folder));
  const client = await clientOf(ensemble, [1]);
  await client.create('/s', '');
  const block = Buffer.alloc(500_000, 7);
  const [oldest = ''] = filesIn('journal');
  const written = (): number => ensemble.log(1, 10_000).split('wrote a snapshot').length - 1;
  // Set again and again, so that the tree stays small and the log grows.
  for (let i = 0; written() < 3; i += 1) {
    assert.ok(i < 200, 'three snapshots within 100 MB of log');
    await client.setData('/s', block);
  }
  await until('the log before the first of two snapshots to go', WAIT_MS, () => {
    return filesIn('snapshots').length === 2 && !filesIn('journal').includes(oldest);
  });
  await client.setData('/s', 'the last');
  await client.close();
  await ensemble.kill(1);
  await ensemble.restart(1);
  const recovered = /"snapshot":"0x([0-9a-f]+)"[^\n]*"recovered"/;
  const zxids = ensemble
    .log(1, 10_000)
    .split('\n')
    .map((line) => recovered.exec(line)?.[1])
    .filter((zxid) => zxid !== undefined);
  assert.equal(zxids.length, 2);
  assert.notEqual(zxids[1], '0', 'the peer started from a snapshot');
  const reader = await clientOf(ensemble, [1]);
  assert.equal(String((await reader.getData('/s')).data), 'the last');
  await reader.close();
});
