/**
 * What a peer knows when it starts: reads the whole journal, folds it, picks the snapshot to begin
 * with, and opens the journal for appending.
 *
 * Nothing counts as durable because it was read: it may sit in a page cache that a failed flush or
 * a killed process left behind. So the part of the last segment that is not proven is copied into a
 * new segment, and file and directory are flushed, before this returns.
 */
import path from 'node:path';
import { invariant } from '../core/invariant.ts';
import type { Zxid } from '../core/zxid.ts';
import type { Disk } from './disk.ts';
import {
  explainDirectoryError,
  explainDiskError,
  ForeignJournalError,
  JournalDamagedError,
} from './errors.ts';
import { EMPTY_STATE, type EpochBase, type FoldState } from './fold.ts';
import { Journal, type JournalOptions, type JournalStart, type SegmentInfo } from './journal.ts';
import { RecordType } from './record.ts';
import { decodeMark } from './record-body.ts';
import { type HistoryTxn, Replay } from './replay.ts';
import {
  buildSegment,
  type CopiedTail,
  createSegmentSync,
  type SegmentImage,
  TEMPORARY_SUFFIX,
} from './segment-file.ts';
import { type PreviousSegment, segmentName, segmentSeq } from './segment-header.ts';
import {
  type OpenedSegment,
  openSegment,
  type ScannedSegment,
  scanSegment,
} from './segment-reader.ts';
import { snapshotZxid } from './snapshot-format.ts';

export interface Recovered {
  readonly promisedEpoch: number;
  readonly currentEpoch: number;
  /** The ancestry, oldest first. */
  readonly epochs: readonly EpochBase[];
  /** The highest zxid known to be committed; at least `snapshotZxid`, at most the last txn's. */
  readonly committed: Zxid;
  /**
   * Like `committed`, but a snapshot that a leader sent counts only once that leader had said that
   * it was established: before, it may hold what was never committed.
   */
  readonly confirmed: Zxid;
  /** Load this snapshot first; 0 for the empty tree. */
  readonly snapshotZxid: Zxid;
  readonly snapshotBytes: number;
  /** Every transaction of the history above the snapshot, in order. */
  readonly txns: readonly HistoryTxn[];
  readonly journal: Journal;
  /** Of a batch that a crash tore, and which was therefore never acknowledged. */
  readonly tornBytesDropped: number;
  /** Snapshots that were passed over, and why. Worth a warning. */
  readonly damagedSnapshots: readonly string[];
  /** There was no journal: a first start, or a disk that has been replaced. */
  readonly isNew: boolean;
}

/**
 * Blocks. Throws JournalDamagedError, ForeignJournalError, DiskFullError or
 * DirectoryNotWritableError; each names its remedy.
 */
export function recoverJournal(options: JournalOptions): Recovered {
  const { disk, directory, snapshotDirectory } = options;
  try {
    makeDirectory(disk, directory);
    makeDirectory(disk, snapshotDirectory);
    removeTemporaryFiles(disk, directory);
    removeTemporaryFiles(disk, snapshotDirectory);
    const seqs = listSegments(disk, directory);
    return seqs.length === 0 ? beginJournal(options) : readJournal(options, seqs);
  } catch (error) {
    throw explainDiskError(error, directory);
  }
}

function makeDirectory(disk: Disk, directory: string): void {
  try {
    disk.makeDirectorySync(directory);
  } catch (error) {
    throw explainDirectoryError(error, directory);
  }
}

function beginJournal(options: JournalOptions): Recovered {
  const { disk, directory, snapshotDirectory } = options;
  const orphan = disk.listSync(snapshotDirectory).find((name) => snapshotZxid(name) !== null);
  if (orphan !== undefined) {
    const expected = `the journal that ${path.join(snapshotDirectory, orphan)} belongs to`;
    throw new JournalDamagedError(directory, 0, expected);
  }
  const start = startSegment(options, [], null, EMPTY_STATE, null);
  return {
    promisedEpoch: 0,
    currentEpoch: 0,
    epochs: [],
    committed: 0,
    confirmed: 0,
    snapshotZxid: 0,
    snapshotBytes: 0,
    txns: [],
    journal: new Journal(options, { ...start, state: EMPTY_STATE, bytesSinceSnapshot: 0 }),
    tornBytesDropped: 0,
    damagedSnapshots: [],
    isNew: true,
  };
}

