/**
 * The first record of a segment: whose it is, how it continues the segment before, and the state of
 * the journal at that point, so that earlier segments can be purged.
 *
 * `previous.end` is where the segment before ends: anything behind it there is void. A segment that
 * has a successor is therefore sealed without a write to it. `copied` is the length of what was
 * written with the header, before the file got its name (the tail that recovery carries over);
 * header and copy were flushed by then, so a flaw in them is damage.
 */
import {
  CborError,
  type CborMap,
  cborInteger,
  decodeCbor,
  encodeCbor,
  readInteger,
  readList,
  readMap,
} from './cbor.ts';
import type { EpochBase, FoldState, ZxidRange } from './fold.ts';
import { readEpoch, readZxid } from './record-body.ts';

export const SEGMENT_VERSION = 1;
const U32_MAX = 2 ** 32 - 1;

export interface PreviousSegment {
  readonly seq: number;
  /** Bytes. */
  readonly end: number;
  /** The crc of its last record before `end`. */
  readonly crc: number;
}

export interface SegmentHeader {
  readonly sid: number;
  /** 1 for the first segment ever. */
  readonly seq: number;
  /** Random; every crc of the segment starts from it. */
  readonly seed: number;
  readonly previous: PreviousSegment | null;
  /** Bytes behind the header record that were written with it. */
  readonly copied: number;
  readonly state: FoldState;
}

const NAME = /^[0-9a-f]{16}\.seg$/;

export function segmentName(seq: number): string {
  return `${seq.toString(16).padStart(16, '0')}.seg`;
}

/** The sequence number in a file name, or null when it is not a segment's name. */
export function segmentSeq(name: string): number | null {
  return NAME.test(name) ? Number.parseInt(name.slice(0, 16), 16) : null;
}

export function encodeSegmentHeader(header: SegmentHeader): Uint8Array {
  const { state } = header;
  return encodeCbor({
    version: SEGMENT_VERSION,
    sid: cborInteger(header.sid),
    seq: cborInteger(header.seq),
    seed: header.seed,
    previous: header.previous,
    copied: header.copied,
    state: {
      promisedEpoch: state.promisedEpoch,
      currentEpoch: state.currentEpoch,
      epochs: state.epochs.map(({ epoch, base }) => [epoch, cborInteger(base)]),
      committed: cborInteger(state.committed),
      confirmed: cborInteger(state.confirmed),
      pending: state.pending.map(({ first, last }) => [cborInteger(first), cborInteger(last)]),
      start: cborInteger(state.start),
      snapshots: state.snapshots.map(cborInteger),
    },
  });
}

/** Throws CborError for anything that no peer writes. */
export function decodeSegmentHeader(payload: Uint8Array): SegmentHeader {
  const map = readMap(decodeCbor(payload), 'segment header');
  const version = readInteger(map.get('version'), 'version');
  if (version !== SEGMENT_VERSION) {
    throw new CborError(
      `segment version ${SEGMENT_VERSION}, which this release reads (${version})`,
    );
  }
  return {
    sid: readInteger(map.get('sid'), 'sid'),
    seq: readInteger(map.get('seq'), 'seq', 1),
    seed: readInteger(map.get('seed'), 'seed', 0, U32_MAX),
    previous:
      map.get('previous') === null ? null : readPrevious(readMap(map.get('previous'), 'previous')),
    copied: readInteger(map.get('copied'), 'copied', 0, U32_MAX),
    state: readState(readMap(map.get('state'), 'state')),
  };
}

function readPrevious(map: CborMap): PreviousSegment {
  return {
    seq: readInteger(map.get('seq'), 'previous.seq', 1),
    end: readInteger(map.get('end'), 'previous.end', 1, U32_MAX),
    crc: readInteger(map.get('crc'), 'previous.crc', 0, U32_MAX),
  };
}

function readState(map: CborMap): FoldState {
  return {
    promisedEpoch: readEpoch(map.get('promisedEpoch'), 'promisedEpoch'),
    currentEpoch: readEpoch(map.get('currentEpoch'), 'currentEpoch'),
    epochs: readList(map.get('epochs'), 'epochs').map(readEpochBase),
    committed: readZxid(map.get('committed'), 'committed'),
    confirmed: readZxid(map.get('confirmed'), 'confirmed'),
    pending: readList(map.get('pending'), 'pending').map(readRange),
    start: readZxid(map.get('start'), 'start'),
    snapshots: readList(map.get('snapshots'), 'snapshots').map((zxid) =>
      readZxid(zxid, 'snapshot'),
    ),
  };
}

function readEpochBase(value: unknown): EpochBase {
  const [epoch, base] = readList(value, 'epoch and base');
  return { epoch: readEpoch(epoch, 'epoch'), base: readZxid(base, 'base') };
}

function readRange(value: unknown): ZxidRange {
  const [first, last] = readList(value, 'range');
  return { first: readZxid(first, 'first'), last: readZxid(last, 'last') };
}
