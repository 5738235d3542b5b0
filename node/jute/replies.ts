/**
 * Replies as a server writes them: each function appends one frame (length, ReplyHeader, record)
 * to a writer, so that everything a connection gets in one turn leaves in one socket write. A
 * record follows the header only when `err` is 0; a failed multi has `err` 0 and says in its
 * results what failed.
 */
import { invariant } from '../core/invariant.ts';
import { OpCode } from '../core/request/op-code.ts';
import type { AclList, Id } from '../core/tree/acl.ts';
import type { Stat } from '../core/tree/stat.ts';
import type { Data } from '../core/tree/txn.ts';
import type { TxnResult } from '../core/tree/txn-result.ts';
import type { Zxid } from '../core/zxid.ts';
import { writeAclList, writeIds, writeStat, writeStrings } from './records.ts';
import type { JuteWriter } from './writer.ts';
import { Xid } from './xids.ts';

/** The state in every watch event that a server sends. */
const SYNC_CONNECTED = 3;

/** An error, or success of an operation without a record: delete, ping, auth, closeSession ... */
export function writeHeaderReply(writer: JuteWriter, xid: number, zxid: Zxid, err: number): void {
  finish(writer, begin(writer, xid, zxid, err));
}

/** create, sync. */
export function writePathReply(writer: JuteWriter, xid: number, zxid: Zxid, path: string): void {
  const start = begin(writer, xid, zxid, 0);
  writer.string(path);
  finish(writer, start);
}

/** create2, createContainer, createTtl. */
export function writeCreate2Reply(
  writer: JuteWriter,
  xid: number,
  zxid: Zxid,
  path: string,
  stat: Stat,
): void {
  const start = begin(writer, xid, zxid, 0);
  writer.string(path);
  writeStat(writer, stat);
  finish(writer, start);
}

/** exists, setData, setAcl. */
export function writeStatReply(writer: JuteWriter, xid: number, zxid: Zxid, stat: Stat): void {
  const start = begin(writer, xid, zxid, 0);
  writeStat(writer, stat);
  finish(writer, start);
}

export function writeGetDataReply(
  writer: JuteWriter,
  xid: number,
  zxid: Zxid,
  data: Data,
  stat: Stat,
): void {
  const start = begin(writer, xid, zxid, 0);
  writer.buffer(data);
  writeStat(writer, stat);
  finish(writer, start);
}

export function writeGetAclReply(
  writer: JuteWriter,
  xid: number,
  zxid: Zxid,
  acl: AclList,
  stat: Stat,
): void {
  const start = begin(writer, xid, zxid, 0);
  writeAclList(writer, acl);
  writeStat(writer, stat);
  finish(writer, start);
}

export function writeGetChildrenReply(
  writer: JuteWriter,
  xid: number,
  zxid: Zxid,
  children: readonly string[],
): void {
  const start = begin(writer, xid, zxid, 0);
  writeStrings(writer, children);
  finish(writer, start);
}

export function writeGetChildren2Reply(
  writer: JuteWriter,
  xid: number,
  zxid: Zxid,
  children: readonly string[],
  stat: Stat,
): void {
  const start = begin(writer, xid, zxid, 0);
  writeStrings(writer, children);
  writeStat(writer, stat);
  finish(writer, start);
}

/** getEphemerals. */
export function writePathsReply(
  writer: JuteWriter,
  xid: number,
  zxid: Zxid,
  paths: readonly string[],
): void {
  const start = begin(writer, xid, zxid, 0);
  writeStrings(writer, paths);
  finish(writer, start);
}

/** getAllChildrenNumber; addWatch, whose record is an ErrorResponse of 0. */
export function writeIntReply(writer: JuteWriter, xid: number, zxid: Zxid, value: number): void {
  const start = begin(writer, xid, zxid, 0);
  writer.int(value);
  finish(writer, start);
}

/** whoAmI: scheme and user of each id, never what proves it. */
export function writeWhoAmIReply(
  writer: JuteWriter,
  xid: number,
  zxid: Zxid,
  users: readonly Id[],
): void {
  const start = begin(writer, xid, zxid, 0);
  writeIds(writer, users);
  finish(writer, start);
}

