/**
 * The journal of a serving peer: an append-only queue in front of the medium. One write and one
 * flush are in flight at a time; what is appended meanwhile is the next batch. `onDurable` runs
 * after the flush, in order, and is the only thing a promise to another peer may rest on.
 *
 * The first write or flush that fails ends it: `onFailed` once, then silence. A flush is never
 * retried, because the kernel may have dropped the pages it could not write and then report
 * success.
 */
import { performance } from 'node:perf_hooks';
import { assertNever, invariant } from '../core/invariant.ts';
import type { JournalRecord } from '../core/zab/journal-record.ts';
import type { Zxid } from '../core/zxid.ts';
import { type ChainState, layBatch } from './batch.ts';
import type { Disk, DiskFile } from './disk.ts';
import { explainDiskError } from './errors.ts';
import { Fold, type FoldState } from './fold.ts';
import { purgeSegments, purgeSnapshots } from './purge.ts';
import { type RecordBody, recordBytes } from './record.ts';
import { encodeRecord } from './record-body.ts';
import { batchBytes, buildSegment, createSegment } from './segment-file.ts';

/** 4 MiB: one allocation unit of an SD card. */
export const SEGMENT_BYTES_MAX = 4 * 1024 * 1024;
/** Bounds the time that one flush takes, and the memory behind it. */
export const BATCH_BYTES_MAX = 1024 * 1024;

export interface BatchReport {
  readonly records: number;
  readonly bytes: number;
  /** Milliseconds that the flush took, without the write before it. */
  readonly flushMs: number;
}

export interface JournalOptions {
  readonly disk: Disk;
  /** Of the segments. */
  readonly directory: string;
  readonly snapshotDirectory: string;
  readonly sid: number;
  /** A 32-bit random number for each new segment. */
  readonly newSeed: () => number;
  /** A write or a flush has failed: the peer must stop. Called at most once. */
  readonly onFailed: (error: Error) => void;
  readonly onBatch?: (report: BatchReport) => void;
  readonly segmentBytesMax?: number;
  readonly batchBytesMax?: number;
  /**
   * When the first append of an idle journal is written; by default after the turn's other input.
   */
  readonly defer?: (run: () => void) => void;
}

/** A segment that exists; `startLast` is the last zxid of the history before it. */
export interface SegmentInfo {
  readonly seq: number;
  readonly startLast: Zxid;
}

/** What recovery hands over. */
export interface JournalStart {
  readonly file: DiskFile;
  readonly chain: ChainState;
  /** Oldest first; the last one is open. */
  readonly segments: readonly SegmentInfo[];
  readonly state: FoldState;
  readonly bytesSinceSnapshot: number;
}

interface Append {
  readonly records: readonly JournalRecord[];
  readonly bodies: readonly RecordBody[];
  readonly bytes: number;
  readonly committed: Zxid;
  readonly onDurable: () => void;
}

type Phase = 'idle' | 'deferred' | 'busy' | 'failed' | 'closed';

export class Journal {
  private readonly options: JournalOptions;
  private readonly segmentBytesMax: number;
  private readonly batchBytesMax: number;
  private readonly segments: SegmentInfo[];
  private file: DiskFile;
  private chain: ChainState;
  private phase: Phase = 'idle';
  private queue: Append[] = [];
  private queuedBytesNow = 0;
  /** Over everything appended: refuses what recovery would refuse. */
  private readonly accepted: Fold;
  /** Over everything handed to the disk: the state a new segment begins with. */
  private readonly written: Fold;
  /** Below this the durable snapshot records make the log unnecessary. */
  private durableNeededAbove: Zxid;
  private bytesSince: number;
  private isPurging = false;
  private onClosed: (() => void) | null = null;

  /** Only `recoverJournal` makes one. */
  constructor(options: JournalOptions, start: JournalStart) {
    this.options = options;
    this.segmentBytesMax = options.segmentBytesMax ?? SEGMENT_BYTES_MAX;
    this.batchBytesMax = options.batchBytesMax ?? BATCH_BYTES_MAX;
    this.segments = [...start.segments];
    this.file = start.file;
    this.chain = start.chain;
    this.accepted = new Fold(start.state);
    this.written = new Fold(start.state);
    this.durableNeededAbove = this.written.neededAbove;
    this.bytesSince = start.bytesSinceSnapshot;
  }

  /** Log bytes appended since the last snapshot record: what `snapshotIsDue` asks for. */
  get bytesSinceSnapshot(): number {
    return this.bytesSince;
  }

  /** Bytes appended and not yet handed to the disk. */
  get queuedBytes(): number {
    return this.queuedBytesNow;
  }

  /** Segment files that exist. */
  get segmentCount(): number {
    return this.segments.length;
  }

  /** The last zxid appended, durable or not. */
  get last(): Zxid {
    return this.accepted.last;
  }

