/**
 * Reads: answered from this peer's own tree, as it is at the moment when the session's earlier
 * requests are done. A watch is registered in the same turn in which the data is read, so no change
 * falls between the two.
 */
import { assertNever } from '../core/invariant.ts';
import { ErrorCode } from '../core/request/error-code.ts';
import { OpCode } from '../core/request/op-code.ts';
import {
  AddWatchMode,
  type AddWatchRequest,
  type GetAclRequest,
  type Ids,
  type MultiReadOp,
  type PathWatchRequest,
  type ReadRequest,
  type SetWatchesRequest,
  WatcherType,
  type WatchKindRequest,
} from '../core/request/requests.ts';
import type { SessionId } from '../core/session-id.ts';
import { checkAcl, maskDigest } from '../core/tree/access.ts';
import { type AclList, type Id, Perms } from '../core/tree/acl.ts';
import { nameOf } from '../core/tree/path.ts';
import type { Watcher } from '../core/tree/watches.ts';
import { statOf, type Znode } from '../core/tree/znode.ts';
import {
  type ReadResult,
  writeGetAclReply,
  writeGetChildren2Reply,
  writeGetChildrenReply,
  writeGetDataReply,
  writeHeaderReply,
  writeIntReply,
  writeMultiReadReply,
  writePathsReply,
  writeStatReply,
  writeWhoAmIReply,
} from '../jute/replies.ts';
import type { JuteWriter } from '../jute/writer.ts';
import type { Replica } from './replica.ts';

export interface Reader {
  readonly replica: Replica;
  readonly skipAcl: boolean;
  readonly ids: Ids;
  readonly session: SessionId;
  readonly watcher: Watcher;
}

/** Appends the reply to one read. */
export function answerRead(
  reader: Reader,
  xid: number,
  request: ReadRequest,
  writer: JuteWriter,
): void {
  const { tree } = reader.replica;
  switch (request.type) {
    case OpCode.exists:
      return answerExists(reader, xid, request, writer);
    case OpCode.getData:
    case OpCode.getChildren:
    case OpCode.getChildren2:
      return answerNode(reader, xid, request, writer);
    case OpCode.getAcl:
      return answerAcl(reader, xid, request, writer);
    case OpCode.multiRead: {
      const results = request.ops.map((op) => readOne(reader, op));
      return writeMultiReadReply(writer, xid, tree.lastZxid, results);
    }
    case OpCode.getEphemerals: {
      const paths = ephemeralsBelow(reader, request.prefix);
      return writePathsReply(writer, xid, tree.lastZxid, paths);
    }
    case OpCode.getAllChildrenNumber: {
      const node = tree.get(request.path);
      const err = errorOf(reader, node);
      if (node === undefined || err !== ErrorCode.ok) {
        return writeHeaderReply(writer, xid, tree.lastZxid, err);
      }
      return writeIntReply(writer, xid, tree.lastZxid, descendants(node));
    }
    case OpCode.whoAmI:
      return writeWhoAmIReply(writer, xid, tree.lastZxid, reader.ids.map(userOf));
    case OpCode.addWatch:
    case OpCode.removeWatches:
    case OpCode.checkWatches:
    case OpCode.setWatches:
    case OpCode.setWatches2:
      return answerWatch(reader, xid, request, writer);
    default:
      return assertNever(request, 'read');
  }
}

/** A watch is set whether the znode is there or not. */
function answerExists(
  reader: Reader,
  xid: number,
  request: PathWatchRequest,
  writer: JuteWriter,
): void {
  const { replica, watcher } = reader;
  const zxid = replica.tree.lastZxid;
  // The one read that could wait for such a path, so the one in which ZooKeeper refuses it.
  if (request.path.includes('\0')) {
    return writeHeaderReply(writer, xid, zxid, ErrorCode.badArguments);
  }
  const node = replica.tree.get(request.path);
  if (node !== undefined && !may(reader, node.acl, Perms.read)) {
    return writeHeaderReply(writer, xid, zxid, ErrorCode.noAuth);
  }
  if (request.watch) replica.watches.addData(request.path, watcher);
  if (node === undefined) return writeHeaderReply(writer, xid, zxid, ErrorCode.noNode);
  replica.metrics.noteRead(request.path, 0);
  writeStatReply(writer, xid, zxid, statOf(node));
}

function answerNode(
  reader: Reader,
  xid: number,
  request: PathWatchRequest,
  writer: JuteWriter,
): void {
  const { replica, watcher } = reader;
  const zxid = replica.tree.lastZxid;
  const node = replica.tree.get(request.path);
  const err = errorOf(reader, node);
  if (node === undefined || err !== ErrorCode.ok) return writeHeaderReply(writer, xid, zxid, err);
  if (request.type === OpCode.getData) {
    if (request.watch) replica.watches.addData(request.path, watcher);
    replica.metrics.noteRead(request.path, node.data?.length ?? 0);
    return writeGetDataReply(writer, xid, zxid, node.data, statOf(node));
  }
  if (request.watch) replica.watches.addChild(request.path, watcher);
  const names = childNames(node);
  replica.metrics.noteRead(request.path, lengthOf(names));
  if (request.type === OpCode.getChildren) {
    return writeGetChildrenReply(writer, xid, zxid, names);
  }
  writeGetChildren2Reply(writer, xid, zxid, names, statOf(node));
}

