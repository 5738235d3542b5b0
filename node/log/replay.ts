/**
 * The reading side of the fold: checks and applies the records of segment after segment, keeps the
 * transactions that are still needed, and in the end says from which snapshot they lead on.
 */
import type { Zxid } from '../core/zxid.ts';
import { formatZxid } from '../core/zxid.ts';
import type { Disk } from './disk.ts';
import { JournalDamagedError, SnapshotDamagedError } from './errors.ts';
import { Fold, type FoldState } from './fold.ts';
import { type PlacedRecord, RecordType } from './record.ts';
import { decodeMark, decodeRecord } from './record-body.ts';
import { decoded } from './segment-reader.ts';
import { verifySnapshot } from './snapshot-reader.ts';

export interface HistoryTxn {
  readonly zxid: Zxid;
  /** The bytes of the PROPOSAL. */
  readonly txn: Uint8Array;
}

export interface Base {
  readonly zxid: Zxid;
  /** Of the snapshot file; 0 without one. */
  readonly bytes: number;
  readonly txns: readonly HistoryTxn[];
  /** Snapshots that would have been better, and what is wrong with them. */
  readonly damaged: readonly string[];
}

/** `damage` is null for a snapshot that reads back. */
interface SnapshotCheck {
  readonly bytes: number;
  readonly damage: string | null;
}

export class Replay {
  readonly fold: Fold;
  private readonly disk: Disk;
  private readonly snapshotDirectory: string;
  /** The transactions kept are all of the history above this. */
  private completeAbove: Zxid;
  private txns: HistoryTxn[] = [];
  private markCommitted: Zxid = 0;
  private readonly checked = new Map<Zxid, SnapshotCheck>();

  constructor(disk: Disk, snapshotDirectory: string, state: FoldState) {
    this.disk = disk;
    this.snapshotDirectory = snapshotDirectory;
    this.fold = new Fold(state);
    this.completeAbove = this.fold.last;
  }

  take(path: string, scan: { readonly records: readonly PlacedRecord[] }): void {
    for (const record of scan.records) this.takeRecord(path, record);
    this.fold.commit(this.markCommitted);
    this.dropCovered();
  }

  /** What a segment says of everything before it must be what was read. */
  expectState(path: string, state: FoldState): void {
    if (JSON.stringify(state) === JSON.stringify(this.fold.state)) return;
    throw new JournalDamagedError(path, 0, 'a header that agrees with the segments before it');
  }

  /**
   * The newest snapshot of this history that reads back and from which the transactions lead on.
   */
  chooseBase(directory: string): Base {
    const zxid = this.newestUsable() ?? (this.startsEmpty ? 0 : null);
    const damaged = this.fold.state.snapshots
      .map((snapshot) => this.checked.get(snapshot)?.damage ?? null)
      .filter((damage) => damage !== null);
    if (zxid === null) {
      const expected = `a snapshot at or above ${formatZxid(this.completeAbove)} that reads back`;
      const reasons = damaged.map((damage) => ` (${damage})`).join('');
      throw new JournalDamagedError(directory, 0, expected + reasons);
    }
    return {
      zxid,
      bytes: this.checked.get(zxid)?.bytes ?? 0,
      txns: this.txns.filter((txn) => txn.zxid > zxid),
      damaged,
    };
  }

  private get startsEmpty(): boolean {
    return this.completeAbove === 0 && this.fold.state.start === 0;
  }

  private takeRecord(path: string, placed: PlacedRecord): void {
    if (placed.type === RecordType.mark) {
      // A mark may know of commits within its own batch, so it counts when the batch is over.
      this.fold.commit(this.markCommitted);
      this.markCommitted = decoded(path, placed, decodeMark).committed;
      return;
    }
    const record = decoded(path, placed, () => decodeRecord(placed));
    const problem = this.fold.problem(record);
    if (problem !== null) throw new JournalDamagedError(path, placed.offset, problem);
    this.fold.apply(record);
    switch (record.type) {
      case 'txn':
        this.txns.push({ zxid: record.zxid, txn: record.txn });
        break;
      case 'truncate':
        while ((this.txns.at(-1)?.zxid ?? 0) > record.zxid) this.txns.pop();
        break;
      case 'snapshot':
        if (!record.isReset) break;
        this.txns = [];
        this.completeAbove = record.zxid;
        break;
      default:
        break;
    }
  }

  /** Transactions below a snapshot that reads back are not needed any more. */
  private dropCovered(): void {
    const base = this.newestUsable();
    if (base === null) return;
    const first = this.txns.findIndex((txn) => txn.zxid > base);
    this.txns.splice(0, first === -1 ? this.txns.length : first);
    this.completeAbove = Math.max(this.completeAbove, base);
  }

  private newestUsable(): Zxid | null {
    const { snapshots } = this.fold.state;
    const usable = (zxid: Zxid): boolean => zxid >= this.completeAbove && this.isWhole(zxid);
    return snapshots.findLast(usable) ?? null;
  }

  private isWhole(zxid: Zxid): boolean {
    let check = this.checked.get(zxid);
    if (check === undefined) {
      check = this.check(zxid);
      this.checked.set(zxid, check);
    }
    return check.damage === null;
  }

  private check(zxid: Zxid): SnapshotCheck {
    try {
      const { bytes } = verifySnapshot(this.disk, this.snapshotDirectory, zxid);
      return { bytes, damage: null };
    } catch (error) {
      if (!(error instanceof SnapshotDamagedError)) throw error;
      return { bytes: 0, damage: error.message };
    }
  }
}
