/**
 * A session with an ensemble, over one connection after another. Requests are pipelined and
 * answered in order. When a connection is lost, what was in flight is rejected with ConnectionLoss
 * (nobody can know whether it took effect), and the session moves to another server with the same
 * id, proves itself again and sends its watches before anything else, so that no change is missed.
 *
 * Requests made between two connections wait for the next one, for one session timeout at most.
 * Only a server can say that a session has expired; after that, and after `close`, every request
 * is rejected with SessionExpired.
 */
import { ErrorCode } from '../core/request/error-code.ts';
import { OpCode } from '../core/request/op-code.ts';
import type { Request } from '../core/request/requests.ts';
import { NO_SESSION, type SessionId } from '../core/session-id.ts';
import { type ConnectResponse, PASSWORD_BYTES } from '../jute/connect.ts';
import { JuteError } from '../jute/errors.ts';
import { JuteReader } from '../jute/reader.ts';
import { decodeReplyHeader } from '../jute/reply-decoder.ts';
import { encodeRequestFrame } from '../jute/requests.ts';
import { JuteWriter } from '../jute/writer.ts';
import { Xid } from '../jute/xids.ts';
import { ClientConnection } from './client-connection.ts';
import { ZooKeeperError } from './client-error.ts';
import type { HostPort } from './connect-string.ts';
import { HostRotation } from './host-rotation.ts';

/** The states of ZooKeeper's Java client, as its command line shows them. */
export type ClientState =
  | 'NOT_CONNECTED'
  | 'CONNECTING'
  | 'CONNECTED'
  | 'CONNECTEDREADONLY'
  | 'CLOSED'
  | 'AUTH_FAILED';

/** What happens to a session: the states of ZooKeeper's watch events of type None. */
export type SessionEvent =
  | 'SyncConnected'
  | 'ConnectedReadOnly'
  | 'Disconnected'
  | 'Expired'
  | 'AuthFailed'
  | 'Closed';

export interface SessionOptions {
  readonly hosts: readonly HostPort[];
  readonly sessionTimeoutMs: number;
  readonly readOnly: boolean;
  readonly random: () => number;
  readonly onEvent: (event: SessionEvent) => void;
  readonly onConnectFailure: (server: string, reason: Error) => void;
  /** A watch event, with the reader at its record. */
  readonly onNotification: (body: JuteReader) => void;
  /** The setWatches requests to send on a new connection. */
  readonly watchesSince: (zxid: number) => Request[];
}

/** Reads the reply: `err` of the header and, when it is 0, the record. */
export type OnReply = (err: number, body: JuteReader) => void;

interface Call {
  readonly request: Request;
  readonly path: string | undefined;
  readonly onReply: OnReply;
  readonly onFailure: (error: ZooKeeperError) => void;
  xid: number;
  /** Runs while the call waits for a connection. */
  timer: NodeJS.Timeout | undefined;
}

interface Authentication {
  readonly request: Request;
  readonly onDone: () => void;
  readonly onFailure: (error: ZooKeeperError) => void;
}

/** Requests waiting or in flight; one more is refused. */
const CALLS_MAX = 10_000;
const XID_MAX = 0x7fffffff;
/** A connection that has served this long was a good one: the next loss is not its failure. */
const STABLE_MS = 1_000;
const CLOSE_TIMEOUT_MS_MAX = 3_000;

export class ClientSession {
  private readonly options: SessionOptions;
  private readonly rotation: HostRotation;
  private readonly writer = new JuteWriter(1024);
  private connection: ClientConnection | undefined;
  private dialTimer: NodeJS.Timeout | undefined;
  private connectedAtMs = 0;
  private id: SessionId = NO_SESSION;
  private password: Uint8Array = new Uint8Array(PASSWORD_BYTES);
  private grantedTimeoutMs: number;
  private lastZxidSeen = 0;
  private lastXid = 0;
  private stateNow: ClientState = 'NOT_CONNECTED';
  /** Sent, in order of their xids. */
  private inFlight: Call[] = [];
  /** Not sent: there is no connection. */
  private waiting: Call[] = [];
  private readonly auths: Authentication[] = [];
  /** Authentications sent on this connection and not answered yet. */
  private authsInFlight: Authentication[] = [];
  private closing: Promise<void> | undefined;

