/** Group commit, order, limits and failure of a journal that is open. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeZxid } from '../../node/core/zxid.ts';
import { DiskFullError } from '../../node/log/errors.ts';
import type { BatchReport } from '../../node/log/journal.ts';
import { LOG_BYTES_MIN, snapshotIsDue } from '../../node/log/retention.ts';
import {
  appendNow,
  recover,
  segmentPaths,
  snapshotNow,
  txn,
  txns,
  zxidsOf,
} from '../helpers/log-journal.ts';
import { SimDisk } from '../helpers/sim-disk.ts';

test('what arrives while a flush is in flight is one next batch with one flush', () => {
  const disk = new SimDisk();
  const reports: BatchReport[] = [];
  const { journal } = recover(disk, { onBatch: (report) => reports.push(report) });
  const order: number[] = [];
  const append = (counter: number): void => {
    journal.append([txn(1, counter)], 0, () => order.push(counter));
  };
  append(1);
  const flushes = disk.flushes;
  for (let counter = 2; counter <= 50; counter += 1) append(counter);
  disk.runNext();
  assert.deepEqual(order, [], 'written is not durable');
  disk.runNext();
  assert.deepEqual(order, [1]);
  disk.run();
  assert.deepEqual(
    order,
    Array.from({ length: 50 }, (_, i) => i + 1),
  );
  assert.equal(disk.flushes - flushes, 2);
  assert.deepEqual(
    reports.map((report) => report.records),
    [1, 49],
  );
  assert.equal(zxidsOf(recover(disk)).length, 50);
});

test('the next batch is on its way before the last one is told of', () => {
  const disk = new SimDisk();
  const { journal } = recover(disk);
  let pending = -1;
  journal.append([txn(1, 1)], 0, () => {
    pending = disk.pending;
  });
  journal.append([txn(1, 2)], 0, () => {});
  disk.run();
  assert.equal(pending, 1);
});

test('appends of an idle journal wait for the rest of the turn', () => {
  const disk = new SimDisk();
  const deferred: (() => void)[] = [];
  const { journal } = recover(disk, { defer: (run) => deferred.push(run) });
  for (let counter = 1; counter <= 5; counter += 1) {
    journal.append([txn(1, counter)], 0, () => {});
  }
  assert.equal(disk.pending, 0);
  assert.equal(deferred.length, 1);
  const flushes = disk.flushes;
  deferred[0]?.();
  disk.run();
  assert.equal(disk.flushes - flushes, 1);
});

test('a batch is capped in bytes, and an append is never split', () => {
  const disk = new SimDisk();
  const sizes: number[] = [];
  const { journal } = recover(disk, {
    batchBytesMax: 1000,
    onBatch: (report) => sizes.push(report.records),
  });
  journal.append([txn(1, 1)], 0, () => {});
  journal.append(txns(1, 2, 3), 0, () => {});
  journal.append([txn(1, 4, 600)], 0, () => {});
  journal.append([txn(1, 5, 600)], 0, () => {});
  journal.append(txns(1, 6, 40), 0, () => {});
  journal.append([txn(1, 41)], 0, () => {});
  assert.ok(journal.queuedBytes > 4000);
  disk.run();
  assert.equal(journal.queuedBytes, 0);
  assert.deepEqual(sizes, [1, 3, 1, 35, 1]);
  assert.equal(zxidsOf(recover(disk)).length, 41);
});

test('the bytes of a transaction are handed to the disk as they are, not copied', () => {
  const disk = new SimDisk();
  const { journal } = recover(disk);
  const record = txn(1, 1);
  journal.append([record], 0, () => {});
  // The write is queued with the caller's own bytes: a later change shows.
  const changed = Buffer.from(record.txn);
  record.txn.set([changed.readUInt8(40) ^ 1], 40);
  disk.run();
  assert.equal(recover(disk).txns.length, 0);
});

for (const [what, operation] of [
  ['write', 1],
  ['flush', 2],
] as const) {
  test(`a ${what} that fails: one report, then silence, never a retry`, () => {
    const disk = new SimDisk();
    const failures: Error[] = [];
    const { journal } = recover(disk, { onFailed: (error) => failures.push(error) });
    let durable = 0;
    disk.failAt(disk.operations + operation, { type: 'error', code: 'EIO' });
    for (let counter = 1; counter <= 3; counter += 1) {
      journal.append([txn(1, counter)], 0, () => {
        durable += 1;
      });
    }
    disk.run();
    const { operations } = disk;
    journal.append([txn(1, 4)], 0, () => {
      durable += 1;
    });
    journal.purge(() => assert.ok(true));
    disk.run();
    assert.equal(failures.length, 1);
    assert.equal(durable, 0);
    assert.equal(disk.operations, operations, 'the disk is left alone');
  });
}

test('a disk that is full while the journal rolls', () => {
  const disk = new SimDisk({ capacityBytes: 1500 });
  const failures: Error[] = [];
  const { journal } = recover(disk, {
    segmentBytesMax: 700,
    onFailed: (error) => failures.push(error),
  });
  let durable = 0;
  for (let counter = 1; counter <= 40; counter += 1) {
    journal.append([txn(1, counter)], 0, () => {
      durable = counter;
    });
    disk.run();
  }
  assert.equal(failures.length, 1);
  assert.ok(failures[0] instanceof DiskFullError);
  assert.ok(durable > 5 && durable < 40);
});

test('a disk that is full at start, or a directory that cannot be written', () => {
  assert.throws(() => recover(new SimDisk({ capacityBytes: 10 })), DiskFullError);
});

test('close flushes what was appended and takes nothing more', () => {
  const disk = new SimDisk();
  const { journal } = recover(disk);
  const events: string[] = [];
  journal.append([txn(1, 1)], 0, () => events.push('durable 1'));
  journal.append([txn(1, 2)], 0, () => events.push('durable 2'));
  journal.close(() => events.push('closed'));
  journal.append([txn(1, 3)], 0, () => events.push('durable 3'));
  disk.run();
  assert.deepEqual(events, ['durable 1', 'durable 2', 'closed']);
  journal.close(() => events.push('closed again'));
  assert.equal(events.at(-1), 'closed again');
  assert.equal(recover(disk).txns.length, 2);
});

test('truncations and resets below what is committed break an invariant', () => {
  const on = { disk: new SimDisk(), recovered: recover(new SimDisk()) };
  on.recovered = recover(on.disk);
  appendNow(on, txns(1, 1, 5), makeZxid(1, 4));
  const { journal } = on.recovered;
  const refused = (zxid: number, type: 'truncate' | 'reset'): void => {
    const record =
      type === 'truncate'
        ? ({ type: 'truncate', zxid } as const)
        : ({ type: 'snapshot', zxid, isReset: true } as const);
    assert.throws(() => journal.append([record], 0, () => {}), /takes only what continues it/);
  };
  refused(makeZxid(1, 3), 'truncate');
  refused(makeZxid(1, 3), 'reset');
});

test('a snapshot of a leader that failed before UPTODATE may be replaced by an older one', () => {
  const on = { disk: new SimDisk(), recovered: recover(new SimDisk()) };
  on.recovered = recover(on.disk);
  appendNow(on, txns(1, 1, 5), makeZxid(1, 4));
  const confirmed = makeZxid(1, 4);
  snapshotNow(on, makeZxid(2, 9), true, confirmed);
  on.recovered = recover(on.disk);
  assert.equal(on.recovered.committed, makeZxid(2, 9));
  assert.equal(on.recovered.confirmed, confirmed);
  snapshotNow(on, makeZxid(1, 5), true, confirmed);
  on.recovered = recover(on.disk);
  assert.equal(on.recovered.snapshotZxid, makeZxid(1, 5));
  assert.equal(on.recovered.confirmed, confirmed);
  // The next leader is established: what it sent is committed.
  appendNow(on, [txn(1, 6)], makeZxid(1, 5));
  on.recovered = recover(on.disk);
  assert.equal(on.recovered.confirmed, makeZxid(1, 5));
  const reset = { type: 'snapshot', zxid: makeZxid(1, 4), isReset: true } as const;
  const again = (): void => on.recovered.journal.append([reset], 0, () => {});
  assert.throws(again, /takes only what continues it/);
});

test('a snapshot is due by log bytes against snapshot bytes', () => {
  assert.equal(snapshotIsDue(LOG_BYTES_MIN - 1, 0), false);
  assert.equal(snapshotIsDue(LOG_BYTES_MIN, 0), true);
  assert.equal(snapshotIsDue(LOG_BYTES_MIN, LOG_BYTES_MIN), false);
  assert.equal(snapshotIsDue(LOG_BYTES_MIN * 2, LOG_BYTES_MIN), true);

  const on = { disk: new SimDisk(), recovered: recover(new SimDisk()) };
  on.recovered = recover(on.disk);
  appendNow(on, txns(1, 1, 5), makeZxid(1, 5));
  assert.ok(on.recovered.journal.bytesSinceSnapshot > 5 * 50);
  assert.ok(recover(on.disk.clone()).journal.bytesSinceSnapshot > 5 * 50);
  snapshotNow(on, makeZxid(1, 5));
  assert.equal(on.recovered.journal.bytesSinceSnapshot, 0);
  assert.equal(recover(on.disk.clone()).journal.bytesSinceSnapshot, 0);
});

test('a snapshot that the leader has overtaken is recorded to no effect', () => {
  const on = { disk: new SimDisk(), recovered: recover(new SimDisk()) };
  on.recovered = recover(on.disk);
  appendNow(on, txns(1, 1, 5), makeZxid(1, 5));
  snapshotNow(on, makeZxid(2, 7), true);
  snapshotNow(on, makeZxid(1, 4));
  appendNow(on, [txn(2, 8)]);
  const recovered = recover(on.disk);
  assert.equal(recovered.snapshotZxid, makeZxid(2, 7));
  assert.deepEqual(zxidsOf(recovered), [makeZxid(2, 8)]);
});

test('a segment rolls when the next batch does not fit', () => {
  const disk = new SimDisk();
  const on = { disk, recovered: recover(disk, { segmentBytesMax: 1000 }) };
  for (let counter = 1; counter <= 40; counter += 1) appendNow(on, [txn(1, counter)]);
  const paths = segmentPaths(disk);
  assert.ok(paths.length > 3);
  for (const path of paths) assert.ok(disk.peek(path).length <= 1000);
  assert.equal(paths.length, on.recovered.journal.segmentCount);
});