function readJournal(options: JournalOptions, seqs: readonly number[]): Recovered {
  const segments: SegmentInfo[] = [];
  let replay: Replay | null = null;
  let previous: OpenedSegment | null = null;
  for (const seq of seqs) {
    const segment = openOwnSegment(options, seq);
    expectSuccessor(segment, previous, seq);
    if (previous !== null && replay !== null) {
      replay.take(previous.path, scanSegment(previous, segment.header.previous));
    }
    replay ??= new Replay(options.disk, options.snapshotDirectory, segment.header.state);
    replay.expectState(segment.path, segment.header.state);
    segments.push({ seq, startLast: replay.fold.last });
    previous = segment;
  }
  invariant(replay !== null && previous !== null, 'there is a segment');
  const scan = scanSegment(previous, null);
  const proven = scan.records.filter((record) => record.offset < scan.provenEnd);
  replay.take(previous.path, { records: proven });
  const stateAtSeal = replay.fold.state;
  replay.take(previous.path, { records: scan.records.slice(proven.length) });
  const base = replay.chooseBase(directoryOf(previous));
  const start = isPristine(previous, scan)
    ? reopenSegment(options, segments, previous, scan)
    : succeedSegment(options, segments, previous, scan, stateAtSeal);
  const { state } = replay.fold;
  const bytesSinceSnapshot = base.txns.reduce((sum, { txn }) => sum + txn.length, 0);
  return {
    promisedEpoch: state.promisedEpoch,
    currentEpoch: state.currentEpoch,
    epochs: state.epochs,
    committed: state.committed,
    confirmed: state.confirmed,
    snapshotZxid: base.zxid,
    snapshotBytes: base.bytes,
    txns: base.txns,
    journal: new Journal(options, { ...start, state, bytesSinceSnapshot }),
    tornBytesDropped: scan.tornBytes,
    damagedSnapshots: base.damaged,
    isNew: false,
  };
}

function openOwnSegment(options: JournalOptions, seq: number): OpenedSegment {
  const file = path.join(options.directory, segmentName(seq));
  const segment = openSegment(file, options.disk.readFileSync(file));
  if (segment.header.sid !== options.sid) {
    throw new ForeignJournalError(file, segment.header.sid, options.sid);
  }
  return segment;
}

/** Segments follow one another without a gap, and each says so itself. */
function expectSuccessor(
  segment: OpenedSegment,
  previous: OpenedSegment | null,
  seq: number,
): void {
  const { header } = segment;
  if (previous !== null && seq !== previous.header.seq + 1) {
    const missing = path.join(directoryOf(segment), segmentName(previous.header.seq + 1));
    throw new JournalDamagedError(missing, 0, 'a segment between two that exist');
  }
  if (header.seq !== seq || (header.previous?.seq ?? 0) !== seq - 1) {
    throw new JournalDamagedError(segment.path, 0, `the header of segment ${seq}`);
  }
}

type SegmentStart = Pick<JournalStart, 'file' | 'chain' | 'segments'>;

/**
 * The last segment holds nothing but what it was made with, all of which was flushed before it got
 * its name: it is used as it is, or every restart of a peer that does nothing would leave a file.
 */
function isPristine(segment: OpenedSegment, scan: ScannedSegment): boolean {
  return scan.provenEnd === scan.end && scan.end === segment.bytes.length;
}

function reopenSegment(
  options: JournalOptions,
  segments: readonly SegmentInfo[],
  segment: OpenedSegment,
  scan: ScannedSegment,
): SegmentStart {
  const file = options.disk.openSync(segment.path, 'update');
  file.syncSync();
  options.disk.syncDirectorySync(options.directory);
  const { seed } = segment.header;
  const chain = { seed, offset: scan.end, lastCrc: scan.lastCrc, batch: scan.batch };
  return { file, chain, segments };
}

/** Seals the last segment behind its proven part; what is not proven goes into the new one. */
function succeedSegment(
  options: JournalOptions,
  segments: readonly SegmentInfo[],
  segment: OpenedSegment,
  scan: ScannedSegment,
  stateAtSeal: FoldState,
): SegmentStart {
  const [mark, ...rest] = scan.records.filter((record) => record.offset >= scan.provenEnd);
  invariant(mark === undefined || mark.type === RecordType.mark, 'a batch begins with its mark');
  const tail =
    mark === undefined ? null : { committed: decodeMark(mark.payload).committed, bodies: rest };
  const previous = { seq: segment.header.seq, end: scan.provenEnd, crc: scan.provenCrc };
  return startSegment(options, segments, previous, stateAtSeal, tail);
}

function startSegment(
  options: JournalOptions,
  segments: readonly SegmentInfo[],
  previous: PreviousSegment | null,
  state: FoldState,
  tail: CopiedTail | null,
): SegmentStart {
  const seq = (previous?.seq ?? 0) + 1;
  const seed = options.newSeed();
  const image: SegmentImage = buildSegment({ sid: options.sid, seq, seed, previous, state }, tail);
  const file = createSegmentSync(options.disk, options.directory, image);
  const startLast = state.pending.at(-1)?.last ?? state.committed;
  return { file, chain: image.chain, segments: [...segments, { seq, startLast }] };
}

function listSegments(disk: Disk, directory: string): number[] {
  const seqs = disk.listSync(directory).map(segmentSeq);
  return seqs.filter((seq) => seq !== null).sort((a, b) => a - b);
}

/** A crash in the middle of making a file leaves one; nothing refers to it. */
function removeTemporaryFiles(disk: Disk, directory: string): void {
  const names = disk.listSync(directory).filter((name) => name.endsWith(TEMPORARY_SUFFIX));
  for (const name of names) disk.removeSync(path.join(directory, name));
}

function directoryOf(segment: OpenedSegment): string {
  return path.dirname(segment.path);
}