/** One result of a multiRead, as far as it is not an error. */
export type ReadResult =
  | { readonly type: typeof OpCode.getData; readonly data: Data; readonly stat: Stat }
  | { readonly type: typeof OpCode.getChildren; readonly children: readonly string[] }
  | { readonly type: typeof OpCode.error; readonly err: number };

export function writeMultiReadReply(
  writer: JuteWriter,
  xid: number,
  zxid: Zxid,
  results: readonly ReadResult[],
): void {
  const start = begin(writer, xid, zxid, 0);
  for (const result of results) {
    const err = result.type === OpCode.error ? result.err : 0;
    writer.int(result.type).boolean(false).int(err);
    if (result.type === OpCode.error) writer.int(err);
    else if (result.type === OpCode.getChildren) writeStrings(writer, result.children);
    else {
      writer.buffer(result.data);
      writeStat(writer, result.stat);
    }
  }
  writer.int(-1).boolean(true).int(-1);
  finish(writer, start);
}

/** A watch event: no reply, but it shares the stream with them and keeps its place in it. */
export function writeWatcherEvent(
  writer: JuteWriter,
  zxid: Zxid,
  eventType: number,
  path: string,
): void {
  const start = begin(writer, Xid.notification, zxid, 0);
  writer.int(eventType).int(SYNC_CONNECTED).string(path);
  finish(writer, start);
}

export function writeMultiReply(
  writer: JuteWriter,
  xid: number,
  zxid: Zxid,
  results: readonly TxnResult[],
): void {
  const start = begin(writer, xid, zxid, 0);
  for (const result of results) writeMultiResult(writer, result);
  writer.int(-1).boolean(true).int(-1);
  finish(writer, start);
}

/**
 * The reply to any write, from what applying its transaction yielded. Not for createSession: its
 * answer is a ConnectResponse.
 */
export function writeTxnReply(
  writer: JuteWriter,
  xid: number,
  zxid: Zxid,
  result: TxnResult,
): void {
  if (result.results !== null) {
    writeMultiReply(writer, xid, zxid, result.results);
    return;
  }
  if (result.err !== 0) {
    writeHeaderReply(writer, xid, zxid, result.err);
    return;
  }
  switch (result.type) {
    case OpCode.create:
      writePathReply(writer, xid, zxid, pathOf(result));
      return;
    case OpCode.create2:
    case OpCode.createContainer:
    case OpCode.createTtl:
      writeCreate2Reply(writer, xid, zxid, pathOf(result), statOf(result));
      return;
    case OpCode.setData:
    case OpCode.setAcl:
      writeStatReply(writer, xid, zxid, statOf(result));
      return;
    case OpCode.delete:
    case OpCode.closeSession:
      writeHeaderReply(writer, xid, zxid, 0);
      return;
    default:
      invariant(false, 'the transaction has a reply', { type: result.type });
  }
}

/** MultiHeader (type, done, err) and record; an error stands in both of them. */
function writeMultiResult(writer: JuteWriter, result: TxnResult): void {
  if (result.err !== 0 || result.type === OpCode.error) {
    writer.int(OpCode.error).boolean(false).int(result.err).int(result.err);
    return;
  }
  switch (result.type) {
    case OpCode.create:
      writer.int(OpCode.create).boolean(false).int(0).string(pathOf(result));
      return;
    case OpCode.create2:
    case OpCode.createContainer:
    case OpCode.createTtl:
      writer.int(OpCode.create2).boolean(false).int(0).string(pathOf(result));
      writeStat(writer, statOf(result));
      return;
    case OpCode.setData:
      writer.int(OpCode.setData).boolean(false).int(0);
      writeStat(writer, statOf(result));
      return;
    case OpCode.delete:
    case OpCode.check:
      writer.int(result.type).boolean(false).int(0);
      return;
    default:
      invariant(false, 'the transaction can stand in a multi', { type: result.type });
  }
}

function begin(writer: JuteWriter, xid: number, zxid: Zxid, err: number): number {
  const start = writer.reserveInt();
  writer.int(xid).long(zxid).int(err);
  return start;
}

function finish(writer: JuteWriter, start: number): void {
  writer.patchInt(start, writer.length - start - 4);
}

function pathOf(result: TxnResult): string {
  invariant(result.path !== null, 'a create yields its path', { type: result.type });
  return result.path;
}

function statOf(result: TxnResult): Stat {
  invariant(result.stat !== null, 'the change yields a stat', { type: result.type });
  return result.stat;
}
