/**
 * The clients of one peer: their connections, the handshake that gives each its session, and the
 * way back from an applied transaction to the reply that waits for it. It serves while there is an
 * upstream, and closes every connection when there is none: a peer without a leader cannot say
 * what is true.
 */
import type { Log } from '../core/log-sink.ts';
import { OpCode } from '../core/request/op-code.ts';
import { NO_SESSION, type SessionId, SessionMap } from '../core/session-id.ts';
import { SessionIdGenerator } from '../core/tree/session-id-generator.ts';
import { sessionPassword } from '../core/tree/session-password.ts';
import { formatZxid, makeZxid } from '../core/zxid.ts';
import {
  type ConnectRequest,
  decodeConnectRequest,
  encodeConnectRefusal,
  encodeConnectResponse,
} from '../jute/connect.ts';
import { JuteError } from '../jute/errors.ts';
import type { ClientConnection } from '../net/client-connection.ts';
import { ClientSession } from './client-session.ts';
import type { Clock } from './clock.ts';
import { LatencyStats } from './latency-stats.ts';
import type { MetricsRegistry } from './metrics.ts';
import { PendingQueue } from './pending-queue.ts';
import type { Applied, Replica } from './replica.ts';
import type { SessionHost } from './session-host.ts';
import { SizeStats } from './summary.ts';
import type { Downstream, Upstream } from './upstream.ts';

export interface ClientServiceOptions {
  readonly sid: number;
  readonly minSessionTimeoutMs: number;
  readonly maxSessionTimeoutMs: number;
  /** Writes that may be on their way before reading from clients pauses. */
  readonly outstandingMax: number;
  readonly pendingPerConnectionMax: number;
  readonly skipAcl: boolean;
  readonly superDigest: string | undefined;
  readonly replica: Replica;
  readonly clock: Clock;
  readonly log: Log;
}

interface Client {
  readonly session: ClientSession;
  /** Set while the session `wanted` is being created or revalidated. */
  connect: ConnectRequest | null;
  wanted: SessionId;
  timeoutMs: number;
}

export class ClientService implements SessionHost, Downstream {
  readonly replica: Replica;
  readonly skipAcl: boolean;
  readonly superDigest: string | undefined;
  readonly log: Log;
  readonly latency = new LatencyStats();
  readonly responseBytes = new SizeStats();
  upstream: Upstream | null = null;
  authFailures = 0;
  private readonly options: ClientServiceOptions;
  private readonly metrics: MetricsRegistry;
  private readonly ids: SessionIdGenerator;
  private readonly clients = new Map<number, Client>();
  private readonly bySession = new SessionMap<Client>();
  /** Who waits for a sync, oldest first: that is the order in which the answers come. */
  private readonly syncs = new PendingQueue<ClientSession>();
  private readonly throttled = new Set<ClientSession>();
  private writesInFlight = 0;
  private epoch = 0;

  constructor(options: ClientServiceOptions) {
    this.options = options;
    this.replica = options.replica;
    this.metrics = options.replica.metrics;
    this.skipAcl = options.skipAcl;
    this.superDigest = options.superDigest;
    this.log = options.log;
    this.ids = new SessionIdGenerator(options.sid, options.clock.wallMs());
  }

  /** Requests without a reply yet (`Outstanding`). */
  get outstanding(): number {
    return this.writesInFlight;
  }

  sessionOf(connection: ClientConnection): ClientSession | undefined {
    return this.clients.get(connection.id)?.session;
  }

  /** Serving begins, in this epoch. */
  begin(upstream: Upstream, epoch: number): void {
    this.upstream = upstream;
    this.epoch = epoch;
  }

  /** Serving ends: every client has to look for another peer. */
  end(): void {
    this.upstream = null;
    for (const { session } of this.clients.values()) {
      this.replica.watches.removeWatcher(session);
      session.connection.close('this peer has no leader');
    }
    this.clients.clear();
    this.bySession.clear();
    while (this.syncs.length > 0) this.syncs.shift();
    this.throttled.clear();
    this.writesInFlight = 0;
  }

  opened(connection: ClientConnection): void {
    const session = new ClientSession(connection, this, addressOf(connection.remote));
    this.clients.set(connection.id, {
      session,
      connect: null,
      wanted: NO_SESSION,
      timeoutMs: 0,
    });
  }

  frame(connection: ClientConnection, frame: Buffer): void {
    const client = this.clients.get(connection.id);
    if (client === undefined) return;
    if (this.upstream === null) {
      this.metrics.counters.cnxn_closed_without_zk_server_running += 1;
      connection.close('this peer does not serve');
      return;
    }
    if (client.session.id.isNone) this.connect(client, frame);
    else client.session.frame(frame);
  }

  closed(connection: ClientConnection): void {
    const client = this.clients.get(connection.id);
    if (client === undefined) return;
    this.clients.delete(connection.id);
    this.replica.watches.removeWatcher(client.session);
    this.throttled.delete(client.session);
    this.writesInFlight -= client.session.writesInFlight;
    this.metrics.counters.stale_replies += client.session.writesInFlight;
    this.forgetSession(client);
    this.releaseThrottled();
  }

  /** A transaction has been applied here: whoever waits for it gets its answer. */
  applied({ header, txn, result }: Applied): void {
    const client = this.bySession.get(header.session);
    if (client === undefined) return;
    if (txn.type === OpCode.createSession) {
      if (client.connect !== null) this.accept(client, header.session);
      return;
    }
    if (txn.type === OpCode.closeSession && !client.session.awaits(header.cxid)) {
      client.session.connection.close('its session has expired');
      return;
    }
    client.session.complete(header.cxid, header.zxid, result);
  }

