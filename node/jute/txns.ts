/**
 * Transactions as they stand in a PROPOSAL and in every peer's log: TxnHeader, then the record that
 * the header's type names. A transaction is encoded once, by the leader; everybody else keeps the
 * bytes and decodes them to apply them. Logs and leaders of Apache's differ in three ways that the
 * decoder allows: a TxnDigest may follow, closeSession may have no body, and a create of
 * ZooKeeper 3.3 has no parentCVersion.
 */
import { assertNever } from '../core/invariant.ts';
import { OpCode } from '../core/request/op-code.ts';
import type { SingleTxn, Txn, TxnHeader } from '../core/tree/txn.ts';
import { JuteError } from './errors.ts';
import { JuteReader } from './reader.ts';
import { readAclList, readStrings, writeAclList, writeStrings } from './records.ts';
import type { JuteWriter } from './writer.ts';

/** Bytes of a TxnHeader; its last four are the type. */
export const TXN_HEADER_BYTES = 32;
const TYPE_AT = 28;
/** TxnDigest: int version, long treeDigest. */
const DIGEST_BYTES = 12;
const DIGEST_VERSION = 2;
/** Txn: int type, buffer data. */
const TXN_BYTES_MIN = 8;
const NOTHING: Uint8Array = new Uint8Array(0);

export interface DecodedTxn {
  readonly header: TxnHeader;
  readonly txn: Txn;
  /** The TxnDigest that followed, undecoded, or nothing. */
  readonly rest: Uint8Array;
}

/** The encoded transaction, as a buffer of its own; the writer is empty before and after. */
export function encodeTxn(writer: JuteWriter, header: TxnHeader, txn: Txn): Buffer {
  writer.reset();
  writer.session(header.session).int(header.cxid).long(header.zxid).long(header.timeMs);
  writer.int(txn.type);
  if (txn.type === OpCode.multi) {
    writer.int(txn.txns.length);
    for (const single of txn.txns) {
      writer.int(single.type);
      const start = writer.reserveInt();
      writeSingle(writer, single);
      writer.patchInt(start, writer.length - start - 4);
    }
  } else {
    writeSingle(writer, txn);
  }
  return writer.take();
}

/**
 * Decodes header and record; `data` fields are views of `bytes`, so what keeps one keeps all.
 * Throws JuteError for a type that is not known, a short record and bytes that are no digest.
 */
export function decodeTxn(bytes: Uint8Array): DecodedTxn {
  const reader = new JuteReader(bufferOf(bytes));
  const header = readHeader(reader);
  const type = reader.int();
  const txn = type === OpCode.multi ? readMulti(reader) : readSingle(type, reader, true);
  const { remaining } = reader;
  if (remaining === 0) return { header, txn, rest: NOTHING };
  if (remaining !== DIGEST_BYTES) {
    throw new JuteError(`transaction of type ${type} has ${remaining} trailing bytes`);
  }
  return { header, txn, rest: reader.rest() };
}

/** The header alone, without looking at the record. Throws JuteError when it is short. */
export function decodeTxnHeader(bytes: Uint8Array): TxnHeader {
  txnHeaderType(bytes);
  return readHeader(new JuteReader(bufferOf(bytes)));
}

/** The op code in the header, without decoding. Throws JuteError when the header is short. */
export function txnHeaderType(bytes: Uint8Array): number {
  if (bytes.length < TXN_HEADER_BYTES) {
    throw new JuteError(`transaction of ${bytes.length} bytes has no whole header`);
  }
  return bufferOf(bytes).readInt32BE(TYPE_AT);
}

