/**
 * A peer's history and epochs: what its journal holds or is about to hold. Appends in flight count,
 * because the journal keeps their order; a promise waits for the durable input all the same.
 *
 * The newest transactions are kept in memory, so that a learner that is a little behind gets a
 * DIFF; what lies before the window is in the snapshot only. Entries above `committed` always stay.
 */
import { invariant } from '../invariant.ts';
import { counterOf, epochOf, formatZxid, type Zxid } from '../zxid.ts';

export interface HistoryEntry {
  readonly zxid: Zxid;
  readonly txn: Uint8Array;
}

export interface Ancestor {
  readonly epoch: number;
  /** The last zxid of the history that the leader of `epoch` began with. */
  readonly base: Zxid;
}

export interface HistoryState {
  readonly acceptedEpoch: number;
  readonly currentEpoch: number;
  /** Oldest first. */
  readonly ancestry: readonly Ancestor[];
  /** Everything up to here is in the tree, or in the snapshot it was loaded from. */
  readonly committed: Zxid;
  /** Everything up to here was known to be committed by an established leader. */
  readonly confirmed: Zxid;
  /** The zxid just before the first entry. */
  readonly base: Zxid;
  readonly entries: readonly HistoryEntry[];
}

export interface WindowLimits {
  readonly entriesMax: number;
  readonly bytesMax: number;
}

/** ZooKeeper keeps 500 committed transactions; a board has room for more, within 4 MiB. */
export const WINDOW: WindowLimits = { entriesMax: 20_000, bytesMax: 4 * 1024 * 1024 };

/** The ancestry never grows past this; the oldest epochs go first. */
const ANCESTORS_MAX = 1000;

export class History {
  acceptedEpoch: number;
  currentEpoch: number;
  private ancestry: Ancestor[];
  private committedZxid: Zxid;
  private confirmedZxid: Zxid;
  private base: Zxid;
  private entries: HistoryEntry[];
  /** Entries before this index have left the window; cut off when they are many. */
  private first = 0;
  private bytes = 0;
  /** Of entries that have left the window and are still in the array. */
  private droppedBytes = 0;
  /** The index of the first entry above `committed`. */
  private firstUncommitted = 0;
  private readonly limits: WindowLimits;

  constructor(state: HistoryState, limits: WindowLimits = WINDOW) {
    this.acceptedEpoch = state.acceptedEpoch;
    this.currentEpoch = state.currentEpoch;
    this.ancestry = [...state.ancestry];
    this.committedZxid = state.committed;
    this.confirmedZxid = state.confirmed;
    this.base = state.base;
    this.entries = [];
    this.limits = limits;
    for (const entry of state.entries) this.append(entry);
    this.firstUncommitted = this.indexAfter(state.committed);
    this.trim();
  }

  get committed(): Zxid {
    return this.committedZxid;
  }

  /**
   * Like `committed`, but a snapshot from a leader counts only from UPTODATE on: before, that
   * leader may fail, and what it sent may never have been committed.
   */
  get confirmed(): Zxid {
    return this.confirmedZxid;
  }

  /** An established leader has said so: what is in the tree is committed. */
  confirm(): void {
    this.confirmedZxid = Math.max(this.confirmedZxid, this.committedZxid);
  }

  /** The zxid of the last transaction, or of the snapshot that the history begins with. */
  get last(): Zxid {
    return this.entries.length > this.first ? (this.entries.at(-1)?.zxid ?? this.base) : this.base;
  }

  /** The oldest zxid from which a DIFF can start. */
  get windowBase(): Zxid {
    return this.base;
  }

  /** Bytes of transactions held in memory: at most twice the window, and what is not committed. */
  get heldBytes(): number {
    return this.bytes + this.droppedBytes;
  }

  get outstanding(): number {
    return this.entries.length - this.firstUncommitted;
  }

  append(entry: HistoryEntry): void {
    invariant(isNext(this.last, entry.zxid), 'history is contiguous', {
      last: formatZxid(this.last),
      next: formatZxid(entry.zxid),
    });
    this.entries.push(entry);
    this.bytes += entry.txn.length;
  }

  /** True when `zxid` is a transaction of the window, or the point before its first one. */
  contains(zxid: Zxid): boolean {
    if (zxid === this.base) return true;
    const index = this.indexAfter(zxid) - 1;
    return index >= this.first && this.entries[index]?.zxid === zxid;
  }

