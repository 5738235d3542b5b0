/**
 * One client connection with its session: the handshake, then requests in the order in which they
 * came. Writes go upstream at once; a read waits until the session's earlier writes are applied
 * here, and every reply leaves after those before it.
 *
 * It never answers out of order, and what a client sends that makes no sense costs this connection.
 */
import { invariant } from '../core/invariant.ts';
import { ErrorCode } from '../core/request/error-code.ts';
import { OpCode } from '../core/request/op-code.ts';
import type {
  AuthRequest,
  Ids,
  ReadRequest,
  Request,
  SyncRequest,
} from '../core/request/requests.ts';
import { NO_SESSION, type SessionId } from '../core/session-id.ts';
import { checkAcl } from '../core/tree/access.ts';
import { type AclList, type Id, Perms } from '../core/tree/acl.ts';
import type { TxnResult } from '../core/tree/txn-result.ts';
import type { WatchEventType, Watcher } from '../core/tree/watches.ts';
import type { Zxid } from '../core/zxid.ts';
import { JuteError } from '../jute/errors.ts';
import { JuteReader } from '../jute/reader.ts';
import {
  writeHeaderReply,
  writePathReply,
  writeTxnReply,
  writeWatcherEvent,
} from '../jute/replies.ts';
import { decodeRequest, decodeRequestHeader, isClientOpCode } from '../jute/requests.ts';
import type { JuteWriter } from '../jute/writer.ts';
import type { ClientConnection } from '../net/client-connection.ts';
import { authenticate } from './authentication.ts';
import { PendingQueue } from './pending-queue.ts';
import { answerRead } from './read-request.ts';
import type { SessionHost } from './session-host.ts';

type Pending =
  | {
      readonly kind: 'write';
      readonly xid: number;
      readonly opCode: number;
      readonly startMs: number;
    }
  | {
      readonly kind: 'sync';
      readonly xid: number;
      readonly path: string;
      readonly startMs: number;
    }
  | {
      readonly kind: 'read';
      readonly xid: number;
      readonly request: ReadRequest;
      readonly startMs: number;
    }
  | { readonly kind: 'ping'; readonly xid: number; readonly startMs: number }
  /** An error, in its turn; it may end the connection. */
  | {
      readonly kind: 'refusal';
      readonly xid: number;
      readonly err: number;
      readonly isLast: boolean;
    };

const NO_ZXID: Zxid = -1;

export class ClientSession implements Watcher {
  readonly connection: ClientConnection;
  private readonly host: SessionHost;
  private sessionId: SessionId = NO_SESSION;
  private sessionTimeoutMs = 0;
  private ids: Ids;
  private readonly pending = new PendingQueue<Pending>();
  private writes = 0;
  private isRefused = false;
  private isPausedForLimit = false;

  constructor(connection: ClientConnection, host: SessionHost, address: string) {
    this.connection = connection;
    this.host = host;
    this.ids = [{ scheme: 'ip', id: address }];
  }

  get id(): SessionId {
    return this.sessionId;
  }

  get timeoutMs(): number {
    return this.sessionTimeoutMs;
  }

  get pendingCount(): number {
    return this.pending.length;
  }

  /** Writes that have gone upstream and are not answered. */
  get writesInFlight(): number {
    return this.writes;
  }

  /** True when the write `cxid` is what this session waits for next. */
  awaits(cxid: number): boolean {
    const { head } = this.pending;
    return head?.kind === 'write' && head.xid === cxid;
  }

  /** The session is valid and belongs to this connection: requests are read from now on. */
  establish(id: SessionId, timeoutMs: number): void {
    this.sessionId = id;
    this.sessionTimeoutMs = timeoutMs;
    this.connection.settle();
    this.connection.resume();
  }

  /** One request frame. */
  frame(frame: Buffer): void {
    if (this.isRefused) return;
    const reader = new JuteReader(frame);
    try {
      const { xid, type } = decodeRequestHeader(reader);
      this.host.touch(this);
      this.accept(xid, type, reader);
    } catch (error) {
      if (!(error instanceof JuteError)) throw error;
      this.host.log.warn(`closed the connection from ${this.connection.remote}: bad request`, {
        reason: error.message,
      });
      this.connection.close(error.message);
    }
  }

