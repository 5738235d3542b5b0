/**
 * Reads one segment and tells a torn tail from damage.
 *
 * Batch n of a segment is written only after batch n-1 has been flushed. So only the last batch can
 * have been torn by a power cut, and its sectors may have reached the medium in any order: a hole
 * is a torn tail exactly when nothing that reads back belongs to a later batch than the hole does.
 * Everything else is damage: what was there had been acknowledged. Zeros are no end-of-log mark;
 * they are what has not been written yet, or a hole like any other.
 */
import { CborError } from './cbor.ts';
import { JournalDamagedError } from './errors.ts';
import { findRecord, type PlacedRecord, RecordType, readRecord } from './record.ts';
import { decodeMark, type Mark } from './record-body.ts';
import { HEADER_SEED } from './segment-file.ts';
import { decodeSegmentHeader, type SegmentHeader } from './segment-header.ts';

export interface OpenedSegment {
  readonly path: string;
  readonly bytes: Buffer;
  readonly header: SegmentHeader;
  readonly headerRecord: PlacedRecord;
}

export interface ScannedSegment {
  /** All records behind the header, marks included, in order. */
  readonly records: readonly PlacedRecord[];
  /** Offset behind the last record. */
  readonly end: number;
  readonly lastCrc: number;
  readonly batch: number;
  /** Offset up to which the segment itself proves that it was on the medium. */
  readonly provenEnd: number;
  /** The crc of the last record before `provenEnd`. */
  readonly provenCrc: number;
  /** Bytes of a torn batch behind `end`; 0 after a clean end. */
  readonly tornBytes: number;
}

/** Where a later segment says that this one ends. */
export interface Seal {
  readonly end: number;
  readonly crc: number;
}

export function openSegment(path: string, content: Uint8Array): OpenedSegment {
  const bytes = Buffer.from(content.buffer, content.byteOffset, content.length);
  const record = readRecord(bytes, 0, HEADER_SEED);
  // A segment gets its name after its header has been flushed: no crash explains a bad header.
  if (record === null || record.type !== RecordType.header || record.batch !== 0) {
    throw new JournalDamagedError(path, 0, 'the header of a segment');
  }
  const header = decoded(path, record, decodeSegmentHeader);
  if (record.prevCrc !== (header.previous?.crc ?? 0)) {
    throw new JournalDamagedError(path, 0, 'a header chained to the segment before');
  }
  return { path, bytes, header, headerRecord: record };
}

export function scanSegment(segment: OpenedSegment, seal: Seal | null): ScannedSegment {
  const walk = new Walk(segment);
  const limit = seal === null ? segment.bytes.length : seal.end;
  while (walk.at < limit && walk.step()) {
    // Each step takes one record in.
  }
  if (seal === null) return walk.judgeTail();
  if (walk.at !== seal.end || walk.lastCrc !== seal.crc) {
    throw new JournalDamagedError(
      segment.path,
      walk.at,
      `a record of this segment, which was flushed up to byte ${seal.end}`,
    );
  }
  return walk.result(0);
}

/** Turns a payload into its meaning; a flaw there is damage, because its checksum was right. */
export function decoded<T>(
  path: string,
  record: PlacedRecord,
  decode: (payload: Uint8Array) => T,
): T {
  try {
    return decode(record.payload);
  } catch (error) {
    if (!(error instanceof CborError)) throw error;
    throw new JournalDamagedError(path, record.offset, error.message);
  }
}

class Walk {
  at: number;
  lastCrc: number;
  private readonly segment: OpenedSegment;
  private readonly records: PlacedRecord[] = [];
  private readonly createdEnd: number;
  private batch = 0;
  private batchEnd: number;
  private provenEnd: number;
  private provenCrc: number;

  constructor(segment: OpenedSegment) {
    this.segment = segment;
    this.at = segment.headerRecord.end;
    this.lastCrc = segment.headerRecord.crc;
    this.createdEnd = this.at + segment.header.copied;
    this.batchEnd = this.at;
    this.provenEnd = this.at;
    this.provenCrc = this.lastCrc;
  }

  /** Takes the record at `at` in; false when there is none. */
  step(): boolean {
    const { bytes, header } = this.segment;
    const record = readRecord(bytes, this.at, header.seed);
    if (record === null) return false;
    if (record.prevCrc !== this.lastCrc) this.damaged('a record chained to the one before');
    if (this.at === this.batchEnd) this.beginBatch(record);
    else if (record.type === RecordType.mark || record.batch !== this.batch) {
      this.damaged(`a record of batch ${this.batch}`);
    }
    if (record.type === RecordType.header) this.damaged('a record, not a second header');
    if (record.end > this.batchEnd) this.damaged(`a record that ends within its batch`);
    this.records.push(record);
    this.at = record.end;
    this.lastCrc = record.crc;
    if (this.at === this.createdEnd) this.prove(this.createdEnd);
    return true;
  }

  /** The verdict on what lies behind the last record of the last segment. */
  judgeTail(): ScannedSegment {
    if (this.at < this.createdEnd) {
      this.damaged(`a record: the segment was made with ${this.createdEnd} bytes`);
    }
    const { bytes, header } = this.segment;
    // The hole lies in the batch begun, or, behind its end, in the one after it.
    const holeBatch = this.at < this.batchEnd ? this.batch : this.batch + 1;
    let found = findRecord(bytes, this.at, header.seed);
    while (found !== null) {
      if (found.batch !== holeBatch || found.type === RecordType.mark) {
        this.damaged(`a record: one of batch ${found.batch} stands at byte ${found.offset}`);
      }
      found = findRecord(bytes, found.end, header.seed);
    }
    const missing = this.at < this.batchEnd ? this.batchEnd - this.at : 0;
    return this.result(Math.max(missing, lastNonZero(bytes, this.at) + 1 - this.at));
  }

  result(tornBytes: number): ScannedSegment {
    return {
      records: this.records,
      end: this.at,
      lastCrc: this.lastCrc,
      batch: this.batch,
      provenEnd: this.provenEnd,
      provenCrc: this.provenCrc,
      tornBytes,
    };
  }

  private beginBatch(record: PlacedRecord): void {
    if (record.type !== RecordType.mark || record.batch !== this.batch + 1) {
      this.damaged(`the mark of batch ${this.batch + 1}`);
    }
    const mark: Mark = decoded(this.segment.path, record, decodeMark);
    if (mark.durableUpTo !== this.at || mark.batchEnd < record.end) {
      this.damaged('a mark that agrees with its place');
    }
    this.batch = record.batch;
    this.batchEnd = mark.batchEnd;
    this.prove(this.at);
  }

  private prove(end: number): void {
    this.provenEnd = end;
    this.provenCrc = this.lastCrc;
  }

  private damaged(expected: string): never {
    throw new JournalDamagedError(this.segment.path, this.at, expected);
  }
}

/** The offset of the last byte that is not zero at or behind `from`, or `from - 1`. */
function lastNonZero(bytes: Buffer, from: number): number {
  let at = bytes.length - 1;
  while (at >= from && bytes[at] === 0) at -= 1;
  return at;
}