  constructor(options: SessionOptions) {
    this.options = options;
    this.rotation = new HostRotation(options.hosts, options.random);
    this.grantedTimeoutMs = options.sessionTimeoutMs;
  }

  get state(): ClientState {
    return this.stateNow;
  }

  get sessionId(): SessionId {
    return this.id;
  }

  /** What the servers grant; the wish until one has answered. */
  get timeoutMs(): number {
    return this.grantedTimeoutMs;
  }

  /** `host:port` of the server that serves the session now. */
  get server(): string | undefined {
    return this.isConnected ? this.connection?.server : undefined;
  }

  /** Begins to dial; does nothing when it has begun before. */
  open(): void {
    if (this.stateNow !== 'NOT_CONNECTED' || this.closing !== undefined) return;
    this.stateNow = 'CONNECTING';
    this.dial();
  }

  /** Sends the request now or on the next connection. Exactly one of the callbacks is called. */
  submit(
    request: Request,
    path: string | undefined,
    onReply: OnReply,
    onFailure: (error: ZooKeeperError) => void,
  ): void {
    const refusal = this.refusal();
    if (refusal !== undefined) {
      onFailure(new ZooKeeperError(refusal, path));
      return;
    }
    const call: Call = { request, path, onReply, onFailure, xid: 0, timer: undefined };
    if (this.isConnected) this.sendCall(call);
    else this.wait(call);
  }

  /** Proves an identity, on this connection and every later one. */
  authenticate(
    request: Request,
    onDone: () => void,
    onFailure: (error: ZooKeeperError) => void,
  ): void {
    const refusal = this.refusal();
    if (refusal !== undefined) {
      onFailure(new ZooKeeperError(refusal));
      return;
    }
    const authentication = { request, onDone, onFailure };
    this.auths.push(authentication);
    if (this.isConnected) this.sendAuthentication(authentication);
  }

  /**
   * Ends the session at the server when connected (its ephemerals go at once), and in any case
   * settles within a few seconds. What is in flight before it is still answered.
   */
  close(): Promise<void> {
    this.closing ??= this.closeOnce();
    return this.closing;
  }

  private async closeOnce(): Promise<void> {
    if (this.isDone) return;
    if (this.isConnected) await this.sayGoodbye();
    if (!this.isDone) this.finish('CLOSED', 'Closed', ErrorCode.connectionLoss);
  }

