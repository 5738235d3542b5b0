/** One message of every type on the quorum port, and a small tree to send over it. */
import { SessionId } from '../../node/core/session-id.ts';
import { type AclList, OPEN_ACL_UNSAFE, Perms } from '../../node/core/tree/acl.ts';
import type { ZnodeRecord } from '../../node/core/tree/znode.ts';
import type { ZabMessage } from '../../node/core/zab/messages.ts';
import { makeZxid, type Zxid } from '../../node/core/zxid.ts';
import type { SnapshotSink } from '../../node/jute/snapshot-body.ts';
import type { SnapshotSource } from '../../node/jute/snapshot-stream.ts';

export const SESSION = new SessionId(0x01000123, -5);
const TXN = Buffer.from('a transaction, as bytes');
const ZXID = makeZxid(7, 42);

export const FROM_LEARNER: readonly ZabMessage[] = [
  {
    type: 'learnerInfo',
    isObserver: false,
    acceptedEpoch: 6,
    sid: 2,
    protocolVersion: 0x10000,
    configVersion: makeZxid(1, 1),
  },
  {
    type: 'learnerInfo',
    isObserver: true,
    acceptedEpoch: 0,
    sid: 9,
    protocolVersion: 0x10000,
    configVersion: 0,
  },
  { type: 'ackEpoch', lastZxid: ZXID, currentEpoch: 6 },
  { type: 'ackEpoch', lastZxid: ZXID, currentEpoch: -1 },
  { type: 'ack', zxid: ZXID },
  { type: 'ping', zxid: ZXID, sessions: [] },
  {
    type: 'ping',
    zxid: ZXID,
    sessions: [
      { session: SESSION, timeoutMs: 4000 },
      { session: new SessionId(-1, 1), timeoutMs: 1 },
    ],
  },
  { type: 'revalidate', session: SESSION, timeoutMs: 30_000 },
  {
    type: 'request',
    session: SESSION,
    cxid: 17,
    opCode: 5,
    body: Buffer.from('a request'),
    ids: [
      { scheme: 'ip', id: '10.0.0.1' },
      { scheme: 'digest', id: 'me:hash' },
    ],
  },
  { type: 'request', session: SESSION, cxid: 0, opCode: -11, body: Buffer.alloc(0), ids: [] },
];

export const FROM_LEADER: readonly ZabMessage[] = [
  { type: 'leaderInfo', epoch: 7, protocolVersion: 0x10000 },
  { type: 'diff', zxid: ZXID },
  { type: 'trunc', zxid: ZXID },
  { type: 'proposal', zxid: ZXID, txn: TXN },
  { type: 'commit', zxid: ZXID },
  { type: 'inform', zxid: ZXID, txn: TXN },
  { type: 'newLeader', epoch: 7, config: '' },
  { type: 'newLeader', epoch: 7, config: 'server.1=a:1:2\nversion=0' },
  { type: 'upToDate' },
  { type: 'ping', zxid: ZXID, sessions: [] },
  { type: 'revalidated', session: SESSION, isValid: true },
  { type: 'revalidated', session: SESSION, isValid: false },
  { type: 'sync' },
  { type: 'activate', zxid: ZXID, designatedLeader: 3, txn: null },
  { type: 'activate', zxid: ZXID, designatedLeader: 3, txn: TXN },
];

export const READ_ACL: AclList = [
  { perms: Perms.read, id: { scheme: 'world', id: 'anyone' } },
  { perms: Perms.all, id: { scheme: 'digest', id: 'me:hash' } },
];

export function znode(path: string, over: Partial<ZnodeRecord> = {}): ZnodeRecord {
  return {
    path,
    data: new Uint8Array(Buffer.from(`data of ${path}`)),
    acl: OPEN_ACL_UNSAFE,
    czxid: makeZxid(1, 1),
    mzxid: makeZxid(1, 2),
    pzxid: makeZxid(1, 3),
    ctime: 1_700_000_000_000,
    mtime: 1_700_000_000_001,
    version: 1,
    cversion: 2,
    aversion: 3,
    ephemeralOwner: new SessionId(0, 0),
    ...over,
  };
}

export const TREE: readonly ZnodeRecord[] = [
  znode('/', { data: null }),
  znode('/zookeeper', { data: new Uint8Array(0) }),
  znode('/a', { acl: READ_ACL, version: -1 }),
  znode('/a/ü', { ephemeralOwner: SESSION }),
  znode('/b', { acl: [...READ_ACL] }),
];

export const SESSIONS = [
  { id: SESSION, timeoutMs: 30_000 },
  { id: new SessionId(-1, -1), timeoutMs: 4000 },
];

/** A source over fixed znodes; `closed` counts the calls of `close`. */
export function sourceOf(
  nodes: readonly ZnodeRecord[],
  zxid: Zxid,
): SnapshotSource & {
  closed: number;
} {
  let at = 0;
  return {
    zxid,
    sessions: SESSIONS,
    acls: nodes.map(({ acl }) => acl),
    next: (limit) => {
      const slice = nodes.slice(at, at + limit);
      at += slice.length;
      return slice;
    },
    close() {
      this.closed += 1;
    },
    closed: 0,
  };
}

/** Keeps what it is given. */
export class RecordingImage implements SnapshotSink {
  readonly sessions: { id: SessionId; timeoutMs: number }[] = [];
  readonly nodes: ZnodeRecord[] = [];
  zxid: Zxid | null = null;

  addSession(id: SessionId, timeoutMs: number): void {
    this.sessions.push({ id, timeoutMs });
  }

  addNode(node: ZnodeRecord): void {
    this.nodes.push(node);
  }

  finish(zxid: Zxid): RecordingImage {
    this.zxid = zxid;
    return this;
  }
}