/**
 * One operation of a multiRead: it fails by itself. It sets no watch, whatever its flag says:
 * ZooKeeper drops the flag when it decodes (MultiOperationRecord.java), so no client awaits events.
 */
function readOne(reader: Reader, op: MultiReadOp): ReadResult {
  const { tree, metrics } = reader.replica;
  const node = tree.get(op.path);
  const err = errorOf(reader, node);
  if (node === undefined || err !== ErrorCode.ok) return { type: OpCode.error, err };
  if (op.type === OpCode.getData) {
    metrics.noteRead(op.path, node.data?.length ?? 0);
    return { type: op.type, data: node.data, stat: statOf(node) };
  }
  const children = childNames(node);
  metrics.noteRead(op.path, lengthOf(children));
  return { type: op.type, children };
}

/** 0 when the znode is there and may be read. */
function errorOf(reader: Reader, node: Znode | undefined): ErrorCode {
  if (node === undefined) return ErrorCode.noNode;
  return may(reader, node.acl, Perms.read) ? ErrorCode.ok : ErrorCode.noAuth;
}

function answerWatch(
  reader: Reader,
  xid: number,
  request: AddWatchRequest | WatchKindRequest | SetWatchesRequest,
  writer: JuteWriter,
): void {
  const { replica, watcher } = reader;
  const { tree, watches } = replica;
  const zxid = tree.lastZxid;
  switch (request.type) {
    case OpCode.addWatch: {
      const isRecursive = request.mode === AddWatchMode.persistentRecursive;
      if (!isRecursive && request.mode !== AddWatchMode.persistent) {
        return writeHeaderReply(writer, xid, zxid, ErrorCode.marshallingError);
      }
      watches.addPersistent(request.path, watcher, isRecursive);
      return writeIntReply(writer, xid, zxid, ErrorCode.ok);
    }
    case OpCode.removeWatches:
    case OpCode.checkWatches: {
      const { path, watcherType } = request;
      if (!isWatcherType(watcherType)) {
        return writeHeaderReply(writer, xid, zxid, ErrorCode.marshallingError);
      }
      const isThere =
        request.type === OpCode.checkWatches
          ? watches.hasWatch(path, watcherType, watcher)
          : watches.removeWatch(path, watcherType, watcher);
      return writeHeaderReply(writer, xid, zxid, isThere ? ErrorCode.ok : ErrorCode.noWatcher);
    }
    default:
      watches.setWatches(request, tree, watcher);
      return writeHeaderReply(writer, xid, zxid, ErrorCode.ok);
  }
}

function isWatcherType(value: number): boolean {
  return value >= WatcherType.children && value <= WatcherType.persistentRecursive;
}

/** ZooKeeper compares texts, not path segments. */
function ephemeralsBelow(reader: Reader, prefix: string): readonly string[] {
  const all = reader.replica.tree.ephemeralsOf(reader.session);
  const isEverything = prefix.trim() === '' || prefix.trim() === '/';
  return isEverything ? all : all.filter((path) => path.startsWith(prefix));
}

function descendants(node: Znode): number {
  let count = 0;
  const open: Znode[] = [node];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    for (const child of next.children ?? []) {
      count += 1;
      if (child.children !== null) open.push(child);
    }
  }
  return count;
}

/** Who, without what proves it: of a digest only the user. */
function userOf({ scheme, id }: Id): Id {
  return { scheme, id: scheme === 'digest' ? (id.split(':', 1)[0] ?? '') : id };
}

/** Whoever may not administer the znode does not see the hashes of passwords. */
function answerAcl(reader: Reader, xid: number, request: GetAclRequest, writer: JuteWriter): void {
  const { tree } = reader.replica;
  const node = tree.get(request.path);
  if (node === undefined) return writeHeaderReply(writer, xid, tree.lastZxid, ErrorCode.noNode);
  const isAdmin = may(reader, node.acl, Perms.admin);
  if (!isAdmin && !may(reader, node.acl, Perms.read)) {
    return writeHeaderReply(writer, xid, tree.lastZxid, ErrorCode.noAuth);
  }
  const acl = isAdmin ? node.acl : maskDigest(node.acl);
  writeGetAclReply(writer, xid, tree.lastZxid, acl, statOf(node));
}

function may(reader: Reader, acl: AclList, perm: number): boolean {
  return reader.skipAcl || checkAcl(acl, perm, reader.ids);
}

function lengthOf(names: readonly string[]): number {
  let length = 0;
  for (const name of names) length += name.length;
  return length;
}

function childNames(node: Znode): string[] {
  return node.children === null ? [] : Array.from(node.children, (child) => nameOf(child.path));
}
