/**
 * The meaning of a journal: a fold over its records. The writer runs it over what it appends, so
 * that nothing is written that recovery would refuse, and recovery runs it over what it reads. It
 * keeps zxids as ranges, one an epoch; whoever needs the transactions keeps them beside it.
 */

import { assertNever } from '../core/invariant.ts';
import { isNext } from '../core/zab/history.ts';
import type { JournalRecord } from '../core/zab/journal-record.ts';
import { epochOf, formatZxid, type Zxid } from '../core/zxid.ts';

export interface EpochBase {
  readonly epoch: number;
  /** The last zxid of the history that the leader of `epoch` began with. */
  readonly base: Zxid;
}

export interface ZxidRange {
  readonly first: Zxid;
  readonly last: Zxid;
}

/** All that later records need to know of earlier ones; each segment begins with it. */
export interface FoldState {
  readonly promisedEpoch: number;
  readonly currentEpoch: number;
  /** The epochs joined, oldest first, as far back as the older of the two snapshots. */
  readonly epochs: readonly EpochBase[];
  /** The highest zxid known to be committed. What lies below it is never truncated. */
  readonly committed: Zxid;
  /**
   * Like `committed`, but a snapshot that a leader sent counts only once that leader has said it is
   * established: before, it may hold what was never committed, and another may have to replace it.
   */
  readonly confirmed: Zxid;
  /** The transactions above `committed`, as ranges in order, each within one epoch. */
  readonly pending: readonly ZxidRange[];
  /** Where the history began: 0, or the snapshot that came from a leader and replaced it. */
  readonly start: Zxid;
  /** The newest snapshots of this history, oldest first; at most SNAPSHOTS_KEPT. */
  readonly snapshots: readonly Zxid[];
}

export const EMPTY_STATE: FoldState = {
  promisedEpoch: 0,
  currentEpoch: 0,
  epochs: [],
  committed: 0,
  confirmed: 0,
  pending: [],
  start: 0,
  snapshots: [],
};

export const SNAPSHOTS_KEPT = 2;
const EPOCHS_MAX = 1000;

/** The last zxid of a history in this state. */
export function lastOf(state: FoldState): Zxid {
  return state.pending.at(-1)?.last ?? state.committed;
}

export class Fold {
  private promisedEpoch: number;
  private currentEpoch: number;
  private epochs: readonly EpochBase[];
  private committedZxid: Zxid;
  private confirmedZxid: Zxid;
  private pending: ZxidRange[];
  private start: Zxid;
  private snapshots: readonly Zxid[];

  constructor(state: FoldState) {
    this.promisedEpoch = state.promisedEpoch;
    this.currentEpoch = state.currentEpoch;
    this.epochs = state.epochs;
    this.committedZxid = state.committed;
    this.confirmedZxid = state.confirmed;
    this.pending = [...state.pending];
    this.start = state.start;
    this.snapshots = state.snapshots;
  }

  get last(): Zxid {
    return this.pending.at(-1)?.last ?? this.committedZxid;
  }

  get committed(): Zxid {
    return this.committedZxid;
  }

  /** What lies at or below is not needed to recover; 0 while everything is. */
  get neededAbove(): Zxid {
    const oldest = this.snapshots[0];
    return oldest !== undefined && this.snapshots.length === SNAPSHOTS_KEPT ? oldest : this.start;
  }

  get state(): FoldState {
    return {
      promisedEpoch: this.promisedEpoch,
      currentEpoch: this.currentEpoch,
      epochs: this.epochs,
      committed: this.committedZxid,
      confirmed: this.confirmedZxid,
      pending: [...this.pending],
      start: this.start,
      snapshots: this.snapshots,
    };
  }

