/**
 * DIFF, TRUNC or SNAP, against a slow oracle: histories are grown epoch by epoch as Zab grows them,
 * and what the plan does to the learner's list must give the leader's list.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Prng } from '../../node/core/prng.ts';
import { History } from '../../node/core/zab/history.ts';
import { planSync } from '../../node/core/zab/sync-plan.ts';
import { counterOf, makeZxid, type Zxid } from '../../node/core/zxid.ts';
import { stateOf } from '../helpers/zab-driver.ts';
import { entry, parseZxid, zxidText } from '../helpers/zab-text.ts';

interface Grown {
  list: Zxid[];
  ancestry: { epoch: number; base: Zxid }[];
}

/** Six peers through up to five epochs; each epoch's leader goes on from whatever it has. */
function grow(prng: Prng): Grown[] {
  const peers: Grown[] = Array.from({ length: 6 }, () => ({ list: [], ancestry: [] }));
  const epochs = 1 + prng.below(5);
  for (let epoch = 1; epoch <= epochs; epoch += 1) {
    const { list, ancestry } = prng.pick(peers);
    const joined = [...ancestry, { epoch, base: list.at(-1) ?? 0 }];
    const proposed = Array.from({ length: prng.below(4) }, (_, i) => makeZxid(epoch, i + 1));
    for (const peer of peers) {
      if (prng.oneIn(2)) continue;
      // Whoever joins an epoch has all that it began with, and then some of what was proposed.
      peer.list = [...list, ...proposed.slice(0, prng.below(proposed.length + 1))];
      peer.ancestry = [...joined];
    }
  }
  return peers;
}

/** The leader's history with a window that begins after `forgotten` transactions. */
function historyOf({ list, ancestry }: Grown, forgotten: number, isNamedByEpoch: boolean): History {
  let base = list[forgotten - 1] ?? 0;
  // A snapshot that Apache's leader sent before its first transaction has the zxid (epoch, 0).
  const named = ancestry.findLast((joined) => joined.base === base);
  if (isNamedByEpoch && named !== undefined) base = makeZxid(named.epoch, 0);
  const entries = list.slice(forgotten).map((zxid) => entry(zxid));
  return new History({
    acceptedEpoch: 9,
    currentEpoch: ancestry.at(-1)?.epoch ?? 0,
    ancestry: ancestry.filter((joined) => joined.base >= base || isNamedByEpoch),
    committed: base,
    confirmed: base,
    base,
    entries,
  });
}

function commonLength(a: readonly Zxid[], b: readonly Zxid[]): number {
  let i = 0;
  while (i < a.length && i < b.length && a[i] === b[i]) i += 1;
  return i;
}

/**
 * What the learner says: its last zxid, or where its epoch began when it has none of that epoch.
 */
function lastZxidOf({ list, ancestry }: Grown, isNamedByEpoch: boolean): Zxid {
  const joined = ancestry.at(-1);
  const last = list.at(-1) ?? 0;
  if (isNamedByEpoch && joined !== undefined && joined.base === last) {
    return makeZxid(joined.epoch, 0);
  }
  return last;
}

function checkPair(prng: Prng, leader: Grown, learner: Grown, counts: Map<string, number>): void {
  const forgotten = prng.below(leader.list.length + 1);
  const history = historyOf(leader, forgotten, prng.oneIn(3));
  const syncIndex = forgotten + prng.below(leader.list.length - forgotten + 1);
  const syncPoint =
    syncIndex === forgotten ? history.windowBase : (leader.list[syncIndex - 1] ?? 0);
  const lastZxid = lastZxidOf(learner, prng.oneIn(3));
  const plan = planSync(history, lastZxid, syncPoint);
  counts.set(plan.type, (counts.get(plan.type) ?? 0) + 1);
  const about =
    `leader [${leader.list.map(zxidText)}] from ${forgotten}, ` +
    `learner [${learner.list.map(zxidText)}] at ${zxidText(lastZxid)}, ` +
    `sync point ${zxidText(syncPoint)}: ${JSON.stringify(plan)}`;
  const common = commonLength(leader.list, learner.list);
  if (plan.type === 'snap') {
    // A whole tree is never sent where a few transactions would do.
    const isNeeded = !history.contains(lastZxid) || history.windowBase > lastZxid;
    const isCutToEpochStart = counterOf(Math.min(lastZxid, syncPoint)) === 0;
    assert.ok(isNeeded || isCutToEpochStart, about);
    return;
  }
  const kept = plan.type === 'trunc' ? learner.list.filter((it) => it <= plan.zxid) : learner.list;
  assert.ok(kept.length <= common, `keeps what the leader does not have: ${about}`);
  assert.ok(plan.from <= syncPoint || plan.type === 'diff', `commits too much: ${about}`);
  if (plan.type === 'trunc') {
    assert.ok(learner.list.includes(plan.zxid), `cuts to what the learner has not: ${about}`);
  } else assert.equal(plan.zxid, syncPoint, about);
  const sent = history.entriesAfter(plan.from).map(({ zxid }) => zxid);
  assert.deepEqual([...kept, ...sent], leader.list, about);
}