  private accept(xid: number, opCode: number, reader: JuteReader): void {
    if (opCode === OpCode.reconfig) {
      // The membership is what zoo.cfg says, as in a ZooKeeper with reconfigEnabled=false.
      this.enqueue({ kind: 'refusal', xid, err: ErrorCode.reconfigDisabled, isLast: false });
      return;
    }
    if (!isClientOpCode(opCode)) {
      this.isRefused = true;
      this.enqueue({ kind: 'refusal', xid, err: ErrorCode.unimplemented, isLast: true });
      return;
    }
    const startMs = this.host.nowMs();
    switch (opCode) {
      case OpCode.auth:
        return this.authenticate(xid, decodeRequest(opCode, reader) as AuthRequest);
      case OpCode.ping:
        return this.enqueue({ kind: 'ping', xid, startMs });
      case OpCode.sync:
        return this.sync(xid, reader.rest(), startMs);
      case OpCode.exists:
      case OpCode.getData:
      case OpCode.getAcl:
      case OpCode.getChildren:
      case OpCode.getChildren2:
      case OpCode.getEphemerals:
      case OpCode.getAllChildrenNumber:
      case OpCode.multiRead:
      case OpCode.whoAmI:
      case OpCode.addWatch:
      case OpCode.removeWatches:
      case OpCode.checkWatches:
      case OpCode.setWatches:
      case OpCode.setWatches2:
        return this.read(xid, opCode, reader, startMs);
      default:
        this.writes += 1;
        this.host.writeBegun();
        this.enqueue({ kind: 'write', xid, opCode, startMs });
        this.host.upstream?.request(this.sessionId, xid, opCode, reader.rest(), this.ids);
    }
  }

  private read(xid: number, opCode: number, reader: JuteReader, startMs: number): void {
    const request = this.decode(xid, opCode, reader);
    if (request === null) return;
    this.enqueue({ kind: 'read', xid, request: request as ReadRequest, startMs });
  }

  private sync(xid: number, body: Buffer, startMs: number): void {
    const request = this.decode(xid, OpCode.sync, new JuteReader(body));
    if (request === null) return;
    this.enqueue({ kind: 'sync', xid, path: (request as SyncRequest).path, startMs });
    this.host.awaitSync(this);
    this.host.upstream?.sync(this.sessionId, xid, body, this.ids);
  }

  /** Null for a record that is not what it should be: answered in its turn, as a write's is. */
  private decode(xid: number, opCode: number, reader: JuteReader): Request | null {
    try {
      return decodeRequest(opCode, reader);
    } catch (error) {
      if (!(error instanceof JuteError)) throw error;
      this.enqueue({ kind: 'refusal', xid, err: ErrorCode.marshallingError, isLast: false });
      return null;
    }
  }

  /** The transaction of one of this session's writes has been applied. */
  complete(cxid: number, zxid: Zxid, result: TxnResult): void {
    const { head } = this.pending;
    // A write that the session sent through another server, before it moved here.
    if (head === undefined || head.kind !== 'write' || head.xid !== cxid) return;
    this.pending.shift();
    this.writes -= 1;
    this.host.writeDone();
    if (result.err === ErrorCode.sessionMoved) {
      this.connection.close('its session has moved to another server');
      return;
    }
    this.reply(
      head.opCode,
      head.xid,
      zxid,
      head.startMs,
      (writer) => writeTxnReply(writer, cxid, zxid, result),
      true,
    );
    if (head.opCode === OpCode.closeSession) this.connection.end();
    else this.drain();
  }