  /** The newest zxid at or below `zxid`, or null when that lies before the window. */
  floor(zxid: Zxid): Zxid | null {
    if (zxid < this.base) return null;
    const index = this.indexAfter(zxid) - 1;
    return index >= this.first ? (this.entries[index]?.zxid ?? null) : this.base;
  }

  entriesAfter(zxid: Zxid): HistoryEntry[] {
    invariant(zxid >= this.base, 'entries are asked for inside the window', {
      zxid: formatZxid(zxid),
      base: formatZxid(this.base),
    });
    return this.entries.slice(this.indexAfter(zxid));
  }

  /** The transaction that comes after `committed`, if there is one. */
  get nextUncommitted(): HistoryEntry | undefined {
    return this.entries[this.firstUncommitted];
  }

  /** Marks everything up to `zxid` as committed; returns what became so, in order. */
  commitTo(zxid: Zxid): readonly HistoryEntry[] {
    const end = this.indexAfter(zxid);
    if (end <= this.firstUncommitted) return [];
    const newly = this.entries.slice(this.firstUncommitted, end);
    this.firstUncommitted = end;
    this.committedZxid = newly.at(-1)?.zxid ?? this.committedZxid;
    this.confirm();
    this.trim();
    return newly;
  }

  /** Drops everything above `zxid`, none of which may have been committed. */
  truncateTo(zxid: Zxid): void {
    invariant(zxid >= this.committedZxid, 'only what is not committed is truncated', {
      zxid: formatZxid(zxid),
      committed: formatZxid(this.committedZxid),
    });
    const keep = this.indexAfter(zxid);
    for (const entry of this.entries.splice(keep)) this.bytes -= entry.txn.length;
    while ((this.ancestry.at(-1)?.base ?? 0) > zxid) this.ancestry.pop();
  }

  /** The whole history is replaced by a snapshot of `zxid`. */
  reset(zxid: Zxid): void {
    this.entries = [];
    this.first = 0;
    this.firstUncommitted = 0;
    this.bytes = 0;
    this.droppedBytes = 0;
    this.base = zxid;
    this.committedZxid = zxid;
    this.ancestry = [];
  }

  joinEpoch(epoch: number, base: Zxid): void {
    invariant(epoch > this.currentEpoch, 'currentEpoch never goes back', {
      epoch,
      currentEpoch: this.currentEpoch,
    });
    this.currentEpoch = epoch;
    this.ancestry.push({ epoch, base });
    if (this.ancestry.length > ANCESTORS_MAX) this.ancestry.shift();
  }

  /** Where the history of `epoch` began, if this peer has joined that epoch. */
  baseOfEpoch(epoch: number): Zxid | undefined {
    return this.ancestry.find((ancestor) => ancestor.epoch === epoch)?.base;
  }

  /** Index of the first entry with a zxid above `zxid` (binary search). */
  private indexAfter(zxid: Zxid): number {
    let low = this.first;
    let high = this.entries.length;
    const last = this.entries[high - 1];
    if (last === undefined || last.zxid <= zxid) return Math.max(low, high);
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.entries[middle]?.zxid ?? 0) <= zxid) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  private trim(): void {
    const { entriesMax, bytesMax } = this.limits;
    while (
      this.first < this.firstUncommitted &&
      (this.entries.length - this.first > entriesMax || this.bytes > bytesMax)
    ) {
      const entry = this.entries[this.first];
      if (entry === undefined) break;
      this.base = entry.zxid;
      this.bytes -= entry.txn.length;
      this.droppedBytes += entry.txn.length;
      this.first += 1;
    }
    const isMostlyDropped = this.first > 1024 && this.first * 2 > this.entries.length;
    // A few large transactions are as much memory as many small ones.
    if (isMostlyDropped || this.droppedBytes > bytesMax) {
      this.droppedBytes = 0;
      this.entries = this.entries.slice(this.first);
      this.firstUncommitted -= this.first;
      this.first = 0;
    }
  }
}

/** Inside an epoch counters have no gap; a later epoch starts at 1. */
export function isNext(last: Zxid, next: Zxid): boolean {
  if (epochOf(next) === epochOf(last)) return next === last + 1;
  return epochOf(next) > epochOf(last) && counterOf(next) === 1;
}
