/**
 * Requests: the header (xid, op code) and the record behind it, each way. A table from op code to
 * decoder says what is supported; a new operation is a new entry. Bytes after the record are
 * refused: no client sends any, so they mean that the two sides disagree about the layout.
 */
import { assertNever } from '../core/invariant.ts';
import { OpCode } from '../core/request/op-code.ts';
import type {
  CheckRequest,
  CreateRequest,
  DeleteRequest,
  MultiOp,
  MultiReadOp,
  PathWatchRequest,
  Request,
  SetDataRequest,
  SetWatchesRequest,
  WatchKindRequest,
} from '../core/request/requests.ts';
import { JuteError, UnknownOpCodeError } from './errors.ts';
import type { JuteReader } from './reader.ts';
import { readAclList, readStrings, writeAclList, writeStrings } from './records.ts';
import type { JuteWriter } from './writer.ts';

export interface RequestHeader {
  /** The client's count of its requests, or one of `Xid`. */
  readonly xid: number;
  /** An op code, known or not. */
  readonly type: number;
}

export function decodeRequestHeader(reader: JuteReader): RequestHeader {
  const xid = reader.int();
  const type = reader.int();
  return { xid, type };
}

type Decode<T> = (reader: JuteReader) => T;

/** The operations of a multi: the records are those of the same op codes outside. */
const MULTI_OPS: ReadonlyMap<number, Decode<MultiOp>> = new Map<number, Decode<MultiOp>>([
  [OpCode.create, (reader) => readCreate(OpCode.create, reader)],
  [OpCode.create2, (reader) => readCreate(OpCode.create2, reader)],
  [OpCode.createContainer, (reader) => readCreate(OpCode.createContainer, reader)],
  [OpCode.createTtl, (reader) => readCreate(OpCode.createTtl, reader)],
  [OpCode.delete, readDelete],
  [OpCode.setData, readSetData],
  [OpCode.check, readCheck],
]);

const MULTI_READ_OPS: ReadonlyMap<number, Decode<MultiReadOp>> = new Map<
  number,
  Decode<MultiReadOp>
>([
  [OpCode.getData, (reader) => readMultiReadOp(OpCode.getData, reader)],
  [OpCode.getChildren, (reader) => readMultiReadOp(OpCode.getChildren, reader)],
]);

const REQUESTS: ReadonlyMap<number, Decode<Request>> = new Map<number, Decode<Request>>([
  [OpCode.create, (reader) => readCreate(OpCode.create, reader)],
  [OpCode.create2, (reader) => readCreate(OpCode.create2, reader)],
  [OpCode.createContainer, (reader) => readCreate(OpCode.createContainer, reader)],
  [OpCode.createTtl, (reader) => readCreate(OpCode.createTtl, reader)],
  [OpCode.delete, readDelete],
  [OpCode.setData, readSetData],
  [OpCode.setAcl, readSetAcl],
  [OpCode.multi, readMulti],
  [OpCode.createSession, readCreateSession],
  [OpCode.closeSession, () => ({ type: OpCode.closeSession })],
  [OpCode.exists, (reader) => readPathWatch(OpCode.exists, reader)],
  [OpCode.getData, (reader) => readPathWatch(OpCode.getData, reader)],
  [OpCode.getChildren, (reader) => readPathWatch(OpCode.getChildren, reader)],
  [OpCode.getChildren2, (reader) => readPathWatch(OpCode.getChildren2, reader)],
  [OpCode.getAcl, (reader) => ({ type: OpCode.getAcl, path: readPath(reader) })],
  [OpCode.setWatches, (reader) => readSetWatches(OpCode.setWatches, reader)],
  [OpCode.setWatches2, (reader) => readSetWatches(OpCode.setWatches2, reader)],
  [OpCode.addWatch, readAddWatch],
  [OpCode.removeWatches, (reader) => readWatchKind(OpCode.removeWatches, reader)],
  [OpCode.checkWatches, (reader) => readWatchKind(OpCode.checkWatches, reader)],
  [OpCode.getEphemerals, readGetEphemerals],
  [OpCode.getAllChildrenNumber, readGetAllChildrenNumber],
  [OpCode.whoAmI, () => ({ type: OpCode.whoAmI })],
  [OpCode.multiRead, readMultiRead],
  [OpCode.sync, (reader) => ({ type: OpCode.sync, path: readPath(reader) })],
  [OpCode.ping, () => ({ type: OpCode.ping })],
  [OpCode.auth, readAuth],
]);

