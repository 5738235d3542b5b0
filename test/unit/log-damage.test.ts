/**
 * Every byte of a small journal, flipped, zeroed or cut off: recovery says damage, or it finds all
 * that the journal proves to have been durable. It never goes on with less.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeZxid, type Zxid } from '../../node/core/zxid.ts';
import { JournalDamagedError } from '../../node/log/errors.ts';
import { recordBytes } from '../../node/log/record.ts';
import type { Recovered } from '../../node/log/recovery.ts';
import { appendNow, recover, segmentPaths, txn, txns, zxidsOf } from '../helpers/log-journal.ts';
import { SimDisk } from '../helpers/sim-disk.ts';

const at = makeZxid;

interface Journal {
  readonly disk: SimDisk;
  readonly paths: readonly string[];
  /** All transactions, and those before the last batch, which a later batch proves durable. */
  readonly all: readonly Zxid[];
  readonly proven: readonly Zxid[];
  /** Where the last batch of the last segment begins. */
  readonly lastBatch: number;
}

/** Three segments; the last one has three batches. */
function journal(): Journal {
  const disk = new SimDisk();
  const on = { disk, recovered: recover(disk, { segmentBytesMax: 940 }) };
  appendNow(on, [{ type: 'promise', epoch: 1 }]);
  appendNow(on, [{ type: 'epoch', epoch: 1, base: 0 }]);
  let lastBatch = 0;
  for (let i = 1; segmentPaths(disk).length < 3 || i < 15; i += 1) {
    appendNow(on, [txn(1, i)], at(1, i - 1));
  }
  const next = on.recovered.journal.last + 1 - at(1, 0);
  appendNow(on, txns(1, next, next + 1), at(1, next - 1));
  const paths = segmentPaths(disk);
  const last = paths.at(-1) ?? '';
  lastBatch = disk.peek(last).length;
  const proven = zxidsOf(recover(disk.clone()));
  appendNow(on, [...txns(1, next + 2, next + 4)], at(1, next + 1));
  assert.equal(segmentPaths(disk).length, paths.length);
  return { disk, paths, all: zxidsOf(recover(disk.clone())), proven, lastBatch };
}

const whole = journal();

/** What recovery makes of the journal with one file changed; null for damage. */
function recoverChanged(path: string, change: (content: Buffer) => Uint8Array): Recovered | null {
  const disk = whole.disk.clone();
  disk.poke(path, change(Buffer.from(disk.peek(path))));
  try {
    return recover(disk);
  } catch (error) {
    if (error instanceof JournalDamagedError) return null;
    throw error;
  }
}

/** True when the change was found to be damage. */
function check(path: string, what: string, offset: number, recovered: Recovered | null): boolean {
  if (recovered === null) return true;
  const isLast = path === whole.paths.at(-1);
  assert.ok(isLast && offset >= whole.lastBatch, `${what} at ${offset} of ${path} goes unnoticed`);
  const found = zxidsOf(recovered);
  assert.deepEqual(found, whole.all.slice(0, found.length), what);
  assert.ok(found.length >= whole.proven.length, `${what} at ${offset} loses what is proven`);
  assert.equal(recovered.promisedEpoch, 1);
  return false;
}

function everyByte(body: (path: string, offset: number, length: number) => void): void {
  for (const path of whole.paths) {
    const { length } = whole.disk.peek(path);
    for (let offset = 0; offset < length; offset += 1) body(path, offset, length);
  }
}

test('the journal under test is what it should be', () => {
  assert.ok(whole.paths.length >= 3);
  assert.equal(whole.all.length, whole.proven.length + 3);
});

for (const mask of [0x01, 0x80, 0xff]) {
  test(`any byte flipped by 0x${mask.toString(16)}`, () => {
    everyByte((path, offset) => {
      const recovered = recoverChanged(path, (content) => {
        content.writeUInt8(content.readUInt8(offset) ^ mask, offset);
        return content;
      });
      const isDamage = check(path, 'a flipped byte', offset, recovered);
      if (path === whole.paths.at(-1) && offset >= whole.lastBatch) return;
      assert.ok(isDamage, `byte ${offset} of ${path}`);
    });
  });
}

for (const run of [1, 8, 64, 512]) {
  test(`any ${run} bytes zeroed never look like the end of the log`, () => {
    everyByte((path, offset, length) => {
      const end = Math.min(offset + run, length);
      const before = Buffer.from(whole.disk.peek(path)).subarray(offset, end);
      if (before.every((byte) => byte === 0)) return;
      // A run that reaches into the last batch leaves no later batch to prove the one before.
      if (path === whole.paths.at(-1) && end > whole.lastBatch && offset < whole.lastBatch) return;
      check(
        path,
        `${run} zeroed bytes`,
        offset,
        recoverChanged(path, (c) => c.fill(0, offset, end)),
      );
    });
  });
}

test('a sealed segment cut anywhere is damage', () => {
  for (const path of whole.paths.slice(0, -1)) {
    for (let length = 0; length < whole.disk.peek(path).length; length += 1) {
      assert.equal(
        recoverChanged(path, (content) => content.subarray(0, length)),
        null,
      );
    }
  }
});

test('the last segment cut within its last batch is a torn tail', () => {
  const path = whole.paths.at(-1) ?? '';
  for (let length = whole.lastBatch; length < whole.disk.peek(path).length; length += 1) {
    const recovered = recoverChanged(path, (content) => content.subarray(0, length));
    assert.ok(recovered !== null);
    assert.equal(recovered.tornBytesDropped > 0, length > whole.lastBatch);
    check(path, 'a cut', length, recovered);
  }
});