/** The same memory as a Buffer. */
function bufferOf(bytes: Uint8Array): Buffer {
  if (Buffer.isBuffer(bytes)) return bytes;
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function readHeader(reader: JuteReader): TxnHeader {
  const session = reader.session();
  const cxid = reader.int();
  const zxid = reader.long();
  const timeMs = reader.long();
  return { session, cxid, zxid, timeMs };
}

function writeSingle(writer: JuteWriter, txn: SingleTxn): void {
  switch (txn.type) {
    case OpCode.create:
    case OpCode.create2:
      writer.string(txn.path).buffer(txn.data);
      writeAclList(writer, txn.acl);
      writer.boolean(txn.ephemeral).int(txn.parentCversion);
      return;
    case OpCode.createContainer:
      writer.string(txn.path).buffer(txn.data);
      writeAclList(writer, txn.acl);
      writer.int(txn.parentCversion);
      return;
    case OpCode.createTtl:
      writer.string(txn.path).buffer(txn.data);
      writeAclList(writer, txn.acl);
      writer.int(txn.parentCversion).long(txn.ttlMs);
      return;
    case OpCode.delete:
    case OpCode.deleteContainer:
      writer.string(txn.path);
      return;
    case OpCode.setData:
    case OpCode.reconfig:
      writer.string(txn.path).buffer(txn.data).int(txn.version);
      return;
    case OpCode.setAcl:
      writer.string(txn.path);
      writeAclList(writer, txn.acl);
      writer.int(txn.aversion);
      return;
    case OpCode.check:
      writer.string(txn.path).int(txn.version);
      return;
    case OpCode.createSession:
      writer.int(txn.timeoutMs);
      return;
    case OpCode.closeSession:
      if (txn.paths !== null) writeStrings(writer, txn.paths);
      return;
    case OpCode.error:
      writer.int(txn.err);
      return;
    default:
      assertNever(txn, 'transaction');
  }
}

/** `isAlone`: not part of a multi, so a create may be of the older layout. */
function readSingle(type: number, reader: JuteReader, isAlone: boolean): SingleTxn {
  switch (type) {
    case OpCode.create:
    case OpCode.create2: {
      const path = reader.string();
      const data = reader.bufferOrNull();
      const acl = readAclList(reader) ?? [];
      const ephemeral = reader.boolean();
      const isV0 = isAlone && type === OpCode.create && reader.remaining === 0;
      const parentCversion = isV0 ? -1 : reader.int();
      return { type, path, data, acl, ephemeral, parentCversion };
    }
    case OpCode.createContainer: {
      const path = reader.string();
      const data = reader.bufferOrNull();
      const acl = readAclList(reader) ?? [];
      return { type, path, data, acl, parentCversion: reader.int() };
    }
    case OpCode.createTtl: {
      const path = reader.string();
      const data = reader.bufferOrNull();
      const acl = readAclList(reader) ?? [];
      return { type, path, data, acl, parentCversion: reader.int(), ttlMs: reader.long() };
    }
    case OpCode.delete:
    case OpCode.deleteContainer:
      return { type, path: reader.string() };
    case OpCode.setData:
    case OpCode.reconfig:
      return { type, path: reader.string(), data: reader.bufferOrNull(), version: reader.int() };
    case OpCode.setAcl: {
      const path = reader.string();
      const acl = readAclList(reader) ?? [];
      return { type, path, acl, aversion: reader.int() };
    }
    case OpCode.check:
      return { type, path: reader.string(), version: reader.int() };
    case OpCode.createSession:
      return { type, timeoutMs: reader.int() };
    case OpCode.closeSession:
      return { type, paths: hasNoPaths(reader) ? null : readStrings(reader) };
    case OpCode.error:
      return { type, err: reader.int() };
    default:
      throw new JuteError(`transaction type ${type} is not known`);
  }
}

/**
 * Whether closeSession ends here or only a digest is left. A digest begins with its version, 2;
 * read as a vector it would be two paths in the eight bytes behind, which no two paths fit in.
 */
function hasNoPaths(reader: JuteReader): boolean {
  if (reader.remaining === 0) return true;
  return reader.remaining === DIGEST_BYTES && reader.peekInt() === DIGEST_VERSION;
}

/**
 * A failed multi has an ErrorTxn for the operation that failed and for each after it. An Apache
 * leader leaves the records of the ones before it as they are: one ErrorTxn voids them all.
 */
function readMulti(reader: JuteReader): Txn {
  const count = reader.vectorLength(TXN_BYTES_MIN);
  const txns: SingleTxn[] = [];
  for (let i = 0; i < count; i += 1) {
    const type = reader.int();
    const data = reader.bufferOrNull();
    if (data === null) throw new JuteError(`transaction ${i} of a multi has no body`);
    const body = new JuteReader(data);
    txns.push(isVoided(type, data) ? VOIDED : readSingle(type, body, false));
    if (txns.at(-1) !== VOIDED) body.finish(`transaction ${i} of a multi`);
  }
  return { type: OpCode.multi, txns };
}

/**
 * An Apache server that has applied a failed multi has changed the type of the operations before
 * the failing one to error and left their records: so it sends them when it brings a learner up.
 */
function isVoided(type: number, data: Buffer): boolean {
  // Every record that can stand in a multi begins with its path.
  return type === OpCode.error && data.length > ERROR_BYTES && data[ERROR_BYTES] === SLASH;
}

const ERROR_BYTES = 4;
const SLASH = 0x2f;
const VOIDED: SingleTxn = { type: OpCode.error, err: 0 };