/**
 * Decodes the record behind the header, up to the end of the reader. `data` and `auth` are views of
 * the frame. Throws UnknownOpCodeError for an op code outside the table and JuteError for a body
 * that is not what its layout says. It decodes what peers forward to each other too: whether the
 * sender may use the op code is for `isClientOpCode`.
 */
export function decodeRequest(opCode: number, reader: JuteReader): Request {
  const decode = REQUESTS.get(opCode);
  if (decode === undefined) throw new UnknownOpCodeError(opCode);
  const request = decode(reader);
  reader.finish(`request ${opCode}`);
  return request;
}

/**
 * Whether a client may send it. createSession is the server's own: taken from a client it would
 * bring a session to life that nobody holds.
 */
export function isClientOpCode(opCode: number): boolean {
  return opCode !== OpCode.createSession && REQUESTS.has(opCode);
}

/** Appends header and record as one frame with its length. */
export function encodeRequestFrame(writer: JuteWriter, xid: number, request: Request): void {
  const start = writer.reserveInt();
  writer.int(xid).int(request.type);
  encodeRequest(writer, request);
  writer.patchInt(start, writer.length - start - 4);
}

/** Appends the record alone, as it stands behind a request header or in a REQUEST packet. */
export function encodeRequest(writer: JuteWriter, request: Request): void {
  switch (request.type) {
    case OpCode.create:
    case OpCode.create2:
    case OpCode.createContainer:
    case OpCode.createTtl:
    case OpCode.delete:
    case OpCode.setData:
      writeOp(writer, request);
      return;
    case OpCode.setAcl:
      writer.string(request.path);
      writeAclList(writer, request.acl);
      writer.int(request.version);
      return;
    case OpCode.multi:
      for (const op of request.ops) {
        writer.int(op.type).boolean(false).int(-1);
        writeOp(writer, op);
      }
      writer.int(-1).boolean(true).int(-1);
      return;
    case OpCode.createSession:
      writer.int(request.timeoutMs);
      return;
    case OpCode.exists:
    case OpCode.getData:
    case OpCode.getChildren:
    case OpCode.getChildren2:
      writer.string(request.path).boolean(request.watch);
      return;
    case OpCode.getAcl:
    case OpCode.getAllChildrenNumber:
    case OpCode.sync:
      writer.string(request.path);
      return;
    case OpCode.setWatches:
    case OpCode.setWatches2:
      writeSetWatches(writer, request);
      return;
    case OpCode.addWatch:
      writer.string(request.path).int(request.mode);
      return;
    case OpCode.removeWatches:
    case OpCode.checkWatches:
      writer.string(request.path).int(request.watcherType);
      return;
    case OpCode.getEphemerals:
      writer.string(request.prefix);
      return;
    case OpCode.multiRead:
      for (const op of request.ops) {
        writer.int(op.type).boolean(false).int(-1).string(op.path).boolean(op.watch);
      }
      writer.int(-1).boolean(true).int(-1);
      return;
    case OpCode.auth:
      writer.int(0).string(request.scheme).buffer(request.auth);
      return;
    case OpCode.closeSession:
    case OpCode.whoAmI:
    case OpCode.ping:
      return;
    default:
      assertNever(request, 'request');
  }
}

function writeSetWatches(writer: JuteWriter, request: SetWatchesRequest): void {
  writer.long(request.relativeZxid);
  writeStrings(writer, request.dataWatches);
  writeStrings(writer, request.existWatches);
  writeStrings(writer, request.childWatches);
  if (request.type === OpCode.setWatches) return;
  writeStrings(writer, request.persistentWatches);
  writeStrings(writer, request.recursiveWatches);
}

function writeOp(writer: JuteWriter, op: MultiOp): void {
  switch (op.type) {
    case OpCode.create:
    case OpCode.create2:
    case OpCode.createContainer:
    case OpCode.createTtl:
      writer.string(op.path).buffer(op.data);
      writeAclList(writer, op.acl);
      writer.int(op.flags);
      if (op.type === OpCode.createTtl) writer.long(op.ttlMs);
      return;
    case OpCode.delete:
    case OpCode.check:
      writer.string(op.path).int(op.version);
      return;
    case OpCode.setData:
      writer.string(op.path).buffer(op.data).int(op.version);
      return;
    default:
      assertNever(op, 'operation of a multi');
  }
}

