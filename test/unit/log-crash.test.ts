/** The machine stops at operation N, for every N, in every phase of a journal's life. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Prng } from '../../node/core/prng.ts';
import { epochOf, makeZxid } from '../../node/core/zxid.ts';
import { appendNow, summary, txnBytes } from '../helpers/log-journal.ts';
import { checkStable, recoverSmall, Workload } from '../helpers/log-workload.ts';
import { SimCrash, SimDisk } from '../helpers/sim-disk.ts';

const STEPS = 60;
const LIVES = 6;

function live(seed: number, stopAt: number): { disk: SimDisk; workload: Workload } {
  const disk = new SimDisk();
  if (stopAt > 0) disk.failAt(stopAt, { type: 'crash' });
  const workload = new Workload(disk, seed);
  workload.run(STEPS);
  return { disk, workload };
}

for (let life = 1; life <= LIVES; life += 1) {
  test(`life ${life}: a power cut at any operation loses nothing acknowledged`, () => {
    const { operations } = live(life, 0).disk;
    assert.ok(operations > 100, `${operations} operations`);
    for (let stopAt = 1; stopAt <= operations; stopAt += 1) {
      const { disk, workload } = live(life, stopAt);
      assert.ok(disk.hasCrashed);
      disk.powerCut(new Prng(life * 10_000 + stopAt));
      const recovered = recoverSmall(disk);
      workload.check(recovered, `seed ${life}, operation ${stopAt}`);
      checkStable(disk, recovered, stopAt);
    }
  });
}

test('a power cut at any operation of the recovery itself changes nothing', () => {
  const { operations } = live(7, 0).disk;
  for (let stopAt = 3; stopAt <= operations; stopAt += 5) {
    const { disk, workload } = live(7, stopAt);
    disk.powerCut(new Prng(stopAt));
    for (let inner = 1; ; inner += 1) {
      const copy = disk.clone();
      copy.failAt(inner, { type: 'crash' });
      if (!crashes(() => recoverSmall(copy))) break;
      copy.powerCut(new Prng(inner));
      const recovered = recoverSmall(copy);
      assert.deepEqual(summary(recovered), summary(recoverSmall(disk.clone())));
      workload.check(recovered, `operation ${stopAt}, then ${inner} of the recovery`);
    }
  }
});

test('a killed process at any operation loses nothing, and a power cut after it neither', () => {
  const { operations } = live(8, 0).disk;
  for (let stopAt = 1; stopAt <= operations; stopAt += 1) {
    const { disk, workload } = live(8, stopAt);
    disk.kill();
    const recovered = recoverSmall(disk);
    workload.check(recovered, `operation ${stopAt}`);
    checkStable(disk, recovered, stopAt);
  }
});

test('a peer goes on after each crash, over many of them', () => {
  const disk = new SimDisk();
  let expected: unknown = summary(recoverSmall(disk));
  for (let life = 1; life <= 60; life += 1) {
    const recovered = recoverSmall(disk);
    assert.deepEqual(summary(recovered), expected);
    const last = recovered.txns.at(-1)?.zxid ?? 0;
    const next = life % 5 === 0 ? makeZxid(epochOf(last) + 1, 1) : last + 1;
    appendNow({ disk, recovered }, [{ type: 'txn', zxid: next, txn: txnBytes(next) }], last);
    disk.kill();
    expected = summary(recoverSmall(disk));
    disk.powerCut(new Prng(life));
  }
});

test('a flush that fails at any operation is never acknowledged', () => {
  const { operations } = live(9, 0).disk;
  for (let failAt = 8; failAt <= operations; failAt += 1) {
    const disk = new SimDisk();
    let failed = 0;
    const onFailed = (): void => {
      failed += 1;
    };
    const { journal } = recoverSmall(disk, onFailed);
    disk.failAt(failAt, { type: 'error', code: 'EIO' });
    let acknowledged = 0;
    for (let counter = 1; counter <= 30; counter += 1) {
      const zxid = makeZxid(1, counter);
      journal.append([{ type: 'txn', zxid, txn: txnBytes(zxid) }], 0, () => {
        assert.equal(failed, 0, 'nothing is acknowledged after a failure');
        acknowledged = counter;
      });
      disk.runNext();
      disk.runNext();
    }
    disk.run();
    assert.ok(failed <= 1);
    disk.powerCut(new Prng(failAt));
    assert.ok(recoverSmall(disk).txns.length >= acknowledged);
  }
});

function crashes(action: () => unknown): boolean {
  try {
    action();
    return false;
  } catch (error) {
    if (error instanceof SimCrash) return true;
    throw error;
  }
}
