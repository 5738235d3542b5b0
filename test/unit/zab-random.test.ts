/**
 * Random schedules against the Zab core: crashes, partitions, slow disks, then heal and converge.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ZabCluster } from '../helpers/zab-cluster.ts';

const { PICKET_ZAB_SEEDS, PICKET_ZAB_FIRST } = process.env;
const SEEDS = Number(PICKET_ZAB_SEEDS ?? 60);
const FIRST = Number(PICKET_ZAB_FIRST ?? 1);

function runSeed(seed: number, participants: number, observers: number): ZabCluster {
  const cluster = new ZabCluster({ seed, participants, observers });
  const { prng } = cluster;
  const sids = [...cluster.nodes.keys()];
  // Each seed has its own temper, or all of them would explore the same corner.
  const faultEvery = 2 + prng.below(12);
  const stepMs = 20 + prng.below(200);
  cluster.startAll();
  for (let step = 0; step < 120; step += 1) {
    for (let i = prng.below(4); i > 0; i -= 1) cluster.propose(`t${step}.${i}`);
    if (prng.oneIn(faultEvery)) {
      const kind = prng.below(5);
      const [a, b] = [prng.pick(sids), prng.pick(sids)];
      if (kind === 0) cluster.crash(a);
      else if (kind === 1) cluster.start(a);
      else if (kind === 2 && a !== b) cluster.partition(a, b);
      else if (kind === 3) cluster.heal();
      else if (cluster.leaderNode() !== undefined) cluster.crash(cluster.leaderNode()?.sid ?? a);
    }
    cluster.runFor(1 + prng.below(stepMs));
    if (prng.oneIn(60)) for (const sid of sids) cluster.crash(sid);
    if (prng.oneIn(6)) cluster.startAll();
  }
  cluster.heal();
  cluster.startAll();
  cluster.runUntil(() => cluster.isSettled(), 60_000, 'all peers serve the same history');
  const before = cluster.agreed.length;
  assert.ok(cluster.propose('last'));
  cluster.runUntil(() => cluster.agreed.length > before && cluster.isSettled(), 10_000, 'a write');
  for (const { sid, tree } of cluster.nodes.values()) {
    assert.deepEqual(tree, cluster.agreed, `seed ${seed}: the tree of peer ${sid}`);
  }
  const zxids = new Set(cluster.agreed.map((entry) => entry.zxid));
  for (const zxid of cluster.acknowledged) {
    if (!zxids.has(zxid)) cluster.fail(`acknowledged ${zxid} is lost`);
  }
  return cluster;
}

for (const [participants, observers] of [
  [1, 0],
  [3, 0],
  [3, 2],
  [5, 1],
  [7, 0],
] as const) {
  test(`${participants} participants and ${observers} observers keep one history`, () => {
    let writes = 0;
    for (let seed = FIRST; seed < FIRST + SEEDS; seed += 1) {
      writes += runSeed(seed, participants, observers).agreed.length;
    }
    assert.ok(writes > SEEDS * 5, `the schedules committed only ${writes} writes`);
  });
}