  private sayGoodbye(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, Math.min(this.grantedTimeoutMs, CLOSE_TIMEOUT_MS_MAX));
      const done = () => {
        clearTimeout(timer);
        resolve();
      };
      this.sendCall({
        request: { type: OpCode.closeSession },
        path: undefined,
        onReply: done,
        onFailure: done,
        xid: 0,
        timer: undefined,
      });
    });
  }

  private get isConnected(): boolean {
    return this.stateNow === 'CONNECTED' || this.stateNow === 'CONNECTEDREADONLY';
  }

  private get isDone(): boolean {
    return this.stateNow === 'CLOSED' || this.stateNow === 'AUTH_FAILED';
  }

  private refusal(): ErrorCode | undefined {
    if (this.stateNow === 'AUTH_FAILED') return ErrorCode.authFailed;
    if (this.isDone || this.closing !== undefined) return ErrorCode.sessionExpired;
    const calls = this.waiting.length + this.inFlight.length;
    return calls >= CALLS_MAX ? ErrorCode.throttledOp : undefined;
  }

  private dial(): void {
    const { host, delayMs } = this.rotation.next();
    this.dialTimer = setTimeout(() => {
      const connection = new ClientConnection(
        host,
        Math.ceil(this.grantedTimeoutMs / this.options.hosts.length),
        {
          protocolVersion: 0,
          lastZxidSeen: this.lastZxidSeen,
          timeoutMs: this.options.sessionTimeoutMs,
          session: this.id,
          password: this.password,
          readOnly: this.options.readOnly,
          hasReadOnly: true,
        },
        {
          onHandshake: (response) => this.onHandshake(response),
          onFrame: (frame) => this.onFrame(frame),
          onEnd: (reason) => this.onEnd(connection, reason),
        },
      );
      this.connection = connection;
    }, delayMs);
  }

  private onHandshake(response: ConnectResponse): void {
    if (response.timeoutMs <= 0) {
      this.finish('CLOSED', 'Expired', ErrorCode.sessionExpired);
      return;
    }
    this.id = response.session;
    // A copy: the response is a view of a chunk that would stay in memory with it.
    this.password = Uint8Array.from(response.password ?? []);
    this.grantedTimeoutMs = response.timeoutMs;
    this.connectedAtMs = performance.now();
    this.stateNow = response.readOnly ? 'CONNECTEDREADONLY' : 'CONNECTED';
    for (const authentication of this.auths) this.sendAuthentication(authentication);
    for (const request of this.options.watchesSince(this.lastZxidSeen)) {
      this.sendFrame(Xid.setWatches, request);
    }
    const calls = this.waiting;
    this.waiting = [];
    for (const call of calls) this.sendCall(call);
    this.options.onEvent(response.readOnly ? 'ConnectedReadOnly' : 'SyncConnected');
  }

  private onFrame(frame: Buffer): void {
    const body = new JuteReader(frame);
    const { xid, zxid, err } = decodeReplyHeader(body);
    if (zxid > this.lastZxidSeen) this.lastZxidSeen = zxid;
    if (xid === Xid.notification) this.options.onNotification(body);
    else if (xid === Xid.auth) this.onAuthReply(err);
    else if (xid !== Xid.ping && xid !== Xid.setWatches) this.onReply(xid, err, body);
  }

  private onReply(xid: number, err: number, body: JuteReader): void {
    const call = this.inFlight[0];
    if (call === undefined || call.xid !== xid) {
      throw new JuteError(`reply ${xid} where ${call?.xid ?? 'none'} was due`);
    }
    // Before it is taken out: a reply that cannot be decoded fails the call with the connection.
    call.onReply(err, body);
    this.inFlight.shift();
  }

  private onAuthReply(err: number): void {
    const authentication = this.authsInFlight.shift();
    if (err === 0) authentication?.onDone();
    else this.finish('AUTH_FAILED', 'AuthFailed', ErrorCode.authFailed);
  }

  private onEnd(connection: ClientConnection, reason: Error): void {
    if (this.isDone || connection !== this.connection) return;
    this.connection = undefined;
    const wasConnected = this.isConnected;
    this.stateNow = 'CONNECTING';
    if (wasConnected && performance.now() - this.connectedAtMs >= STABLE_MS) this.rotation.reset();
    this.authsInFlight = [];
    this.failInFlight(ErrorCode.connectionLoss);
    if (this.closing === undefined) this.dial();
    if (wasConnected) this.options.onEvent('Disconnected');
    else this.options.onConnectFailure(connection.server, reason);
  }

  private finish(state: ClientState, event: SessionEvent, code: ErrorCode): void {
    this.stateNow = state;
    clearTimeout(this.dialTimer);
    const { connection } = this;
    this.connection = undefined;
    connection?.end(new Error('the session has ended'));
    this.failInFlight(code);
    const calls = this.waiting;
    this.waiting = [];
    for (const call of calls) {
      clearTimeout(call.timer);
      call.onFailure(new ZooKeeperError(code, call.path));
    }
    for (const { onFailure } of this.auths.splice(0)) onFailure(new ZooKeeperError(code));
    this.authsInFlight = [];
    this.options.onEvent(event);
  }

  private failInFlight(code: ErrorCode): void {
    const calls = this.inFlight;
    this.inFlight = [];
    for (const call of calls) call.onFailure(new ZooKeeperError(code, call.path));
  }

  private wait(call: Call): void {
    call.timer = setTimeout(() => {
      this.waiting = this.waiting.filter((other) => other !== call);
      call.onFailure(new ZooKeeperError(ErrorCode.connectionLoss, call.path));
    }, this.grantedTimeoutMs);
    this.waiting.push(call);
  }

  private sendCall(call: Call): void {
    clearTimeout(call.timer);
    this.lastXid = this.lastXid === XID_MAX ? 1 : this.lastXid + 1;
    call.xid = this.lastXid;
    this.inFlight.push(call);
    this.sendFrame(call.xid, call.request);
  }

  private sendAuthentication(authentication: Authentication): void {
    this.authsInFlight.push(authentication);
    this.sendFrame(Xid.auth, authentication.request);
  }

  private sendFrame(xid: number, request: Request): void {
    encodeRequestFrame(this.writer, xid, request);
    this.connection?.send(this.writer.take());
  }
}
