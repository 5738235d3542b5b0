/**
 * Reads: answered from this peer's own tree, as it is at the moment when the session's earlier
 * requests are done. A watch is registered in the same turn in which the data is read, so no change
 * falls between the two.
 */
import { assertNever } from '../core/invariant.ts';
import { ErrorCode } from '../core/request/error-code.ts';
import { OpCode } from '../core/request/op-code.ts';
import type {
  GetAclRequest,
  Ids,
  PathWatchRequest,
  ReadRequest,
} from '../core/request/requests.ts';
import { checkAcl, maskDigest } from '../core/tree/access.ts';
import { type AclList, Perms } from '../core/tree/acl.ts';
import { nameOf } from '../core/tree/path.ts';
import type { Watcher } from '../core/tree/watches.ts';
import { statOf, type Znode } from '../core/tree/znode.ts';
import {
  writeGetAclReply,
  writeGetChildren2Reply,
  writeGetChildrenReply,
  writeGetDataReply,
  writeHeaderReply,
  writeStatReply,
} from '../jute/replies.ts';
import type { JuteWriter } from '../jute/writer.ts';
import type { Replica } from './replica.ts';

export interface Reader {
  readonly replica: Replica;
  readonly skipAcl: boolean;
  readonly ids: Ids;
  readonly watcher: Watcher;
}

/** Appends the reply to one read. */
export function answerRead(
  reader: Reader,
  xid: number,
  request: ReadRequest,
  writer: JuteWriter,
): void {
  switch (request.type) {
    case OpCode.exists:
      return answerExists(reader, xid, request, writer);
    case OpCode.getData:
    case OpCode.getChildren:
    case OpCode.getChildren2:
      return answerNode(reader, xid, request, writer);
    case OpCode.getAcl:
      return answerAcl(reader, xid, request, writer);
    case OpCode.setWatches: {
      const { replica, watcher } = reader;
      replica.watches.setWatches(request, replica.tree, watcher);
      return writeHeaderReply(writer, xid, replica.tree.lastZxid, ErrorCode.ok);
    }
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
  const node = replica.tree.get(request.path);
  if (node !== undefined && !may(reader, node.acl, Perms.read)) {
    return writeHeaderReply(writer, xid, zxid, ErrorCode.noAuth);
  }
  if (request.watch) replica.watches.addData(request.path, watcher);
  if (node === undefined) writeHeaderReply(writer, xid, zxid, ErrorCode.noNode);
  else writeStatReply(writer, xid, zxid, statOf(node));
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
  if (node === undefined) return writeHeaderReply(writer, xid, zxid, ErrorCode.noNode);
  if (!may(reader, node.acl, Perms.read)) {
    return writeHeaderReply(writer, xid, zxid, ErrorCode.noAuth);
  }
  if (request.type === OpCode.getData) {
    if (request.watch) replica.watches.addData(request.path, watcher);
    return writeGetDataReply(writer, xid, zxid, node.data, statOf(node));
  }
  if (request.watch) replica.watches.addChild(request.path, watcher);
  if (request.type === OpCode.getChildren) {
    return writeGetChildrenReply(writer, xid, zxid, childNames(node));
  }
  writeGetChildren2Reply(writer, xid, zxid, childNames(node), statOf(node));
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

function childNames(node: Znode): string[] {
  return node.children === null ? [] : Array.from(node.children, (child) => nameOf(child.path));
}
