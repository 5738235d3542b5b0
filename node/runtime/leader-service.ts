/**
 * The leader's side of the service: turns requests, its own clients' and those that learners
 * forward, into transactions and proposes them; keeps the sessions' clocks and closes those that
 * run out. It exists from the moment the leader has its quorum until it stops leading.
 *
 * Must never expire a session without having read what its clients may have sent meanwhile.
 */
import { assertNever } from '../core/invariant.ts';
import type { Log } from '../core/log-sink.ts';
import { ErrorCode } from '../core/request/error-code.ts';
import { OpCode } from '../core/request/op-code.ts';
import { Preparer } from '../core/request/prepare.ts';
import type { Ids, Request, WriteRequest } from '../core/request/requests.ts';
import { NO_SESSION, type SessionId } from '../core/session-id.ts';
import { SessionTracker } from '../core/tree/session-tracker.ts';
import { dueTransients, type TransientRules } from '../core/tree/transient-nodes.ts';
import type { Txn, TxnHeader } from '../core/tree/txn.ts';
import type { ZabMessage } from '../core/zab/messages.ts';
import type { Zxid } from '../core/zxid.ts';
import { JuteError, UnknownOpCodeError } from '../jute/errors.ts';
import { JuteReader } from '../jute/reader.ts';
import { decodeRequest } from '../jute/requests.ts';
import { encodeTxn } from '../jute/txns.ts';
import { JuteWriter } from '../jute/writer.ts';
import type { Cancel } from '../net/timers.ts';
import type { Clock } from './clock.ts';
import type { Replica } from './replica.ts';
import { SizeStats } from './summary.ts';
import type { Downstream, Upstream } from './upstream.ts';

/** What the service asks of the Zab peer. */
export interface Proposer {
  /** Null when the epoch has no zxid left. */
  nextZxid(): Zxid | null;
  propose(zxid: Zxid, txn: Uint8Array): void;
  sync(token: number): void;
  send(link: number, message: ZabMessage): void;
  resign(reason: string): void;
}

/** znode.container.checkIntervalMs, .maxPerMinute and .maxNeverUsedIntervalMs. */
export interface ContainerRules extends TransientRules {
  readonly checkIntervalMs: number;
  readonly maxPerMinute: number;
}

export interface LeaderServiceOptions {
  readonly sid: number;
  readonly tickTimeMs: number;
  readonly skipAcl: boolean;
  readonly hasTtlNodes: boolean;
  readonly hasQuotas: boolean;
  readonly containers: ContainerRules;
  readonly replica: Replica;
  readonly proposer: Proposer;
  readonly clients: Downstream;
  readonly clock: Clock;
  readonly log: Log;
}

/** Who waits for a sync: a learner's link, or null for this peer's own clients. */
type SyncWaiter = number | null;

const NO_CXID = 0;

export class LeaderService implements Upstream {
  private readonly options: LeaderServiceOptions;
  private readonly preparer: Preparer;
  private readonly tracker: SessionTracker;
  private readonly writer = new JuteWriter(1024);
  private readonly syncs = new Map<number, SyncWaiter>();
  private lastSync = 0;
  private cancelExpiry: Cancel | null = null;
  private isOver = false;
  private nextTransientsMs = 0;
  /** For `mntr`: the sizes of proposals. */
  readonly proposalBytes = new SizeStats();

  constructor(options: LeaderServiceOptions) {
    this.options = options;
    this.preparer = new Preparer(options.replica.tree, {
      skipAcl: options.skipAcl,
      hasTtlNodes: options.hasTtlNodes,
      hasQuotas: options.hasQuotas,
    });
    this.tracker = new SessionTracker(options.tickTimeMs);
    const nowMs = Math.floor(options.clock.monotonicMs());
    for (const [id, timeoutMs] of options.replica.tree.sessions.entries()) {
      this.tracker.track(id, timeoutMs, nowMs);
    }
    this.scheduleExpiry();
  }

  get sessionCount(): number {
    return this.tracker.size;
  }

  /** Syncs that wait for a commit. */
  get pendingSyncs(): number {
    return this.syncs.size;
  }