  /** The oldest sync of this session is done: its earlier writes are, too. */
  syncDone(): void {
    const { head } = this.pending;
    invariant(head?.kind === 'sync', 'a sync is answered in its turn', { head: head?.kind });
    this.pending.shift();
    const zxid = this.host.replica.tree.lastZxid;
    this.reply(OpCode.sync, head.xid, zxid, head.startMs, (writer) =>
      writePathReply(writer, head.xid, zxid, head.path),
    );
    this.drain();
  }

  deliver(type: WatchEventType, path: string, zxid: Zxid, acl: AclList | null): void {
    const isHidden = acl !== null && !this.host.skipAcl && !checkAcl(acl, Perms.read, this.ids);
    if (isHidden) return;
    const { counters } = this.host.replica.metrics;
    counters.watch_bytes += this.connection.write((writer) =>
      writeWatcherEvent(writer, zxid, type, path),
    );
  }

  /** Reading stops while there is too much to do, and goes on when there is not. */
  throttle(isTooMuch: boolean): void {
    if (isTooMuch === this.isPausedForLimit) return;
    this.isPausedForLimit = isTooMuch;
    if (isTooMuch) this.connection.pause();
    else this.connection.resume();
  }

  private enqueue(item: Pending): void {
    this.pending.push(item);
    this.connection.stats.outstanding = this.pending.length;
    if (this.pending.length === 1) this.drain();
    if (this.pending.length > 0) this.host.enqueued(this);
  }

  /** Answers what stands at the head, up to the next write or sync that is not done. */
  private drain(): void {
    for (;;) {
      const { head } = this.pending;
      if (head === undefined || head.kind === 'write' || head.kind === 'sync') break;
      this.pending.shift();
      this.answer(head);
    }
    this.connection.stats.outstanding = this.pending.length;
    if (this.isPausedForLimit) this.host.drained();
  }

  private answer(item: Exclude<Pending, { readonly kind: 'write' | 'sync' }>): void {
    const { replica } = this.host;
    const zxid = replica.tree.lastZxid;
    switch (item.kind) {
      case 'ping':
        return this.reply(OpCode.ping, item.xid, zxid, item.startMs, (writer) =>
          writeHeaderReply(writer, item.xid, zxid, ErrorCode.ok),
        );
      case 'refusal':
        // ZooKeeper does not say how far it is to somebody it does not understand.
        this.connection.write((writer) =>
          writeHeaderReply(writer, item.xid, item.isLast ? NO_ZXID : zxid, item.err),
        );
        if (item.isLast) this.connection.end();
        return;
      case 'read': {
        const { request, xid } = item;
        const reader = {
          replica,
          skipAcl: this.host.skipAcl,
          ids: this.ids,
          session: this.sessionId,
          watcher: this,
        };
        return this.reply(request.type, xid, zxid, item.startMs, (writer) =>
          answerRead(reader, xid, request, writer),
        );
      }
    }
  }

  private reply(
    opCode: number,
    xid: number,
    zxid: Zxid,
    startMs: number,
    append: (writer: JuteWriter) => void,
    isUpdate = false,
  ): void {
    const bytes = this.connection.write(append);
    const latencyMs = Math.max(0, Math.floor(this.host.nowMs() - startMs));
    this.connection.stats.noteReply(opCode, xid, zxid, latencyMs, this.host.wallMs());
    this.host.noteReply(latencyMs, bytes, isUpdate);
  }

  private has({ scheme, id }: Id): boolean {
    return this.ids.some((own) => own.scheme === scheme && own.id === id);
  }

  /** Answered at once, in front of what waits: the client matches it by its own xid. */
  private authenticate(xid: number, request: AuthRequest): void {
    const proven = authenticate(request.scheme, request.auth, this.host);
    if (proven === null) {
      this.host.noteAuthFailure(this.connection.remote, request.scheme);
      this.connection.write((writer) => writeHeaderReply(writer, xid, 0, ErrorCode.authFailed));
      this.connection.end();
      return;
    }
    // Requests that are on their way keep the ids they were sent with.
    this.ids = [...this.ids, ...proven.filter((id) => !this.has(id))];
    this.connection.write((writer) => writeHeaderReply(writer, xid, 0, ErrorCode.ok));
  }
}
