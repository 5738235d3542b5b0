/**
 * Lays out a batch: the MARK, then the records, as a list of buffers for one vectored write. The
 * bytes of a transaction are not copied; headers and padding share one buffer, cut so that the
 * padding of a record and the header of the next are one piece.
 */
import type { Zxid } from '../core/zxid.ts';
import {
  paddingBytes,
  RECORD_HEADER_BYTES,
  type RecordBody,
  RecordType,
  recordBytes,
  writeRecordHeader,
} from './record.ts';
import { encodeMark, MARK_PAYLOAD_BYTES } from './record-body.ts';

/** Where a segment stands: what the next record is chained to. */
export interface ChainState {
  readonly seed: number;
  /** Bytes; where the next batch goes. */
  readonly offset: number;
  readonly lastCrc: number;
  readonly batch: number;
}

export interface LaidBatch {
  readonly buffers: Uint8Array[];
  /** Where the segment stands after it. */
  readonly chain: ChainState;
}

export function layBatch(
  bodies: readonly RecordBody[],
  committed: Zxid,
  before: ChainState,
): LaidBatch {
  let payloadBytes = 0;
  let bytes = recordBytes(MARK_PAYLOAD_BYTES);
  for (const body of bodies) {
    payloadBytes += body.payload.length;
    bytes += recordBytes(body.payload.length);
  }
  const end = before.offset + bytes;
  const mark = { committed, durableUpTo: before.offset, batchEnd: end };
  const markBody = { type: RecordType.mark, payload: encodeMark(mark) };

  const frame = Buffer.alloc(bytes - payloadBytes);
  const buffers: Uint8Array[] = [];
  const chain = { seed: before.seed, prevCrc: before.lastCrc, batch: before.batch + 1 };
  chain.prevCrc = writeRecordHeader(frame, 0, markBody, chain);
  frame.set(markBody.payload, RECORD_HEADER_BYTES);
  // [pieceStart, at) is laid out but not yet in the list.
  let pieceStart = 0;
  let at = recordBytes(MARK_PAYLOAD_BYTES);
  for (const body of bodies) {
    chain.prevCrc = writeRecordHeader(frame, at, body, chain);
    at += RECORD_HEADER_BYTES;
    buffers.push(frame.subarray(pieceStart, at), body.payload);
    pieceStart = at;
    at += paddingBytes(body.payload.length);
  }
  if (at > pieceStart) buffers.push(frame.subarray(pieceStart, at));
  const after = { seed: before.seed, offset: end, lastCrc: chain.prevCrc, batch: chain.batch };
  return { buffers, chain: after };
}
