/**
 * One record of a segment, as bytes:
 *
 *     u32 crc | u32 prevCrc | u32 length | u8 type | u24 batch | payload | zeros to 8 bytes
 *
 * `crc` covers everything behind it up to the end of the payload and starts from the segment's
 * random seed, so that stale bytes of another segment never validate; `prevCrc` is the crc of the
 * record before, so that a record in the wrong place is seen. `batch` counts the flushes of the
 * segment: all records of a batch were written together, and batch n was written only after batch
 * n-1 was on the medium. With it a reader can tell a write that a power cut tore from damage.
 * Big-endian throughout.
 */
import { crc32 } from 'node:zlib';
import { invariant } from '../core/invariant.ts';

export const RecordType = {
  /** The first record of a segment. */
  header: 1,
  /** The first record of a batch. */
  mark: 2,
  txn: 3,
  promise: 4,
  epoch: 5,
  truncate: 6,
  snapshot: 7,
} as const;
export type RecordType = (typeof RecordType)[keyof typeof RecordType];

export const RECORD_HEADER_BYTES = 16;
const ALIGNMENT = 8;
const BATCH_MAX = 2 ** 24 - 1;

/** A record's kind and content, before it has a place. */
export interface RecordBody {
  readonly type: RecordType;
  readonly payload: Uint8Array;
}

export interface PlacedRecord extends RecordBody {
  readonly offset: number;
  /** Offset of the byte after it. */
  readonly end: number;
  readonly crc: number;
  readonly prevCrc: number;
  readonly batch: number;
}

/** Bytes that a record with this payload takes. */
export function recordBytes(payloadBytes: number): number {
  return RECORD_HEADER_BYTES + payloadBytes + paddingBytes(payloadBytes);
}

export function paddingBytes(payloadBytes: number): number {
  return (ALIGNMENT - (payloadBytes % ALIGNMENT)) % ALIGNMENT;
}

/** Writes the header of a record at `offset` of `target`; returns the record's crc. */
export function writeRecordHeader(
  target: Buffer,
  offset: number,
  body: RecordBody,
  chain: { readonly seed: number; readonly prevCrc: number; readonly batch: number },
): number {
  invariant(chain.batch <= BATCH_MAX, 'the batch number fits in 24 bits', { batch: chain.batch });
  target.writeUInt32BE(chain.prevCrc, offset + 4);
  target.writeUInt32BE(body.payload.length, offset + 8);
  target.writeUInt8(body.type, offset + 12);
  target.writeUIntBE(chain.batch, offset + 13, 3);
  const covered = target.subarray(offset + 4, offset + RECORD_HEADER_BYTES);
  const crc = crc32(body.payload, crc32(covered, chain.seed));
  target.writeUInt32BE(crc, offset);
  return crc;
}

/** The record at `offset`, or null when the bytes there are not a record of this seed. */
export function readRecord(bytes: Buffer, offset: number, seed: number): PlacedRecord | null {
  if (offset + RECORD_HEADER_BYTES > bytes.length) return null;
  const type = recordType(bytes.readUInt8(offset + 12));
  if (type === null) return null;
  const length = bytes.readUInt32BE(offset + 8);
  const payloadEnd = offset + RECORD_HEADER_BYTES + length;
  const end = payloadEnd + paddingBytes(length);
  if (end > bytes.length) return null;
  for (let i = payloadEnd; i < end; i += 1) if (bytes[i] !== 0) return null;
  const crc = bytes.readUInt32BE(offset);
  if (crc32(bytes.subarray(offset + 4, payloadEnd), seed) !== crc) return null;
  return {
    type,
    payload: bytes.subarray(offset + RECORD_HEADER_BYTES, payloadEnd),
    offset,
    end,
    crc,
    prevCrc: bytes.readUInt32BE(offset + 4),
    batch: bytes.readUIntBE(offset + 13, 3),
  };
}

/** The first record of this seed at or after `offset`, looked for at every place one can start. */
export function findRecord(bytes: Buffer, offset: number, seed: number): PlacedRecord | null {
  for (let at = offset; at + RECORD_HEADER_BYTES <= bytes.length; at += ALIGNMENT) {
    const record = readRecord(bytes, at, seed);
    if (record !== null) return record;
  }
  return null;
}

function recordType(value: number): RecordType | null {
  switch (value) {
    case RecordType.header:
    case RecordType.mark:
    case RecordType.txn:
    case RecordType.promise:
    case RecordType.epoch:
    case RecordType.truncate:
    case RecordType.snapshot:
      return value;
    default:
      return null;
  }
}
