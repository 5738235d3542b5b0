/** What recovery makes of journals that nothing has damaged. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Prng } from '../../node/core/prng.ts';
import { makeZxid } from '../../node/core/zxid.ts';
import { ForeignJournalError, JournalDamagedError } from '../../node/log/errors.ts';
import {
  appendNow,
  JOURNAL,
  recover,
  segmentPaths,
  snapshotNow,
  snapshotPath,
  summary,
  txn,
  txnBytes,
  txns,
  zxidsOf,
} from '../helpers/log-journal.ts';
import { SimDisk } from '../helpers/sim-disk.ts';

const at = makeZxid;

function start(segmentBytesMax?: number) {
  const disk = new SimDisk();
  const recovered = recover(disk, segmentBytesMax === undefined ? {} : { segmentBytesMax });
  return { disk, recovered };
}

test('a first start has an empty journal and says so', () => {
  const { disk, recovered } = start();
  assert.equal(recovered.isNew, true);
  assert.equal(recovered.snapshotZxid, 0);
  assert.deepEqual(recovered.txns, []);
  const second = recover(disk);
  assert.equal(second.isNew, false);
  assert.deepEqual(summary(second), summary(recovered));
});

test('transactions come back byte for byte, with epochs and commits', () => {
  const on = start();
  appendNow(on, [{ type: 'promise', epoch: 1 }]);
  appendNow(on, [{ type: 'epoch', epoch: 1, base: 0 }]);
  appendNow(on, txns(1, 1, 3), 0);
  appendNow(on, [txn(1, 4, 0), txn(1, 5, 5000)], at(1, 2));
  const recovered = recover(on.disk);
  assert.deepEqual(zxidsOf(recovered), [at(1, 1), at(1, 2), at(1, 3), at(1, 4), at(1, 5)]);
  assert.deepEqual(recovered.txns[0]?.txn, txnBytes(at(1, 1)));
  assert.deepEqual(recovered.txns[4]?.txn, txnBytes(at(1, 5), 5000));
  assert.equal(recovered.promisedEpoch, 1);
  assert.equal(recovered.currentEpoch, 1);
  assert.deepEqual(recovered.epochs, [{ epoch: 1, base: 0 }]);
  assert.equal(recovered.committed, at(1, 2));
  assert.equal(recovered.tornBytesDropped, 0);
});

test('a commit known before its transaction is durable counts once the transaction is', () => {
  const on = start();
  appendNow(on, txns(1, 1, 2), at(1, 1));
  appendNow(on, txns(1, 3, 3), at(1, 3));
  assert.equal(recover(on.disk).committed, at(1, 3));
});

test('the journal goes on where recovery left it, over many starts and segments', () => {
  const on = { disk: new SimDisk(), recovered: recover(new SimDisk()) };
  for (let i = 1; i <= 30; i += 1) {
    on.recovered = recover(on.disk, { segmentBytesMax: 700 });
    assert.equal(on.recovered.txns.length, (i - 1) * 2);
    appendNow(on, [txn(1, i * 2 - 1)], at(1, Math.max(0, i * 2 - 2)));
    appendNow(on, [txn(1, i * 2)], at(1, i * 2 - 1));
    if (i % 3 === 0) on.disk.kill();
    else on.disk.powerCut(new Prng(i));
  }
  const recovered = recover(on.disk);
  assert.equal(recovered.txns.length, 60);
  assert.equal(recovered.committed, at(1, 59));
});

test('restarts that append nothing leave no files behind', () => {
  const on = start();
  appendNow(on, txns(1, 1, 3));
  recover(on.disk);
  const files = segmentPaths(on.disk);
  for (let i = 0; i < 5; i += 1) {
    on.disk.powerCut(new Prng(i));
    assert.equal(recover(on.disk).txns.length, 3);
  }
  assert.deepEqual(segmentPaths(on.disk), files);
});

test('a killed process, then a power cut: recovery has made the cached tail durable', () => {
  // The write is in the page cache only: no flush, no acknowledgement, but recovery reads it.
  const on = start();
  on.recovered.journal.append(txns(1, 1, 4), 0, () => assert.fail('no flush has run'));
  on.disk.runNext();
  on.disk.kill();
  const first = recover(on.disk);
  assert.equal(first.txns.length, 4);
  on.disk.powerCut(new Prng(5));
  assert.deepEqual(summary(recover(on.disk)), summary(first));
});

test('a failed flush, a restart, then a power cut: what recovery reported stays', () => {
  // The kernel has given the pages up and calls them clean: only a copy brings them to the medium.
  for (let seed = 0; seed < 10; seed += 1) {
    const disk = new SimDisk();
    let failures = 0;
    const onFailed = (): void => {
      failures += 1;
    };
    const { journal } = recover(disk, { onFailed });
    journal.append(txns(1, 1, 4), 0, () => assert.fail('the flush has failed'));
    disk.runNext();
    disk.failNext({ type: 'error', code: 'EIO' });
    disk.run();
    assert.equal(failures, 1);
    disk.kill();
    const first = recover(disk);
    assert.equal(first.txns.length, 4);
    disk.powerCut(new Prng(seed));
    assert.deepEqual(summary(recover(disk)), summary(first));
  }
});

test('a batch is never split over segments, and one larger than a segment has its own', () => {
  const on = start(600);
  appendNow(on, txns(1, 1, 2));
  appendNow(on, [txn(1, 3, 5000)]);
  appendNow(on, txns(1, 4, 6));
  const sizes = segmentPaths(on.disk).map((path) => on.disk.peek(path).length);
  assert.equal(sizes.length, 3);
  assert.ok((sizes[1] ?? 0) > 5000);
  const recovered = recover(on.disk, { segmentBytesMax: 600 });
  assert.equal(recovered.txns.length, 6);
});

test('truncation: the fold drops what is above it, in whatever segment it lies', () => {
  const on = start(500);
  appendNow(on, [{ type: 'promise', epoch: 4 }]);
  appendNow(on, [{ type: 'epoch', epoch: 4, base: 0 }]);
  for (let i = 1; i <= 12; i += 1) appendNow(on, [txn(4, i)], at(4, Math.min(i - 1, 5)));
  appendNow(on, [{ type: 'promise', epoch: 6 }], at(4, 5));
  const join = [
    { type: 'truncate', zxid: at(4, 7) } as const,
    txn(5, 1),
    { type: 'epoch', epoch: 6, base: at(5, 1) } as const,
  ];
  appendNow(on, join, at(4, 7));
  appendNow(on, [txn(6, 1)], at(5, 1));
  const recovered = recover(on.disk);
  const expected = [...txns(4, 1, 7), txn(5, 1), txn(6, 1)].map((record) => record.zxid);
  assert.deepEqual(zxidsOf(recovered), expected);
  assert.deepEqual(recovered.epochs, [
    { epoch: 4, base: 0 },
    { epoch: 6, base: at(5, 1) },
  ]);
  assert.equal(recovered.promisedEpoch, 6);
  assert.equal(recovered.currentEpoch, 6);
  assert.equal(recovered.committed, at(5, 1));
});

test('truncation to the very start, and away from an epoch that was joined', () => {
  const on = start();
  appendNow(on, [{ type: 'epoch', epoch: 1, base: 0 }, ...txns(1, 1, 2)]);
  appendNow(on, [{ type: 'epoch', epoch: 2, base: at(1, 2) }, txn(2, 1)]);
  appendNow(on, [{ type: 'truncate', zxid: 0 }, txn(3, 1)]);
  const recovered = recover(on.disk);
  assert.deepEqual(zxidsOf(recovered), [at(3, 1)]);
  assert.deepEqual(recovered.epochs, [{ epoch: 1, base: 0 }]);
  assert.equal(recovered.currentEpoch, 2, 'an epoch once joined is not forgotten');
});

test('a snapshot of the leader replaces the history', () => {
  const on = start();
  appendNow(on, [{ type: 'epoch', epoch: 1, base: 0 }, ...txns(1, 1, 5)], at(1, 2));
  appendNow(on, [{ type: 'promise', epoch: 9 }]);
  snapshotNow(on, at(8, 40), true);
  appendNow(on, [txn(8, 41), { type: 'epoch', epoch: 9, base: at(8, 41) }], at(8, 41));
  appendNow(on, [txn(9, 1)], at(8, 41));
  const recovered = recover(on.disk);
  assert.equal(recovered.snapshotZxid, at(8, 40));
  assert.deepEqual(zxidsOf(recovered), [at(8, 41), at(9, 1)]);
  assert.deepEqual(recovered.epochs, [{ epoch: 9, base: at(8, 41) }]);
  assert.equal(recovered.committed, at(8, 41));
  assert.equal(recovered.currentEpoch, 9);
});

test('a reset snapshot that is gone cannot be worked around', () => {
  const on = start();
  appendNow(on, txns(1, 1, 5), at(1, 2));
  snapshotNow(on, at(8, 40), true);
  on.disk.removeSync(snapshotPath(at(8, 40)));
  assert.throws(() => recover(on.disk), JournalDamagedError);
});

test('the newest snapshot that reads back is the base; without any, the whole log is', () => {
  const on = start();
  appendNow(on, txns(1, 1, 4), at(1, 4));
  snapshotNow(on, at(1, 4));
  appendNow(on, txns(1, 5, 8), at(1, 8));
  snapshotNow(on, at(1, 8));
  appendNow(on, txns(1, 9, 10), at(1, 9));
  const newest = recover(on.disk);
  assert.equal(newest.snapshotZxid, at(1, 8));
  assert.deepEqual(zxidsOf(newest), [at(1, 9), at(1, 10)]);
  assert.ok(newest.snapshotBytes > 0);

  const content = Buffer.from(on.disk.peek(snapshotPath(at(1, 8))));
  content.writeUInt8(content.readUInt8(60) ^ 4, 60);
  on.disk.poke(snapshotPath(at(1, 8)), content);
  const older = recover(on.disk);
  assert.equal(older.snapshotZxid, at(1, 4));
  assert.equal(older.txns.length, 6);
  assert.equal(older.damagedSnapshots.length, 1);
  assert.match(older.damagedSnapshots[0] ?? '', /0000000100000008\.snap/);

  on.disk.poke(snapshotPath(at(1, 4)), new Uint8Array());
  const none = recover(on.disk);
  assert.equal(none.snapshotZxid, 0);
  assert.equal(none.txns.length, 10);
});

test('a snapshot whose record never became durable does not count', () => {
  const on = start();
  appendNow(on, txns(1, 1, 4), at(1, 4));
  snapshotNow(on, at(1, 4));
  // As if the crash came between the rename and the record.
  on.disk.openSync(snapshotPath(at(1, 9)), 'create').closeSync();
  const recovered = recover(on.disk);
  assert.equal(recovered.snapshotZxid, at(1, 4));
  assert.deepEqual(recovered.damagedSnapshots, []);
});

test('purge keeps what the two newest snapshots need', () => {
  const on = start(400);
  for (let i = 1; i <= 40; i += 1) {
    appendNow(on, [txn(1, i)], at(1, i - 1));
    if (i % 10 === 0) snapshotNow(on, at(1, i));
  }
  const before = segmentPaths(on.disk).length;
  let isDone = false;
  on.recovered.journal.purge(() => {
    isDone = true;
  });
  on.disk.run();
  assert.ok(isDone);
  const after = segmentPaths(on.disk).length;
  assert.ok(after < before / 2 + 1, `${after} of ${before} segments are left`);
  assert.equal(after, on.recovered.journal.segmentCount);
  const names = on.disk.listSync('/s');
  assert.deepEqual(names, ['000000010000001e.snap', '0000000100000028.snap']);
  assert.equal(recover(on.disk).snapshotZxid, at(1, 40));
  on.disk.poke(snapshotPath(at(1, 40)), new Uint8Array());
  const older = recover(on.disk);
  assert.equal(older.snapshotZxid, at(1, 30));
  assert.equal(older.txns.length, 10);
  on.disk.poke(snapshotPath(at(1, 30)), new Uint8Array());
  assert.throws(() => recover(on.disk), JournalDamagedError, 'the log does not start at the first');
});

test('purge takes nothing while there is one snapshot', () => {
  const on = start(400);
  for (let i = 1; i <= 20; i += 1) appendNow(on, [txn(1, i)], at(1, i));
  snapshotNow(on, at(1, 20));
  const before = segmentPaths(on.disk);
  on.recovered.journal.purge();
  on.disk.run();
  assert.deepEqual(segmentPaths(on.disk), before);
});

test('a purged segment may have held a branch that was cut off', () => {
  const on = start(300);
  for (let i = 1; i <= 9; i += 1) appendNow(on, [txn(4, i)], at(4, 3));
  // The open segment begins above (4,5), which is where the branch is cut.
  appendNow(on, [{ type: 'truncate', zxid: at(4, 5) }, ...txns(5, 1, 2)], at(4, 5));
  for (let i = 3; i <= 9; i += 1) appendNow(on, [txn(5, i)], at(5, i - 1));
  snapshotNow(on, at(5, 6));
  snapshotNow(on, at(5, 8));
  on.recovered.journal.purge();
  on.disk.run();
  assert.ok(!segmentPaths(on.disk).includes('/j/0000000000000001.seg'));
  const recovered = recover(on.disk);
  assert.equal(recovered.snapshotZxid, at(5, 8));
  assert.deepEqual(zxidsOf(recovered), [at(5, 9)]);
});

test('the disk of another server is refused', () => {
  const on = start();
  assert.throws(() => recover(on.disk, { sid: 7 }), ForeignJournalError);
});

test('snapshots without a journal are damage, not a first start', () => {
  const on = start();
  appendNow(on, txns(1, 1, 2), at(1, 2));
  snapshotNow(on, at(1, 2));
  for (const path of segmentPaths(on.disk)) on.disk.removeSync(path);
  assert.throws(() => recover(on.disk), JournalDamagedError);
});

test('temporary files of a crash are removed', () => {
  const on = start();
  on.disk.openSync(`${JOURNAL}/0000000000000002.seg.tmp`, 'create').closeSync();
  recover(on.disk);
  assert.deepEqual(on.disk.listSync(JOURNAL), ['0000000000000001.seg']);
});