function readCreate(type: CreateRequest['type'], reader: JuteReader): CreateRequest {
  const path = readPath(reader);
  const data = reader.bufferOrNull();
  const acl = readAclList(reader);
  const flags = reader.int();
  const ttlMs = type === OpCode.createTtl ? reader.long() : 0;
  return { type, path, data, acl, flags, ttlMs };
}

/**
 * A null path is a marshalling error, as in ZooKeeper. Where it checks the path before it looks at
 * it (setData, setACL, check), null is one more bad path and reads as the empty one.
 */
function readPath(reader: JuteReader): string {
  const path = reader.stringOrNull();
  if (path === null) throw new JuteError('path is null');
  return path;
}

function readDelete(reader: JuteReader): DeleteRequest {
  const path = readPath(reader);
  const version = reader.int();
  return { type: OpCode.delete, path, version };
}

function readCheck(reader: JuteReader): CheckRequest {
  const path = reader.string();
  const version = reader.int();
  return { type: OpCode.check, path, version };
}

function readSetData(reader: JuteReader): SetDataRequest {
  const path = reader.string();
  const data = reader.bufferOrNull();
  const version = reader.int();
  return { type: OpCode.setData, path, data, version };
}

function readSetAcl(reader: JuteReader): Request {
  const path = reader.string();
  const acl = readAclList(reader);
  const version = reader.int();
  return { type: OpCode.setAcl, path, acl, version };
}

function readCreateSession(reader: JuteReader): Request {
  return { type: OpCode.createSession, timeoutMs: reader.int() };
}

function readPathWatch(type: PathWatchRequest['type'], reader: JuteReader): PathWatchRequest {
  const path = readPath(reader);
  const watch = reader.boolean();
  return { type, path, watch };
}

function readMultiReadOp(type: MultiReadOp['type'], reader: JuteReader): MultiReadOp {
  const path = readPath(reader);
  const watch = reader.boolean();
  return { type, path, watch };
}

function readSetWatches(type: SetWatchesRequest['type'], reader: JuteReader): Request {
  const relativeZxid = reader.long();
  const dataWatches = readStrings(reader);
  const existWatches = readStrings(reader);
  const childWatches = readStrings(reader);
  const hasPersistent = type === OpCode.setWatches2;
  const persistentWatches = hasPersistent ? readStrings(reader) : [];
  const recursiveWatches = hasPersistent ? readStrings(reader) : [];
  return {
    type,
    relativeZxid,
    dataWatches,
    existWatches,
    childWatches,
    persistentWatches,
    recursiveWatches,
  };
}

function readAddWatch(reader: JuteReader): Request {
  const path = readPath(reader);
  const mode = reader.int();
  return { type: OpCode.addWatch, path, mode };
}

function readWatchKind(type: WatchKindRequest['type'], reader: JuteReader): Request {
  const path = readPath(reader);
  const watcherType = reader.int();
  return { type, path, watcherType };
}

function readGetEphemerals(reader: JuteReader): Request {
  return { type: OpCode.getEphemerals, prefix: reader.string() };
}

function readGetAllChildrenNumber(reader: JuteReader): Request {
  return { type: OpCode.getAllChildrenNumber, path: readPath(reader) };
}

/** AuthPacket: its first field, a type, is 0 in every client and means nothing. */
function readAuth(reader: JuteReader): Request {
  reader.int();
  const scheme = reader.string();
  const auth = reader.bufferOrNull();
  return { type: OpCode.auth, scheme, auth };
}

function readMulti(reader: JuteReader): Request {
  return { type: OpCode.multi, ops: readOps(reader, MULTI_OPS, 'multi') };
}

function readMultiRead(reader: JuteReader): Request {
  return { type: OpCode.multiRead, ops: readOps(reader, MULTI_READ_OPS, 'multiRead') };
}

/** A MultiHeader (type, done, err) before each operation and one with `done` after the last. */
function readOps<T>(
  reader: JuteReader,
  decoders: ReadonlyMap<number, Decode<T>>,
  what: string,
): T[] {
  const ops: T[] = [];
  for (;;) {
    const type = reader.int();
    const isDone = reader.boolean();
    reader.int();
    if (isDone) return ops;
    const decode = decoders.get(type);
    if (decode === undefined) throw new JuteError(`op code ${type} cannot stand in a ${what}`);
    ops.push(decode(reader));
  }
}