describe('the plan of a synchronisation', () => {
  it('gives the learner the history of the leader, for all grown histories', () => {
    const prng = new Prng(11);
    const counts = new Map<string, number>();
    for (let round = 0; round < 4000; round += 1) {
      const peers = grow(prng);
      checkPair(prng, prng.pick(peers), prng.pick(peers), counts);
    }
    for (const type of ['diff', 'trunc', 'snap']) assert.ok((counts.get(type) ?? 0) > 100, type);
  });

  /** The plan for a learner whose last zxid is `last`. */
  function plan(log: string, last: string, syncPoint: string, more: object = {}): string {
    const history = new History(stateOf({ log, ...more }));
    const made = planSync(history, parseZxid(last), parseZxid(syncPoint));
    if (made.type === 'snap') return 'SNAP';
    return `${made.type.toUpperCase()} ${zxidText(made.zxid)} from ${zxidText(made.from)}`;
  }

  it('is a DIFF from where the learner is', () => {
    assert.equal(plan('1.1-5', '1.3', '1.5'), 'DIFF 1.5 from 1.3');
    assert.equal(plan('1.1-5', '1.5', '1.5'), 'DIFF 1.5 from 1.5');
    assert.equal(plan('1.1-5', '0.0', '1.5'), 'DIFF 1.5 from 0.0');
    assert.equal(plan('1.3-5', '1.2', '1.5', { base: '1.2' }), 'DIFF 1.5 from 1.2');
  });

  it('is a TRUNC to the last of the same epoch that both have', () => {
    assert.equal(plan('1.1-3 3.1', '1.9', '3.1'), 'TRUNC 1.3 from 1.3');
  });

  it('is a SNAP for a transaction of an epoch this leader has nothing of (ZOOKEEPER-1154)', () => {
    // 2.1 lies between 1.3 and 3.1 as a number; the leader never had it.
    assert.equal(plan('1.1-3 3.1', '2.1', '3.1'), 'SNAP');
    assert.equal(plan('1.1-3', '2.1', '1.3'), 'SNAP');
  });

  it('is a SNAP before the window, for an empty learner (1319) and for one that asks', () => {
    assert.equal(plan('1.3-5', '1.1', '1.5', { base: '1.2' }), 'SNAP');
    assert.equal(plan('1.3-5', '0.0', '1.5', { base: '1.2' }), 'SNAP');
    assert.equal(plan('1.1-5', 'none', '1.5'), 'SNAP');
  });

  it('cuts what is proposed but not committed and sends it again', () => {
    assert.equal(plan('1.1-5', '1.5', '1.3'), 'TRUNC 1.3 from 1.3');
    assert.equal(plan('1.1-3 2.1', '2.1', '1.3'), 'TRUNC 1.3 from 1.3');
  });

  it('takes (epoch, 0) for the history that epoch began with, if it was joined here', () => {
    const ancestry = [{ epoch: 2, base: parseZxid('1.3') }];
    assert.equal(plan('1.1-3 2.1', '2.0', '2.1', { ancestry }), 'DIFF 2.1 from 1.3');
    assert.equal(plan('1.1-3 3.1', '2.0', '3.1'), 'SNAP');
  });

  it('never is a TRUNC to (epoch, 0): Apache would keep the first transaction after it', () => {
    // Apache truncates by reading up to a record at or above the zxid, and keeps that record.
    assert.equal(plan('', '2.3', '2.0', { base: '2.0' }), 'SNAP');
    assert.equal(plan('1.1-2', '1.2', '0.0'), 'SNAP');
  });
});
