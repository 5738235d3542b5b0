/**
 * Replies as a client reads them: the header, then the record that the request's op code calls for
 * when `err` is 0. The counterpart of `replies.ts`. Each body decoder reads to the end of the frame
 * and throws JuteError when the record is not what its layout says.
 */
import { OpCode } from '../core/request/op-code.ts';
import type { AclList } from '../core/tree/acl.ts';
import type { Stat } from '../core/tree/stat.ts';
import type { Data } from '../core/tree/txn.ts';
import type { TxnResult } from '../core/tree/txn-result.ts';
import type { Zxid } from '../core/zxid.ts';
import { JuteError } from './errors.ts';
import type { JuteReader } from './reader.ts';
import { readAclList, readStat, readStrings } from './records.ts';

export interface ReplyHeader {
  /** The request's, or one of `Xid`. */
  readonly xid: number;
  /** The last zxid the server had applied; of an event, the change that fired it. */
  readonly zxid: Zxid;
  /** An error code; no record follows unless it is 0. */
  readonly err: number;
}
export interface Created {
  readonly path: string;
  readonly stat: Stat;
}
export interface NodeData {
  /** A view of the frame. */
  readonly data: Data;
  readonly stat: Stat;
}
export interface NodeAcl {
  readonly acl: AclList;
  readonly stat: Stat;
}
export interface NodeChildren {
  readonly children: readonly string[];
  readonly stat: Stat;
}
export interface WatcherEvent {
  readonly type: number;
  readonly state: number;
  readonly path: string;
}

/** Reads the header and leaves the reader at the record. */
export function decodeReplyHeader(reader: JuteReader): ReplyHeader {
  const xid = reader.int();
  const zxid = reader.long();
  const err = reader.int();
  return { xid, zxid, err };
}

/** A reply that is only a header: delete, ping, auth, setWatches, closeSession, any error. */
export function decodeEmptyReply(reader: JuteReader): void {
  reader.finish('reply');
}

/** create, sync. */
export function decodePathReply(reader: JuteReader): string {
  const path = reader.string();
  reader.finish('CreateResponse');
  return path;
}

/** create2, createContainer, createTtl. */
export function decodeCreate2Reply(reader: JuteReader): Created {
  const path = reader.string();
  const stat = readStat(reader);
  reader.finish('Create2Response');
  return { path, stat };
}

/** exists, setData, setAcl. */
export function decodeStatReply(reader: JuteReader): Stat {
  const stat = readStat(reader);
  reader.finish('reply with a Stat');
  return stat;
}

export function decodeGetDataReply(reader: JuteReader): NodeData {
  const data = reader.bufferOrNull();
  const stat = readStat(reader);
  reader.finish('GetDataResponse');
  return { data, stat };
}

export function decodeGetAclReply(reader: JuteReader): NodeAcl {
  const acl = readAclList(reader) ?? [];
  const stat = readStat(reader);
  reader.finish('GetACLResponse');
  return { acl, stat };
}

export function decodeGetChildrenReply(reader: JuteReader): string[] {
  const children = readStrings(reader);
  reader.finish('GetChildrenResponse');
  return children;
}

export function decodeGetChildren2Reply(reader: JuteReader): NodeChildren {
  const children = readStrings(reader);
  const stat = readStat(reader);
  reader.finish('GetChildren2Response');
  return { children, stat };
}

export function decodeWatcherEvent(reader: JuteReader): WatcherEvent {
  const type = reader.int();
  const state = reader.int();
  const path = reader.string();
  reader.finish('WatcherEvent');
  return { type, state, path };
}

/** One result for each operation. createContainer and createTtl come back as create2. */
export function decodeMultiReply(reader: JuteReader): TxnResult[] {
  const results: TxnResult[] = [];
  for (;;) {
    const type = reader.int();
    const isDone = reader.boolean();
    reader.int();
    if (isDone) break;
    results.push(readMultiResult(type, reader));
  }
  reader.finish('multi response');
  return results;
}

function readMultiResult(type: number, reader: JuteReader): TxnResult {
  switch (type) {
    case OpCode.create:
      return { type, err: 0, path: reader.string(), stat: null, results: null };
    case OpCode.create2:
      return { type, err: 0, path: reader.string(), stat: readStat(reader), results: null };
    case OpCode.setData:
      return { type, err: 0, path: null, stat: readStat(reader), results: null };
    case OpCode.delete:
    case OpCode.check:
      return { type, err: 0, path: null, stat: null, results: null };
    case OpCode.error:
      return { type, err: reader.int(), path: null, stat: null, results: null };
    default:
      throw new JuteError(`result of type ${type} cannot stand in a multi`);
  }
}
