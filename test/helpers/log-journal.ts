/** A journal on a simulated disk, transactions of a known shape, and trees to take snapshots of. */
import assert from 'node:assert/strict';
import { Prng } from '../../node/core/prng.ts';
import { SessionId } from '../../node/core/session-id.ts';
import { OPEN_ACL_UNSAFE } from '../../node/core/tree/acl.ts';
import type { JournalRecord, TxnRecord } from '../../node/core/zab/journal-record.ts';
import { makeZxid, type Zxid } from '../../node/core/zxid.ts';
import type { JournalOptions } from '../../node/log/journal.ts';
import { type Recovered, recoverJournal } from '../../node/log/recovery.ts';
import type { SnapshotNode, SnapshotSource } from '../../node/log/snapshot-format.ts';
import { snapshotName } from '../../node/log/snapshot-format.ts';
import { writeSnapshot } from '../../node/log/snapshot-writer.ts';
import type { SimDisk } from './sim-disk.ts';

export const JOURNAL = '/j';
export const SNAPSHOTS = '/s';
export const SID = 3;

export function options(disk: SimDisk, changes: Partial<JournalOptions> = {}): JournalOptions {
  const prng = new Prng(disk.operations + 17);
  return {
    disk,
    directory: JOURNAL,
    snapshotDirectory: SNAPSHOTS,
    sid: SID,
    newSeed: () => prng.next(),
    onFailed: (error) => assert.fail(error),
    defer: (run) => run(),
    ...changes,
  };
}

export function recover(disk: SimDisk, changes: Partial<JournalOptions> = {}): Recovered {
  return recoverJournal(options(disk, changes));
}

/** A transaction whose bytes name its zxid and repeat a pattern made from it. */
export function txnBytes(zxid: Zxid, bodyBytes = 21): Uint8Array {
  const bytes = Buffer.alloc(32 + bodyBytes, (zxid % 251) + 1);
  bytes.writeBigUInt64BE(BigInt(zxid), 12);
  return bytes;
}

export function txn(epoch: number, counter: number, bodyBytes?: number): TxnRecord {
  const zxid = makeZxid(epoch, counter);
  return { type: 'txn', zxid, txn: txnBytes(zxid, bodyBytes) };
}

export function txns(epoch: number, first: number, last: number): TxnRecord[] {
  return Array.from({ length: last - first + 1 }, (_, i) => txn(epoch, first + i));
}

/** Appends and runs the disk until that is durable. */
export function appendNow(
  on: { readonly disk: SimDisk; readonly recovered: Recovered },
  records: readonly JournalRecord[],
  committed: Zxid = 0,
): void {
  let isDurable = false;
  on.recovered.journal.append(records, committed, () => {
    isDurable = true;
  });
  on.disk.run();
  assert.ok(isDurable, 'the append became durable');
}

export function zxidsOf(recovered: Recovered): Zxid[] {
  return recovered.txns.map((entry) => entry.zxid);
}

/** What two recoveries of the same disk must agree on. */
export function summary(recovered: Recovered): unknown {
  const { promisedEpoch, currentEpoch, epochs, committed, snapshotZxid, txns } = recovered;
  const bytes = txns.map((entry) => [entry.zxid, Buffer.from(entry.txn).toString('hex')]);
  return { promisedEpoch, currentEpoch, epochs, committed, snapshotZxid, txns: bytes };
}

export function node(path: string, zxid: Zxid, changes: Partial<SnapshotNode> = {}): SnapshotNode {
  return {
    path,
    data: Buffer.from(`data of ${path} at ${zxid}`),
    acl: OPEN_ACL_UNSAFE,
    czxid: zxid,
    mzxid: zxid,
    ctime: 1_790_000_000_000 + zxid,
    mtime: 1_790_000_000_001,
    version: 1,
    cversion: -1,
    aversion: 0,
    ephemeralOwner: new SessionId(0, 0),
    pzxid: zxid,
    ...changes,
  };
}

export function sourceOf(
  zxid: Zxid,
  nodes: readonly SnapshotNode[],
  sessions: readonly (readonly [SessionId, number])[] = [],
): SnapshotSource {
  let at = 0;
  return {
    zxid,
    sessions: () => sessions,
    next: (limit) => {
      const slice = nodes.slice(at, at + limit);
      at += slice.length;
      return slice;
    },
  };
}

/** Takes a snapshot of a tree of two znodes and appends its record. */
export function snapshotNow(
  on: { readonly disk: SimDisk; readonly recovered: Recovered },
  zxid: Zxid,
  isReset = false,
  committed: Zxid = zxid,
): void {
  let isDone = false;
  const source = sourceOf(zxid, [node('/', 0), node('/a', zxid)]);
  writeSnapshot(on.disk, SNAPSHOTS, SID, source, (error) => {
    assert.equal(error, null);
    on.recovered.journal.append([{ type: 'snapshot', zxid, isReset }], committed, () => {
      isDone = true;
    });
  });
  on.disk.run();
  assert.ok(isDone, 'the snapshot record became durable');
}

export function snapshotPath(zxid: Zxid): string {
  return `${SNAPSHOTS}/${snapshotName(zxid)}`;
}

export function segmentPaths(disk: SimDisk): string[] {
  return disk
    .listSync(JOURNAL)
    .filter((name) => name.endsWith('.seg'))
    .map((name) => `${JOURNAL}/${name}`);
}
