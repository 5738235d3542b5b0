/**
 * A node of the tree. Only `DataTree` changes one, and a list or a byte array that a znode refers
 * to is never changed in place: readers, watches and snapshot walks may keep what they got.
 */
import { NO_SESSION, type SessionId } from '../session-id.ts';
import type { Zxid } from '../zxid.ts';
import type { AclList } from './acl.ts';
import { ownerKind } from './owner.ts';
import type { Stat } from './stat.ts';
import type { Data } from './txn.ts';

/** What a znode persists: what a snapshot holds and a digest covers. */
export interface ZnodeRecord {
  readonly path: string;
  readonly data: Data;
  readonly acl: AclList;
  readonly czxid: Zxid;
  readonly mzxid: Zxid;
  readonly pzxid: Zxid;
  readonly ctime: number;
  readonly mtime: number;
  readonly version: number;
  /** As stored: it counts the children ever created. */
  readonly cversion: number;
  readonly aversion: number;
  /** A session or a marker, see `owner.ts`. */
  readonly ephemeralOwner: SessionId;
}

export class Znode implements ZnodeRecord {
  readonly path: string;
  /** Grows in the order of creation, so a parent has a smaller one than its children. */
  readonly seq: number;
  data: Data;
  acl: AclList;
  czxid: Zxid;
  mzxid: Zxid;
  pzxid: Zxid;
  ctime: number;
  mtime: number;
  version: number;
  cversion: number;
  aversion: number;
  ephemeralOwner: SessionId;
  /** Null while there are none, which is the case for most znodes. */
  children: Set<Znode> | null = null;

  constructor(seq: number, record: ZnodeRecord) {
    this.seq = seq;
    this.path = record.path;
    this.data = record.data;
    this.acl = record.acl;
    this.czxid = record.czxid;
    this.mzxid = record.mzxid;
    this.pzxid = record.pzxid;
    this.ctime = record.ctime;
    this.mtime = record.mtime;
    this.version = record.version;
    this.cversion = record.cversion;
    this.aversion = record.aversion;
    this.ephemeralOwner = record.ephemeralOwner;
  }

  get numChildren(): number {
    return this.children?.size ?? 0;
  }

  get dataLength(): number {
    return this.data?.length ?? 0;
  }

  get isEphemeral(): boolean {
    return ownerKind(this.ephemeralOwner) === 'session';
  }
}

/**
 * The Stat that a client sees. Its cversion also counts the deleted children, and the markers of
 * containers and TTL znodes are not shown.
 */
export function statOf(node: Znode): Stat {
  const numChildren = node.numChildren;
  return {
    czxid: node.czxid,
    mzxid: node.mzxid,
    ctime: node.ctime,
    mtime: node.mtime,
    version: node.version,
    cversion: (Math.imul(node.cversion, 2) - numChildren) | 0,
    aversion: node.aversion,
    ephemeralOwner: node.isEphemeral ? node.ephemeralOwner : NO_SESSION,
    dataLength: node.data?.length ?? 0,
    numChildren,
    pzxid: node.pzxid,
  };
}

/** The values of a znode at this moment, independent of what happens to it later. */
export function recordOf(node: Znode): ZnodeRecord {
  return {
    path: node.path,
    data: node.data,
    acl: node.acl,
    czxid: node.czxid,
    mzxid: node.mzxid,
    pzxid: node.pzxid,
    ctime: node.ctime,
    mtime: node.mtime,
    version: node.version,
    cversion: node.cversion,
    aversion: node.aversion,
    ephemeralOwner: node.ephemeralOwner,
  };
}
