/**
 * The tree as it stands behind a SNAP packet and in Apache's snapshot files, taken in record by
 * record and handed on at once, so that a snapshot never lies in memory twice:
 *
 *   int count · { long session · int timeout }*
 *   int count · { long aclId · vector<ACL> }*
 *   { ustring path · buffer data · long aclId · StatPersisted }*   parents first, the root as ""
 *   ustring "/"                                                    the end of the nodes
 *   ustring "BenWasHere"                                           on the stream only
 *
 * An Apache leader writes this while it goes on applying. A node may then show more than the SNAP
 * packet's zxid, and name an ACL that the map, written earlier, does not have. A later transaction
 * on this same stream sets it; until then the node gets the empty list, which lets nobody in.
 */
import type { SessionId } from '../core/session-id.ts';
import { type AclList, OPEN_ACL_UNSAFE } from '../core/tree/acl.ts';
import type { ZnodeRecord } from '../core/tree/znode.ts';
import type { Zxid } from '../core/zxid.ts';
import { JuteError } from './errors.ts';
import type { Inflow } from './inflow.ts';
import { JuteReader } from './reader.ts';
import { type Layout, RecordScanner } from './record-scanner.ts';
import { readAclList } from './records.ts';
import { readZxid } from './zxid-field.ts';

/**
 * Where the parts of a snapshot go (a TreeImage). What `finish` returns becomes the image of the
 * SNAP message; what a method throws costs the connection.
 */
export interface SnapshotSink {
  addSession(id: SessionId, timeoutMs: number): void;
  addNode(node: ZnodeRecord): void;
  finish(zxid: Zxid): unknown;
}

/** The list of a node whose ACL id is not in the map. */
export const UNKNOWN_ACL: AclList = [];

/** The aclId of OPEN_ACL_UNSAFE, which is not in the map. */
export const OPEN_ACL_ID = -1n;

export const SIGNATURE = 'BenWasHere';

const COUNT: Layout = { name: 'count', head: [4], items: null };
const SESSION: Layout = { name: 'session', head: [12], items: null };
const ACL: Layout = { name: 'ACL', head: [8], items: [4, 'bytes', 'bytes'] };
const PATH: Layout = { name: 'path', head: ['bytes'], items: null };
/** aclId, then StatPersisted: 8 + 60 bytes. */
const NODE: Layout = { name: 'znode', head: ['bytes', 68], items: null };

type State = 'sessionCount' | 'sessions' | 'aclCount' | 'acls' | 'path' | 'node' | 'signature';

const LAYOUTS: Readonly<Record<State, Layout>> = {
  sessionCount: COUNT,
  sessions: SESSION,
  aclCount: COUNT,
  acls: ACL,
  path: PATH,
  node: NODE,
  signature: PATH,
};

export class SnapshotBody {
  private readonly sink: SnapshotSink;
  private readonly recordBytesMax: number;
  private readonly acls = new Map<bigint, AclList>();
  private state: State = 'sessionCount';
  private scanner: RecordScanner;
  private left = 0;
  private path = '';
  private nodes = 0;
  private isComplete = false;

  constructor(sink: SnapshotSink, recordBytesMax: number) {
    this.sink = sink;
    this.recordBytesMax = recordBytesMax;
    this.scanner = new RecordScanner(LAYOUTS.sessionCount, recordBytesMax);
  }

  /** Takes what has arrived; true once the signature has been read. */
  take(inflow: Inflow): boolean {
    while (!this.isComplete) {
      const length = this.scanner.scan(inflow.bytes, inflow.start, inflow.end);
      if (length === null) return false;
      const record = inflow.take(length);
      const next = this.read(new JuteReader(record));
      if (next === this.state) continue;
      this.state = next;
      this.scanner = new RecordScanner(LAYOUTS[next], this.recordBytesMax);
    }
    return true;
  }

  /** Reads one record; returns the state that the next one is in. */
  private read(reader: JuteReader): State {
    switch (this.state) {
      case 'sessionCount':
        this.left = countIn(reader, 'sessions');
        return this.left > 0 ? 'sessions' : 'aclCount';
      case 'sessions':
        this.sink.addSession(reader.session(), reader.int());
        return this.countDown('sessions', 'aclCount');
      case 'aclCount':
        this.left = countIn(reader, 'ACLs');
        return this.left > 0 ? 'acls' : 'path';
      case 'acls': {
        const id = reader.session().toBigInt();
        const acl = readAclList(reader);
        if (acl === null) throw new JuteError(`ACL ${id} of the snapshot is null`);
        this.acls.set(id, acl);
        return this.countDown('acls', 'path');
      }
      case 'path':
        return this.readPath(reader.stringOrNull());
      case 'node':
        this.sink.addNode(this.readNode(reader));
        this.nodes += 1;
        return 'path';
      case 'signature': {
        const signature = reader.string();
        if (signature !== SIGNATURE) {
          throw new JuteError(`the snapshot ends with ${JSON.stringify(signature)}`);
        }
        this.isComplete = true;
        return 'signature';
      }
    }
  }

  private countDown(state: State, next: State): State {
    this.left -= 1;
    return this.left > 0 ? state : next;
  }

  private readPath(path: string | null): State {
    if (path === '/') {
      if (this.nodes === 0) throw new JuteError('the snapshot has no root');
      return 'signature';
    }
    const isRoot = this.nodes === 0;
    if (path === null || (isRoot ? path !== '' : !path.startsWith('/') || path.endsWith('/'))) {
      throw new JuteError(`the snapshot has a znode with the path ${JSON.stringify(path)}`);
    }
    this.path = isRoot ? '/' : path;
    return 'node';
  }

  private readNode(reader: JuteReader): ZnodeRecord {
    const data = reader.bufferOrNull();
    const aclId = BigInt.asIntN(64, reader.session().toBigInt());
    return {
      path: this.path,
      // A copy: a view would keep the whole chunk of the stream alive for as long as the znode.
      data: data === null ? null : new Uint8Array(data),
      acl: aclId === OPEN_ACL_ID ? OPEN_ACL_UNSAFE : (this.acls.get(aclId) ?? UNKNOWN_ACL),
      czxid: readZxid(reader, 'czxid'),
      mzxid: readZxid(reader, 'mzxid'),
      ctime: reader.long(),
      mtime: reader.long(),
      version: reader.int(),
      cversion: reader.int(),
      aversion: reader.int(),
      ephemeralOwner: reader.session(),
      pzxid: readZxid(reader, 'pzxid'),
    };
  }
}

function countIn(reader: JuteReader, what: string): number {
  const count = reader.int();
  if (count < 0) throw new JuteError(`the snapshot has ${count} ${what}`);
  return count;
}
