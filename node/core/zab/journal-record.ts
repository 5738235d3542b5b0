/**
 * The records of a peer's journal, as the protocol sees them. They stand in one append-only log in
 * the order in which the protocol needs them durable, so a cut tail takes away a suffix of the
 * protocol and nothing else.
 */
import type { Zxid } from '../zxid.ts';

export interface TxnRecord {
  readonly type: 'txn';
  readonly zxid: Zxid;
  /** The bytes of the PROPOSAL. */
  readonly txn: Uint8Array;
}
/** acceptedEpoch: this peer follows no leader of an earlier epoch any more. */
export interface PromiseRecord {
  readonly type: 'promise';
  readonly epoch: number;
}
/** currentEpoch: the history up to `base` is the one accepted from the leader of `epoch`. */
export interface EpochRecord {
  readonly type: 'epoch';
  readonly epoch: number;
  readonly base: Zxid;
}
/** Transactions above `zxid` are void; what follows takes their place. */
export interface TruncateRecord {
  readonly type: 'truncate';
  readonly zxid: Zxid;
}
/**
 * A snapshot of the committed tree at `zxid` is on disk. With `isReset` it came from the leader and
 * replaces the whole history before it.
 */
export interface SnapshotRecord {
  readonly type: 'snapshot';
  readonly zxid: Zxid;
  readonly isReset: boolean;
}

export type JournalRecord =
  | TxnRecord
  | PromiseRecord
  | EpochRecord
  | TruncateRecord
  | SnapshotRecord;
