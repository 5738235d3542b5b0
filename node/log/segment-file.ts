/**
 * Making a segment file: everything it begins with is written under a temporary name and flushed,
 * then it is renamed, then the directory is flushed; only then is it used. A crash at any step
 * leaves either a temporary file, which recovery removes, or a whole segment.
 *
 * This is the only place that makes segment files, once blocking (recovery) and once not (a roll).
 */
import path from 'node:path';
import { invariant } from '../core/invariant.ts';
import type { Zxid } from '../core/zxid.ts';
import { type ChainState, layBatch } from './batch.ts';
import type { Disk, DiskFile } from './disk.ts';
import {
  paddingBytes,
  type RecordBody,
  RecordType,
  recordBytes,
  writeRecordHeader,
} from './record.ts';
import { MARK_PAYLOAD_BYTES } from './record-body.ts';
import { encodeSegmentHeader, type SegmentHeader, segmentName } from './segment-header.ts';

export const TEMPORARY_SUFFIX = '.tmp';
/** Header records carry the seed themselves, so their own crc starts from this. */
export const HEADER_SEED = 0;

/** Records that recovery carries over into a new segment. */
export interface CopiedTail {
  readonly committed: Zxid;
  readonly bodies: readonly RecordBody[];
}

/** The bytes a new segment begins with, and where its chain stands after them. */
export interface SegmentImage {
  readonly seq: number;
  readonly buffers: readonly Uint8Array[];
  readonly chain: ChainState;
}

export function buildSegment(
  header: Omit<SegmentHeader, 'copied'>,
  tail: CopiedTail | null,
): SegmentImage {
  const copied = tail === null ? 0 : batchBytes(tail.bodies);
  const payload = encodeSegmentHeader({ ...header, copied });
  const record = Buffer.alloc(recordBytes(payload.length));
  const crc = writeRecordHeader(
    record,
    0,
    { type: RecordType.header, payload },
    { seed: HEADER_SEED, prevCrc: header.previous?.crc ?? 0, batch: 0 },
  );
  record.set(payload, record.length - payload.length - paddingBytes(payload.length));
  const chain = { seed: header.seed, offset: record.length, lastCrc: crc, batch: 0 };
  if (tail === null) return { seq: header.seq, buffers: [record], chain };
  const laid = layBatch(tail.bodies, tail.committed, chain);
  invariant(laid.chain.offset === record.length + copied, 'the copied tail is as long as stated', {
    copied,
  });
  return { seq: header.seq, buffers: [record, ...laid.buffers], chain: laid.chain };
}

/** Bytes of a batch with its mark. */
export function batchBytes(bodies: readonly RecordBody[]): number {
  let bytes = recordBytes(MARK_PAYLOAD_BYTES);
  for (const body of bodies) bytes += recordBytes(body.payload.length);
  return bytes;
}

/** Blocks until the segment is on the medium under its name. */
export function createSegmentSync(disk: Disk, directory: string, image: SegmentImage): DiskFile {
  const target = path.join(directory, segmentName(image.seq));
  const file = disk.openSync(target + TEMPORARY_SUFFIX, 'create');
  file.writeSync(image.buffers, 0);
  file.syncSync();
  disk.renameSync(target + TEMPORARY_SUFFIX, target);
  disk.syncDirectorySync(directory);
  return file;
}

export function createSegment(
  disk: Disk,
  directory: string,
  image: SegmentImage,
  done: (error: Error | null, file: DiskFile | null) => void,
): void {
  const target = path.join(directory, segmentName(image.seq));
  const temporary = target + TEMPORARY_SUFFIX;
  disk.open(temporary, 'create', (openError, file) => {
    if (openError !== null || file === null) return done(openError, null);
    file.write(image.buffers, 0, (writeError) => {
      if (writeError !== null) return done(writeError, null);
      file.datasync((flushError) => {
        if (flushError !== null) return done(flushError, null);
        disk.rename(temporary, target, (renameError) => {
          if (renameError !== null) return done(renameError, null);
          disk.syncDirectory(directory, (syncError) => {
            done(syncError, syncError === null ? file : null);
          });
        });
      });
    });
  });
}