  /**
   * Queues `records` as one unit. `committed` is what is known to be committed now; it is kept with
   * the batch and costs no flush of its own. A record that recovery would refuse breaks an
   * invariant. After a failure or `close` it does nothing, and `onDurable` never runs.
   */
  append(records: readonly JournalRecord[], committed: Zxid, onDurable: () => void): void {
    // A snapshot that ends during a shutdown, say. Nothing is promised, so nothing is lost.
    if (this.phase === 'failed' || this.phase === 'closed' || this.onClosed !== null) return;
    for (const record of records) {
      const problem = this.accepted.problem(record);
      invariant(problem === null, 'the journal takes only what continues it', { problem });
      this.accepted.apply(record);
    }
    this.accepted.commit(committed);
    const bodies = records.map(encodeRecord);
    const bytes = bodies.reduce((sum, body) => sum + recordBytes(body.payload.length), 0);
    const snapshot = records.findLastIndex((record) => record.type === 'snapshot');
    this.bytesSince = snapshot === -1 ? this.bytesSince + bytes : 0;
    this.queue.push({ records, bodies, bytes, committed, onDurable });
    this.queuedBytesNow += bytes;
    if (this.phase !== 'idle') return;
    this.phase = 'deferred';
    (this.options.defer ?? setImmediate)(() => {
      if (this.phase === 'deferred') this.writeNext();
    });
  }

  /**
   * Removes segments that the two newest durable snapshots make unnecessary, oldest first, and then
   * the snapshots before those two. Returns at once; `done` runs when that is over.
   */
  purge(done: () => void = () => {}): void {
    const { disk, directory, snapshotDirectory } = this.options;
    if (this.isPurging || this.phase === 'failed' || this.phase === 'closed') return done();
    this.isPurging = true;
    const needed = this.durableNeededAbove;
    purgeSegments(disk, directory, this.segments, needed, (segmentsError) => {
      if (segmentsError !== null) return this.fail(segmentsError);
      purgeSnapshots(disk, snapshotDirectory, needed, (snapshotsError) => {
        if (snapshotsError !== null) return this.fail(snapshotsError);
        this.isPurging = false;
        done();
      });
    });
  }

  /**
   * Takes nothing more; `done` runs when all that was appended is durable and the file is closed.
   */
  close(done: () => void): void {
    if (this.phase === 'failed' || this.phase === 'closed') return done();
    this.onClosed = done;
    if (this.phase === 'idle') this.finishClose();
  }

  private writeNext(): void {
    const batch = this.takeBatch();
    if (batch.length === 0) {
      this.phase = 'idle';
      if (this.onClosed !== null) this.finishClose();
      return;
    }
    this.phase = 'busy';
    const bodies = batch.flatMap((append) => append.bodies);
    const fits = this.chain.offset + batchBytes(bodies) <= this.segmentBytesMax;
    // A batch larger than a segment gets a segment of its own size.
    if (fits || this.chain.batch === 0) return this.write(batch, bodies);
    this.roll(() => this.write(batch, bodies));
  }

  /** As many whole appends as the cap allows, at least one. */
  private takeBatch(): Append[] {
    let bytes = 0;
    let count = 0;
    for (const append of this.queue) {
      if (count > 0 && bytes + append.bytes > this.batchBytesMax) break;
      bytes += append.bytes;
      count += 1;
    }
    this.queuedBytesNow -= bytes;
    return this.queue.splice(0, count);
  }

  private write(batch: readonly Append[], bodies: readonly RecordBody[]): void {
    const committed = batch.reduce((max, append) => Math.max(max, append.committed), 0);
    const laid = layBatch(bodies, committed, this.chain);
    for (const append of batch) for (const record of append.records) this.written.apply(record);
    this.written.commit(committed);
    this.file.write(laid.buffers, this.chain.offset, (writeError) => {
      if (this.phase !== 'busy') return;
      if (writeError !== null) return this.fail(writeError);
      const startMs = performance.now();
      this.file.datasync((flushError) => {
        if (this.phase !== 'busy') return;
        if (flushError !== null) return this.fail(flushError);
        const bytes = laid.chain.offset - this.chain.offset;
        this.chain = laid.chain;
        this.durableNeededAbove = this.written.neededAbove;
        const flushMs = performance.now() - startMs;
        this.options.onBatch?.({ records: bodies.length, bytes, flushMs });
        // The medium gets its next batch before this one is told of: it is the slower part.
        this.writeNext();
        for (const append of batch) append.onDurable();
      });
    });
  }

  /** Seals the open segment by making its successor. Nothing is in flight. */
  private roll(done: () => void): void {
    const { disk, directory, sid, newSeed } = this.options;
    const open = this.segments.at(-1);
    invariant(open !== undefined, 'a segment is open');
    const { offset: end, lastCrc: crc } = this.chain;
    const seq = open.seq + 1;
    const state = this.written.state;
    const previous = { seq: open.seq, end, crc };
    const image = buildSegment({ sid, seq, seed: newSeed(), previous, state }, null);
    createSegment(disk, directory, image, (error, file) => {
      if (this.phase !== 'busy') return;
      if (error !== null || file === null) return this.fail(error ?? new Error('no segment file'));
      this.file.close((closeError) => {
        if (this.phase !== 'busy') return;
        if (closeError !== null) return this.fail(closeError);
        this.file = file;
        this.chain = image.chain;
        this.segments.push({ seq, startLast: this.written.last });
        done();
      });
    });
  }

  private fail(error: Error): void {
    switch (this.phase) {
      case 'failed':
      case 'closed':
        return;
      case 'idle':
      case 'deferred':
      case 'busy':
        this.phase = 'failed';
        this.queue = [];
        this.queuedBytesNow = 0;
        this.options.onFailed(explainDiskError(error, this.options.directory));
        return;
      default:
        assertNever(this.phase, 'journal phase');
    }
  }

  private finishClose(): void {
    const done = this.onClosed;
    this.phase = 'closed';
    this.file.close((error) => {
      if (error !== null) this.options.onFailed(error);
      else done?.();
    });
  }
}
