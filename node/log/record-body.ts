/**
 * What the records of a journal hold. A transaction is the PROPOSAL's bytes and nothing else; the
 * records of the protocol's control state are CBOR; the MARK of a batch has a fixed form, because
 * every batch has one.
 */
import { assertNever, invariant } from '../core/invariant.ts';
import type { JournalRecord } from '../core/zab/journal-record.ts';
import { EPOCH_MAX, makeZxid, type Zxid } from '../core/zxid.ts';
import {
  CborError,
  cborInteger,
  decodeCbor,
  encodeCbor,
  readBoolean,
  readInteger,
  readMap,
} from './cbor.ts';
import { type RecordBody, RecordType } from './record.ts';

const ZXID_MAX = makeZxid(EPOCH_MAX, 2 ** 32 - 1);
export const MARK_PAYLOAD_BYTES = 16;
/** The zxid stands behind the session id and the cxid of the transaction header. */
const TXN_ZXID_OFFSET = 12;
const TXN_BYTES_MIN = TXN_ZXID_OFFSET + 8;

/** The start of a batch. */
export interface Mark {
  /** The highest zxid known to be committed when the batch was written. */
  readonly committed: Zxid;
  /** Everything in this segment before this offset was on the medium when the batch was written. */
  readonly durableUpTo: number;
  /** Offset of the byte after the batch. */
  readonly batchEnd: number;
}

export function encodeMark(mark: Mark): Uint8Array {
  const payload = Buffer.alloc(MARK_PAYLOAD_BYTES);
  payload.writeBigUInt64BE(BigInt(mark.committed), 0);
  payload.writeUInt32BE(mark.durableUpTo, 8);
  payload.writeUInt32BE(mark.batchEnd, 12);
  return payload;
}

export function decodeMark(payload: Uint8Array): Mark {
  if (payload.length !== MARK_PAYLOAD_BYTES) throw new CborError('a mark of 16 bytes');
  const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
  return {
    committed: readZxid(view.getBigUint64(0), 'committed'),
    durableUpTo: view.getUint32(8),
    batchEnd: view.getUint32(12),
  };
}

export function encodeRecord(record: JournalRecord): RecordBody {
  switch (record.type) {
    case 'txn':
      invariant(txnZxid(record.txn) === record.zxid, 'a txn record names its own zxid', {
        zxid: record.zxid,
      });
      return { type: RecordType.txn, payload: record.txn };
    case 'promise':
      return { type: RecordType.promise, payload: encodeCbor({ epoch: record.epoch }) };
    case 'epoch': {
      const fields = { epoch: record.epoch, base: cborInteger(record.base) };
      return { type: RecordType.epoch, payload: encodeCbor(fields) };
    }
    case 'truncate':
      return {
        type: RecordType.truncate,
        payload: encodeCbor({ zxid: cborInteger(record.zxid) }),
      };
    case 'snapshot': {
      const fields = { zxid: cborInteger(record.zxid), isReset: record.isReset };
      return { type: RecordType.snapshot, payload: encodeCbor(fields) };
    }
    default:
      return assertNever(record, 'journal record');
  }
}

/** Throws CborError for a payload that no peer writes. */
export function decodeRecord(body: RecordBody): JournalRecord {
  if (body.type === RecordType.txn) {
    const zxid = txnZxid(body.payload);
    if (zxid === null) throw new CborError('a transaction with its header');
    return { type: 'txn', zxid, txn: body.payload };
  }
  const map = readMap(decodeCbor(body.payload), 'record');
  switch (body.type) {
    case RecordType.promise:
      return { type: 'promise', epoch: readEpoch(map.get('epoch'), 'epoch') };
    case RecordType.epoch: {
      const epoch = readEpoch(map.get('epoch'), 'epoch');
      return { type: 'epoch', epoch, base: readZxid(map.get('base'), 'base') };
    }
    case RecordType.truncate:
      return { type: 'truncate', zxid: readZxid(map.get('zxid'), 'zxid') };
    case RecordType.snapshot: {
      const zxid = readZxid(map.get('zxid'), 'zxid');
      return { type: 'snapshot', zxid, isReset: readBoolean(map.get('isReset'), 'isReset') };
    }
    default:
      throw new CborError('a record of the protocol');
  }
}

export function readZxid(value: unknown, what: string): Zxid {
  return readInteger(value, what, 0, ZXID_MAX);
}

export function readEpoch(value: unknown, what: string): number {
  return readInteger(value, what, 0, EPOCH_MAX);
}

function txnZxid(txn: Uint8Array): Zxid | null {
  if (txn.length < TXN_BYTES_MIN) return null;
  const view = new DataView(txn.buffer, txn.byteOffset, txn.length);
  const zxid = view.getUint32(TXN_ZXID_OFFSET) * 2 ** 32 + view.getUint32(TXN_ZXID_OFFSET + 4);
  return zxid > 0 && zxid <= ZXID_MAX ? zxid : null;
}