  /** For `dump`: the sessions that expire together, and when, in milliseconds since 1970. */
  sessionSets(): Array<{ readonly expiresAtMs: number; readonly ids: readonly SessionId[] }> {
    const { clock } = this.options;
    const offsetMs = clock.wallMs() - clock.monotonicMs();
    return this.tracker.sets.map(({ deadlineMs, ids }) => ({
      expiresAtMs: Math.round(deadlineMs + offsetMs),
      ids,
    }));
  }

  end(): void {
    this.isOver = true;
    this.cancelExpiry?.();
  }

  // Upstream: this peer's own clients

  request(session: SessionId, cxid: number, opCode: number, body: Uint8Array, ids: Ids): void {
    this.propose(session, cxid, opCode, body, ids, this.options.sid);
  }

  sync(): void {
    this.awaitSync(null);
  }

  revalidate(session: SessionId, timeoutMs: number): void {
    this.options.clients.revalidated(session, this.takeOver(session, timeoutMs, this.options.sid));
  }

  touch(session: SessionId, timeoutMs: number): void {
    this.tracker.touch(session, timeoutMs, this.nowMs());
  }

  // Learners

  fromLearner(link: number, sid: number, message: ZabMessage): void {
    switch (message.type) {
      case 'ping':
        for (const { session, timeoutMs } of message.sessions) this.touch(session, timeoutMs);
        return;
      case 'revalidate': {
        const { session, timeoutMs } = message;
        const isValid = this.takeOver(session, timeoutMs, sid);
        this.options.proposer.send(link, { type: 'revalidated', session, isValid });
        return;
      }
      case 'request': {
        const { session, cxid, opCode, body, ids } = message;
        if (opCode === OpCode.sync) this.awaitSync(link);
        else this.propose(session, cxid, opCode, body, ids, sid);
        return;
      }
      default:
        return;
    }
  }

  /** Everything before the sync has been applied here; the answer queues behind its commits. */
  syncDone(token: number): void {
    const waiter = this.syncs.get(token);
    this.syncs.delete(token);
    if (waiter === null) this.options.clients.syncDone();
    else if (waiter !== undefined) this.options.proposer.send(waiter, { type: 'sync' });
  }

  applied(header: TxnHeader, txn: Txn): void {
    this.preparer.applied(header.zxid);
    if (txn.type === OpCode.closeSession) this.tracker.remove(header.session);
  }

  private propose(
    session: SessionId,
    cxid: number,
    opCode: number,
    body: Uint8Array,
    ids: Ids,
    owner: number,
  ): void {
    const request = decodeWrite(opCode, body);
    if (typeof request === 'number') {
      this.proposeTxn(session, cxid, () => ({ type: OpCode.error, err: request }));
      return;
    }
    const sessionError = this.checkSession(session, request, owner);
    this.proposeRequest(session, cxid, request, ids, sessionError);
  }

  private proposeRequest(
    session: SessionId,
    cxid: number,
    request: WriteRequest,
    ids: Ids,
    sessionError: ErrorCode,
  ): void {
    this.proposeTxn(session, cxid, (zxid, timeMs) =>
      this.preparer.prepare(request, { session, ids, zxid, timeMs, sessionError }),
    );
    if (request.type === OpCode.closeSession) this.tracker.setClosing(session);
  }

  private proposeTxn(
    session: SessionId,
    cxid: number,
    prepare: (zxid: Zxid, timeMs: number) => Txn,
  ): void {
    const { proposer, clock } = this.options;
    const zxid = proposer.nextZxid();
    if (zxid === null) {
      proposer.resign('the epoch has no zxid left; a new one must begin');
      return;
    }
    const timeMs = clock.wallMs();
    const txn = prepare(zxid, timeMs);
    const bytes = encodeTxn(this.writer, { session, cxid, zxid, timeMs }, txn);
    this.proposalBytes.note(bytes.length);
    this.options.replica.metrics.counters.proposal_count += 1;
    proposer.propose(zxid, bytes);
  }

