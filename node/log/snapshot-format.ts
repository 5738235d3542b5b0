/**
 * The bytes of a snapshot file: frames of `u32 length | u32 crc | CBOR`, in the order header,
 * sessions, nodes, footer. `crc` runs over all CBOR so far, so a frame that is missing, doubled or
 * out of place is seen at the next one, and a file without its footer is no snapshot.
 *
 * ACL lists are shared by most znodes: each nodes frame carries the lists that are new with it, and
 * a znode names its list by number, in order of first use.
 */
import { crc32 } from 'node:zlib';
import { SessionId } from '../core/session-id.ts';
import type { Acl, AclList } from '../core/tree/acl.ts';
import type { Zxid } from '../core/zxid.ts';
import {
  CborError,
  type CborMap,
  cborInteger,
  readBytesOrNull,
  readInteger,
  readList,
  readText,
} from './cbor.ts';
import { readZxid } from './record-body.ts';

export const SNAPSHOT_VERSION = 1;
export const FRAME_HEADER_BYTES = 8;
/** More than the largest slice; a length above it is a damaged length. */
export const FRAME_BYTES_MAX = 256 * 1024 * 1024;

/** A znode as a walk over the tree gives it out. */
export interface SnapshotNode {
  readonly path: string;
  readonly data: Uint8Array | null;
  readonly acl: AclList;
  readonly czxid: Zxid;
  readonly mzxid: Zxid;
  readonly ctime: number;
  readonly mtime: number;
  readonly version: number;
  readonly cversion: number;
  readonly aversion: number;
  readonly ephemeralOwner: SessionId;
  readonly pzxid: Zxid;
}

/** The committed tree as it was at `zxid`, however it changes during the walk. */
export interface SnapshotSource {
  readonly zxid: Zxid;
  sessions(): Iterable<readonly [SessionId, number]>;
  /** Up to `limit` further znodes, parents before children; none at the end. */
  next(limit: number): readonly SnapshotNode[];
}

export interface SnapshotSink {
  addSession(id: SessionId, timeoutMs: number): void;
  addNode(node: SnapshotNode): void;
}

const NAME = /^[0-9a-f]{16}\.snap$/;

export function snapshotName(zxid: Zxid): string {
  return `${zxid.toString(16).padStart(16, '0')}.snap`;
}

/** The zxid in a file name, or null when it is not a snapshot's name. */
export function snapshotZxid(name: string): Zxid | null {
  return NAME.test(name) ? Number.parseInt(name.slice(0, 16), 16) : null;
}

/** The frame around `payload`; `crcBefore` is the crc of the frame before, 0 at the start. */
export function frameHeader(payload: Uint8Array, crcBefore: number): Buffer {
  const header = Buffer.alloc(FRAME_HEADER_BYTES);
  header.writeUInt32BE(payload.length, 0);
  header.writeUInt32BE(crc32(payload, crcBefore), 4);
  return header;
}

/** Numbers the ACL lists in order of first use. */
export class AclWriter {
  private readonly byList = new Map<AclList, number>();
  private readonly byValue = new Map<string, number>();
  private added: unknown[] = [];

  indexOf(acl: AclList): number {
    let index = this.byList.get(acl);
    if (index !== undefined) return index;
    const value = acl.map(({ perms, id }) => [perms, id.scheme, id.id]);
    const key = JSON.stringify(value);
    index = this.byValue.get(key);
    if (index === undefined) {
      index = this.byValue.size;
      this.byValue.set(key, index);
      this.added.push(value);
    }
    this.byList.set(acl, index);
    return index;
  }

  /** The lists that are new since the last call. */
  takeAdded(): unknown[] {
    const added = this.added;
    this.added = [];
    return added;
  }
}

export function nodeToCbor(node: SnapshotNode, acls: AclWriter): unknown[] {
  return [
    node.path,
    node.data,
    acls.indexOf(node.acl),
    cborInteger(node.czxid),
    cborInteger(node.mzxid),
    cborInteger(node.ctime),
    cborInteger(node.mtime),
    node.version,
    node.cversion,
    node.aversion,
    node.ephemeralOwner.hi,
    node.ephemeralOwner.lo,
    cborInteger(node.pzxid),
  ];
}

export function nodeFromCbor(value: unknown, acls: readonly AclList[]): SnapshotNode {
  const fields = readList(value, 'znode');
  if (fields.length !== 13) throw new CborError('a znode of 13 fields');
  const acl = acls[readInteger(fields[2], 'acl', 0)];
  if (acl === undefined) throw new CborError('an ACL list that came before');
  return {
    path: readText(fields[0], 'path'),
    data: readBytesOrNull(fields[1], 'data'),
    acl,
    czxid: readZxid(fields[3], 'czxid'),
    mzxid: readZxid(fields[4], 'mzxid'),
    ctime: readInteger(fields[5], 'ctime'),
    mtime: readInteger(fields[6], 'mtime'),
    version: readInt32(fields[7], 'version'),
    cversion: readInt32(fields[8], 'cversion'),
    aversion: readInt32(fields[9], 'aversion'),
    ephemeralOwner: new SessionId(
      readInt32(fields[10], 'ephemeralOwner'),
      readInt32(fields[11], 'ephemeralOwner'),
    ),
    pzxid: readZxid(fields[12], 'pzxid'),
  };
}

export function aclFromCbor(value: unknown): AclList {
  return readList(value, 'ACL list').map((entry): Acl => {
    const [perms, scheme, id] = readList(entry, 'ACL');
    return {
      perms: readInt32(perms, 'perms'),
      id: { scheme: readText(scheme, 'scheme'), id: readText(id, 'id') },
    };
  });
}

export function sessionFromCbor(value: unknown): [SessionId, number] {
  const [hi, lo, timeoutMs] = readList(value, 'session');
  const id = new SessionId(readInt32(hi, 'session id'), readInt32(lo, 'session id'));
  return [id, readInt32(timeoutMs, 'session timeout')];
}

/** The zxid that a header frame states. */
export function readSnapshotHeader(map: CborMap): Zxid {
  const version = readInteger(map.get('version'), 'version');
  if (map.get('kind') !== 'header' || version !== SNAPSHOT_VERSION) {
    throw new CborError(`a snapshot header of version ${SNAPSHOT_VERSION}`);
  }
  return readZxid(map.get('zxid'), 'zxid');
}

function readInt32(value: unknown, what: string): number {
  return readInteger(value, what, -(2 ** 31), 2 ** 31 - 1);
}