test('a missing segment is damage, first, middle or renamed', () => {
  for (const path of whole.paths.slice(0, -1)) {
    const disk = whole.disk.clone();
    disk.removeSync(path);
    assert.throws(() => recover(disk), JournalDamagedError, path);
  }
  const disk = whole.disk.clone();
  disk.poke(whole.paths[1] ?? '', disk.peek(whole.paths[0] ?? ''));
  assert.throws(() => recover(disk), JournalDamagedError);
});

test('a batch whose sectors arrived in any order is a torn tail', () => {
  const path = whole.paths.at(-1) ?? '';
  const content = whole.disk.peek(path);
  // The first record of the last batch behind its mark is gone; the others read back.
  const hole = whole.lastBatch + 32;
  const recovered = recoverChanged(path, (bytes) => bytes.fill(0, hole, hole + 40));
  assert.ok(recovered !== null);
  assert.deepEqual(zxidsOf(recovered), whole.proven);
  assert.equal(recovered.tornBytesDropped, content.length - hole);
  // Its mark is gone, too.
  const unmarked = recoverChanged(path, (bytes) => bytes.fill(0, hole - 32, hole + 40));
  assert.ok(unmarked !== null);
  assert.deepEqual(zxidsOf(unmarked), whole.proven);
});

test('what recovery has copied is no torn tail: it was flushed before the file got its name', () => {
  const disk = whole.disk.clone();
  recover(disk);
  const path = segmentPaths(disk).at(-1) ?? '';
  assert.ok(!whole.paths.includes(path));
  const content = Buffer.from(disk.peek(path));
  assert.ok(content.length > 300, 'header and tail');
  for (let offset = 0; offset < content.length; offset += 1) {
    const flipped = Buffer.from(content);
    flipped.writeUInt8(flipped.readUInt8(offset) ^ 1, offset);
    disk.poke(path, flipped);
    assert.throws(() => recover(disk.clone()), JournalDamagedError, `byte ${offset}`);
    disk.poke(path, content.subarray(0, offset));
    assert.throws(() => recover(disk.clone()), JournalDamagedError, `cut at ${offset}`);
  }
});

test('records in another order are damage, each with a good checksum', () => {
  const disk = new SimDisk();
  const on = { disk, recovered: recover(disk) };
  const [path = ''] = segmentPaths(disk);
  const start = disk.peek(path).length + 32;
  appendNow(on, [{ type: 'promise', epoch: 5 }, txn(1, 1)]);
  appendNow(on, [txn(1, 2)]);
  const content = Buffer.from(disk.peek(path));
  const middle = start + recordBytes(content.readUInt32BE(start + 8));
  const end = middle + recordBytes(content.readUInt32BE(middle + 8));
  const promise = content.subarray(start, middle);
  const second = content.subarray(middle, end);
  assert.equal(second.readUInt8(12), 3, 'a transaction');
  const swapped = [content.subarray(0, start), second, promise, content.subarray(end)];
  disk.poke(path, Buffer.concat(swapped));
  assert.throws(() => recover(disk), /a record chained to the one before/);
});

test('rot in a batch is damage when a torn batch behind it has left but one record', () => {
  const path = whole.paths.at(-1) ?? '';
  const recovered = recoverChanged(path, (bytes) => {
    bytes.fill(0, whole.lastBatch, whole.lastBatch + 100);
    return bytes.fill(0, whole.lastBatch - 20, whole.lastBatch - 10);
  });
  assert.equal(recovered, null);
});

test('bytes behind the end of a sealed segment are void', () => {
  // What was torn there has been dropped or copied; the seal says where the segment ends.
  const path = whole.paths[0] ?? '';
  const recovered = recoverChanged(path, (content) =>
    Buffer.concat([content, Buffer.alloc(99, 7)]),
  );
  assert.ok(recovered !== null);
  assert.deepEqual(zxidsOf(recovered), whole.all);
});

test('records that no peer writes are damage even with a good checksum', () => {
  const disk = new SimDisk();
  const on = { disk, recovered: recover(disk) };
  assert.throws(
    () => on.recovered.journal.append([txn(1, 1), txn(1, 3)], 0, () => {}),
    /the journal takes only what continues it/,
  );
  assert.throws(
    () => on.recovered.journal.append([{ type: 'txn', zxid: 5, txn: txn(1, 2).txn }], 0, () => {}),
    /continues it|names its own zxid/,
  );
});

test('the error names the file, the place, what was expected and the remedy', () => {
  const disk = whole.disk.clone();
  const path = whole.paths[1] ?? '';
  const content = Buffer.from(disk.peek(path));
  content.writeUInt8(content.readUInt8(700) ^ 1, 700);
  disk.poke(path, content);
  assert.throws(
    () => recover(disk),
    (error) => {
      assert.ok(error instanceof JournalDamagedError);
      assert.equal(error.file, path);
      assert.ok(error.offset > 500 && error.offset <= 700);
      assert.match(error.message, /0000000000000002\.seg at byte \d+: expected a record/);
      assert.match(error.message, /must not vote.*copies everything from the leader/);
      return true;
    },
  );
  assert.deepEqual(Buffer.from(disk.peek(path)), content, 'the evidence is left as it was');
});
