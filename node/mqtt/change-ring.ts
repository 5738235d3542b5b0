/**
 * The last committed changes, on every peer, so that a new leader can go on where the old one
 * stopped publishing, and so that a broker may be away for a while. Bounded by count and by bytes:
 * the oldest transactions fall out, and `coveredAfter` says from where on nothing is missing.
 */
import type { Zxid } from '../core/zxid.ts';
import type { CommittedChange } from './committed-change.ts';

/** What an entry costs besides its data and its path, roughly. */
const ENTRY_BYTES = 256;

export class ChangeRing {
  private readonly countMax: number;
  private readonly bytesMax: number;
  private readonly slots: (CommittedChange | undefined)[];
  private firstSeq = 0;
  private endSeq = 0;
  private bytes = 0;
  private covered: Zxid | undefined;
  private last: Zxid | undefined;

  constructor(countMax: number, bytesMax: number) {
    this.countMax = countMax;
    this.bytesMax = bytesMax;
    this.slots = new Array<CommittedChange | undefined>(countMax);
  }

  /** The sequence number of the oldest change kept; they ascend for the life of the ring. */
  get first(): number {
    return this.firstSeq;
  }

  /** One past the sequence number of the newest change. */
  get end(): number {
    return this.endSeq;
  }

  get byteCount(): number {
    return this.bytes;
  }

  /** Every change above this zxid is here; undefined before anything is known. */
  get coveredAfter(): Zxid | undefined {
    return this.covered;
  }

  /** The newest zxid that the ring knows the tree to have reached. */
  get lastZxid(): Zxid | undefined {
    return this.last;
  }

  /** The tree stands at `zxid` by other means than changes seen here: what was kept is void. */
  reset(zxid: Zxid): void {
    while (this.firstSeq < this.endSeq) this.dropFirst();
    this.covered = zxid;
    this.last = zxid;
  }

  /**
   * Appends. What is not above `coveredAfter` is ignored: it is in the tree, or it belongs to a
   * transaction too big for the ring. A change below the newest one voids what was kept.
   */
  push(change: CommittedChange): void {
    if (this.covered === undefined) this.reset(change.zxid - 1);
    else if (change.zxid <= this.covered) return;
    const newest = this.at(this.endSeq - 1);
    if (newest !== undefined && !isAfter(change, newest)) {
      this.reset(newest.zxid);
      return;
    }
    this.slots[this.endSeq % this.countMax] = change;
    this.endSeq += 1;
    this.bytes += sizeOf(change);
    this.last = change.zxid;
    while (this.endSeq - this.firstSeq >= this.countMax || this.bytes > this.bytesMax) {
      this.dropFirstTransaction();
    }
  }

  at(seq: number): CommittedChange | undefined {
    return seq >= this.firstSeq && seq < this.endSeq ? this.slots[seq % this.countMax] : undefined;
  }

  /** The sequence number of the first change above `zxid`; `end` when there is none. */
  seqAfter(zxid: Zxid): number {
    let low = this.firstSeq;
    let high = this.endSeq;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if ((this.at(middle)?.zxid ?? 0) > zxid) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** Half a transaction is of no use: a successor resumes after whole ones. */
  private dropFirstTransaction(): void {
    const zxid = this.at(this.firstSeq)?.zxid;
    while (this.firstSeq < this.endSeq && this.at(this.firstSeq)?.zxid === zxid) this.dropFirst();
    if (zxid !== undefined) this.covered = zxid;
  }

  private dropFirst(): void {
    const slot = this.firstSeq % this.countMax;
    const change = this.slots[slot];
    if (change !== undefined) this.bytes -= sizeOf(change);
    this.slots[slot] = undefined;
    this.firstSeq += 1;
  }
}

function isAfter(change: CommittedChange, newest: CommittedChange): boolean {
  if (change.zxid !== newest.zxid) return change.zxid > newest.zxid;
  return change.index > newest.index;
}

function sizeOf(change: CommittedChange): number {
  return ENTRY_BYTES + 2 * change.path.length + (change.data?.length ?? 0);
}