  // Downstream

  revalidated(session: SessionId, isValid: boolean): void {
    const client = this.bySession.get(session);
    if (client === undefined || client.connect === null) return;
    if (isValid) this.accept(client, session);
    else this.refuse(client);
  }

  syncDone(): void {
    const session = this.syncs.shift();
    if (session?.connection.isUsable === true) session.syncDone();
  }

  // SessionHost

  nowMs(): number {
    return this.options.clock.monotonicMs();
  }

  wallMs(): number {
    return this.options.clock.wallMs();
  }

  touch(session: ClientSession): void {
    this.upstream?.touch(session.id, session.timeoutMs);
  }

  awaitSync(session: ClientSession): void {
    this.syncs.push(session);
  }

  writeBegun(): void {
    this.writesInFlight += 1;
  }

  writeDone(): void {
    this.writesInFlight -= 1;
    if (this.throttled.size > 0) this.releaseThrottled();
  }

  enqueued(session: ClientSession): void {
    const isTooMuch =
      this.writesInFlight > this.options.outstandingMax ||
      session.pendingCount > this.options.pendingPerConnectionMax;
    if (!isTooMuch) return;
    this.throttled.add(session);
    session.throttle(true);
  }

  drained(): void {
    this.releaseThrottled();
  }

  noteReply(latencyMs: number, bytes: number, isUpdate: boolean): void {
    const { counters, detailed } = this.metrics;
    this.latency.note(latencyMs);
    (isUpdate ? detailed.updatelatency : detailed.readlatency).note(latencyMs);
    this.responseBytes.note(bytes);
    counters.response_bytes += bytes;
  }

  noteAuthFailure(remote: string, scheme: string): void {
    this.authFailures += 1;
    this.log.warn(`authentication failed for ${remote}`, { scheme });
  }

  private releaseThrottled(): void {
    if (this.writesInFlight > this.options.outstandingMax / 2) return;
    for (const session of this.throttled) {
      if (session.pendingCount > this.options.pendingPerConnectionMax / 2) continue;
      this.throttled.delete(session);
      session.throttle(false);
    }
  }

  // The handshake

  private connect(client: Client, frame: Buffer): void {
    const { connection } = client.session;
    if (client.connect !== null) {
      connection.close('it sent a second connect request');
      return;
    }
    let request: ConnectRequest;
    try {
      request = decodeConnectRequest(frame);
    } catch (error) {
      if (!(error instanceof JuteError)) throw error;
      this.log.warn(`closed the connection from ${connection.remote}: bad connect request`, {
        reason: error.message,
      });
      connection.close(error.message);
      return;
    }
    this.metrics.counters.connection_request_count += 1;
    // An Apache leader shows (e, 0) to its clients before the first transaction of its epoch.
    const lastZxid = Math.max(this.replica.tree.lastZxid, makeZxid(this.epoch, 0));
    if (request.lastZxidSeen > lastZxid) {
      this.log.info(`refused ${connection.remote}: it has seen a later state than this peer has`, {
        seen: formatZxid(request.lastZxidSeen),
        last: formatZxid(lastZxid),
      });
      connection.close('it has seen a later zxid; it must try another server');
      return;
    }
    // Nothing is read until the session is settled.
    connection.pause();
    client.connect = request;
    const { minSessionTimeoutMs, maxSessionTimeoutMs } = this.options;
    client.timeoutMs = Math.min(
      Math.max(request.timeoutMs, minSessionTimeoutMs),
      maxSessionTimeoutMs,
    );
    if (request.session.isNone) this.create(client);
    else this.resumeSession(client, request);
  }

  private create(client: Client): void {
    const id = this.ids.next();
    const body = Buffer.alloc(4);
    body.writeInt32BE(client.timeoutMs);
    client.wanted = id;
    this.bySession.set(id, client);
    this.upstream?.request(id, 0, OpCode.createSession, body, []);
  }

  private resumeSession(client: Client, request: ConnectRequest): void {
    const { session } = request;
    this.metrics.counters.connection_revalidate_count += 1;
    const isKnown = request.password !== null && isSame(request.password, sessionPassword(session));
    if (!isKnown) {
      this.refuse(client);
      return;
    }
    const other = this.bySession.get(session);
    other?.session.connection.close('its session has come back on another connection');
    client.wanted = session;
    this.bySession.set(session, client);
    this.upstream?.revalidate(session, client.timeoutMs);
  }

  private accept(client: Client, id: SessionId): void {
    const { connection } = client.session;
    const request = client.connect;
    client.connect = null;
    if (!connection.isUsable) return;
    connection.send(
      encodeConnectResponse({
        timeoutMs: client.timeoutMs,
        session: id,
        password: Buffer.from(sessionPassword(id)),
        readOnly: false,
        hasReadOnly: request?.hasReadOnly ?? false,
      }),
    );
    client.session.establish(id, client.timeoutMs);
  }

  /** Timeout 0 tells the client that its session is gone. */
  private refuse(client: Client): void {
    const { connection } = client.session;
    connection.send(encodeConnectRefusal(client.connect?.hasReadOnly ?? false));
    this.forgetSession(client);
    client.connect = null;
    connection.end();
  }

  private forgetSession(client: Client): void {
    if (this.bySession.get(client.wanted) === client) this.bySession.delete(client.wanted);
  }
}

/** The address in ZooKeeper's `/ip:port` notation. */
function addressOf(remote: string): string {
  const text = remote.startsWith('/') ? remote.slice(1) : remote;
  const address = text.slice(0, text.lastIndexOf(':'));
  return address.startsWith('[') ? address.slice(1, -1) : address;
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