  /** What is wrong with `record` in this place, or null. */
  problem(record: JournalRecord): string | null {
    switch (record.type) {
      case 'txn':
        if (isNext(this.last, record.zxid)) return null;
        return `the transaction after ${formatZxid(this.last)}, not ${formatZxid(record.zxid)}`;
      case 'promise':
        if (record.epoch >= this.promisedEpoch) return null;
        return `a promise of epoch ${this.promisedEpoch} or later, not ${record.epoch}`;
      case 'epoch':
        if (record.epoch < this.currentEpoch) {
          return `an epoch after ${this.currentEpoch}, not ${record.epoch}`;
        }
        if (record.base <= this.last) return null;
        return `an epoch that begins at or below ${formatZxid(this.last)}`;
      case 'truncate':
        return tooLow(record.zxid, this.committedZxid, 'a truncation');
      case 'snapshot':
        if (record.isReset) {
          return tooLow(record.zxid, this.confirmedZxid, 'a snapshot of the leader');
        }
        if (record.zxid <= this.last) return null;
        return `a snapshot at or below ${formatZxid(this.last)}`;
      default:
        return assertNever(record, 'journal record');
    }
  }

  /** The record must have no problem. */
  apply(record: JournalRecord): void {
    switch (record.type) {
      case 'txn':
        this.append(record.zxid);
        break;
      case 'promise':
        this.promisedEpoch = record.epoch;
        break;
      case 'epoch':
        this.joinEpoch(record);
        break;
      case 'truncate':
        this.truncate(record.zxid);
        break;
      case 'snapshot':
        if (record.isReset) this.reset(record.zxid);
        else this.addSnapshot(record.zxid);
        break;
      default:
        assertNever(record, 'journal record');
    }
  }

  /**
   * Knowledge that `zxid` is committed. A commit may be known before its transaction is durable,
   * and a torn batch may hold the knowledge without the transaction, so it counts as far as history
   * goes.
   */
  commit(zxid: Zxid): void {
    const committed = Math.min(zxid, this.last);
    this.confirmedZxid = Math.max(this.confirmedZxid, committed);
    if (committed <= this.committedZxid) return;
    this.committedZxid = committed;
    const whole = this.pending.findIndex((range) => range.last > committed);
    this.pending.splice(0, whole === -1 ? this.pending.length : whole);
    const cut = this.pending[0];
    if (cut !== undefined && cut.first <= committed) {
      this.pending[0] = { first: committed + 1, last: cut.last };
    }
  }

  private append(zxid: Zxid): void {
    const range = this.pending.at(-1);
    if (range !== undefined && epochOf(range.last) === epochOf(zxid)) {
      this.pending[this.pending.length - 1] = { first: range.first, last: zxid };
    } else this.pending.push({ first: zxid, last: zxid });
  }

  private joinEpoch(joined: EpochBase): void {
    this.promisedEpoch = Math.max(this.promisedEpoch, joined.epoch);
    this.currentEpoch = joined.epoch;
    // Joining the same epoch again, further on, does not change where it began.
    if (this.epochs.some((known) => known.epoch === joined.epoch)) return;
    const added = [...this.epochs, { epoch: joined.epoch, base: joined.base }];
    this.epochs = added.slice(-EPOCHS_MAX);
  }

  private truncate(zxid: Zxid): void {
    const kept = this.pending.filter((range) => range.first <= zxid);
    this.pending = kept.map(({ first, last }) => ({ first, last: Math.min(last, zxid) }));
    this.epochs = this.epochs.filter((known) => known.base <= zxid);
  }

  private reset(zxid: Zxid): void {
    this.pending = [];
    this.start = zxid;
    this.epochs = [];
    this.snapshots = [zxid];
    this.committedZxid = zxid;
  }

  private addSnapshot(zxid: Zxid): void {
    this.commit(zxid);
    // One that a snapshot of the leader has overtaken while it was written adds nothing.
    if (zxid <= (this.snapshots.at(-1) ?? -1)) return;
    this.snapshots = [...this.snapshots, zxid].slice(-SNAPSHOTS_KEPT);
    const needed = this.neededAbove;
    // Of the epochs that began at or below the older snapshot only the last one still matters.
    let first = 0;
    while ((this.epochs[first + 1]?.base ?? Number.POSITIVE_INFINITY) <= needed) first += 1;
    if (first > 0) this.epochs = this.epochs.slice(first);
  }
}

function tooLow(zxid: Zxid, floor: Zxid, what: string): string | null {
  if (zxid >= floor) return null;
  return `${what} to ${formatZxid(floor)} (committed) or above, not to ${formatZxid(zxid)}`;
}