  /** Error code of a write that its session may not make; 0 when it may. */
  private checkSession(session: SessionId, request: WriteRequest, owner: number): ErrorCode {
    switch (request.type) {
      case OpCode.createSession:
        this.tracker.track(session, request.timeoutMs, this.nowMs());
        this.tracker.setOwner(session, owner);
        return ErrorCode.ok;
      case OpCode.closeSession:
        // It is the session's last, and expiry asks for it without owning the session.
        return ErrorCode.ok;
      default:
        return this.tracker.check(session, owner);
    }
  }

  /** The client has taken its session to the server `sid`. */
  private takeOver(session: SessionId, timeoutMs: number, sid: number): boolean {
    if (!this.options.replica.tree.sessions.has(session)) return false;
    if (!this.tracker.touch(session, timeoutMs, this.nowMs())) return false;
    return this.tracker.setOwner(session, sid);
  }

  private awaitSync(waiter: SyncWaiter): void {
    this.lastSync += 1;
    this.syncs.set(this.lastSync, waiter);
    this.options.proposer.sync(this.lastSync);
  }

  private scheduleExpiry(): void {
    const { clock, tickTimeMs } = this.options;
    // Pings that arrived while this process could not run are read before anyone is expired.
    this.cancelExpiry = clock.after(tickTimeMs / 2, () => setImmediate(() => this.expire()));
  }

  private expire(): void {
    if (this.isOver) return;
    for (const session of this.tracker.expired(this.nowMs())) {
      this.options.log.info(`session ${session} has expired`);
      this.options.replica.metrics.counters.stale_sessions_expired += 1;
      this.proposeRequest(session, NO_CXID, { type: OpCode.closeSession }, [], ErrorCode.ok);
      if (this.isOver) return;
    }
    this.deleteTransients();
    if (!this.isOver) this.scheduleExpiry();
  }

  /** Empty containers and znodes whose time to live is over. */
  private deleteTransients(): void {
    const { clock, replica, containers } = this.options;
    const nowMs = this.nowMs();
    if (nowMs < this.nextTransientsMs) return;
    this.nextTransientsMs = nowMs + containers.checkIntervalMs;
    const limit = Math.max(
      1,
      Math.floor((containers.maxPerMinute * containers.checkIntervalMs) / MINUTE_MS),
    );
    for (const path of dueTransients(replica.tree, clock.wallMs(), containers, limit)) {
      this.proposeRequest(
        NO_SESSION,
        NO_CXID,
        { type: OpCode.deleteContainer, path },
        [],
        ErrorCode.ok,
      );
      if (this.isOver) return;
    }
  }

  private nowMs(): number {
    return Math.floor(this.options.clock.monotonicMs());
  }
}

const MINUTE_MS = 60_000;

/** The request, or the error code that it is answered with. */
function decodeWrite(opCode: number, body: Uint8Array): WriteRequest | number {
  let request: Request;
  try {
    request = decodeRequest(opCode, new JuteReader(asBuffer(body)));
  } catch (error) {
    if (error instanceof UnknownOpCodeError) return ErrorCode.unimplemented;
    if (error instanceof JuteError) return ErrorCode.marshallingError;
    throw error;
  }
  switch (request.type) {
    case OpCode.create:
    case OpCode.create2:
    case OpCode.createContainer:
    case OpCode.createTtl:
    case OpCode.delete:
    case OpCode.setData:
    case OpCode.setAcl:
    case OpCode.multi:
    case OpCode.createSession:
    case OpCode.closeSession:
      return request;
    case OpCode.exists:
    case OpCode.getData:
    case OpCode.getChildren:
    case OpCode.getChildren2:
    case OpCode.getAcl:
    case OpCode.setWatches:
    case OpCode.setWatches2:
    case OpCode.addWatch:
    case OpCode.removeWatches:
    case OpCode.checkWatches:
    case OpCode.getEphemerals:
    case OpCode.getAllChildrenNumber:
    case OpCode.whoAmI:
    case OpCode.multiRead:
    case OpCode.sync:
    case OpCode.ping:
    case OpCode.auth:
      return ErrorCode.unimplemented;
    default:
      return assertNever(request, 'request');
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
