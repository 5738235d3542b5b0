/**
 * The numbers that `stat` and `cons` show for one client connection, with ZooKeeper's meanings, and
 * those of the whole port. The port counts frames; the owner of the session notes its requests and
 * replies.
 */
import type { Zxid } from '../core/zxid.ts';

/** Who or what ended a connection: the client, this server, or one of the client's faults. */
export type ConnectionEnding = 'client' | 'server' | 'badFrame' | 'slowReader' | 'noSession';

/** Of all connections since the start, those that are gone too. */
export class PortStats {
  /** Frames and words in, frames and answers to words out. */
  received = 0;
  sent = 0;
  /** Frames with their lengths. */
  bytesReceived = 0;
  /** Connections turned away because there were too many. */
  refused = 0;
  readonly endings: Record<ConnectionEnding, number> = {
    client: 0,
    server: 0,
    badFrame: 0,
    slowReader: 0,
    noSession: 0,
  };

  /** `srst`. */
  reset(): void {
    this.received = 0;
    this.sent = 0;
    this.bytesReceived = 0;
    this.refused = 0;
    for (const ending of ['client', 'server', 'badFrame', 'slowReader', 'noSession'] as const) {
      this.endings[ending] = 0;
    }
  }
}

export class ConnectionStats {
  /** When the connection was made, in milliseconds since 1970. */
  readonly establishedAtMs: number;
  /** Frames in and out. */
  received = 0;
  sent = 0;
  /** Requests that have no reply yet (`queued`). */
  outstanding = 0;
  /** The op code of the last reply; null before the first. */
  lastOpCode: number | null = null;
  lastXid = -1;
  lastZxid: Zxid = -1;
  lastReplyAtMs = 0;
  lastLatencyMs = 0;
  maxLatencyMs = 0;
  private leastLatencyMs = Number.POSITIVE_INFINITY;
  private latencySumMs = 0;
  private replies = 0;

  constructor(establishedAtMs: number) {
    this.establishedAtMs = establishedAtMs;
  }

  get minLatencyMs(): number {
    return this.replies === 0 ? 0 : this.leastLatencyMs;
  }

  get averageLatencyMs(): number {
    return this.replies === 0 ? 0 : Math.round(this.latencySumMs / this.replies);
  }

  /** A reply to the request `xid`, which took `latencyMs`, left at `nowMs` (since 1970). */
  noteReply(opCode: number, xid: number, zxid: Zxid, latencyMs: number, nowMs: number): void {
    this.lastOpCode = opCode;
    this.lastXid = xid;
    this.lastZxid = zxid;
    this.lastReplyAtMs = nowMs;
    this.lastLatencyMs = latencyMs;
    this.leastLatencyMs = Math.min(this.leastLatencyMs, latencyMs);
    this.maxLatencyMs = Math.max(this.maxLatencyMs, latencyMs);
    this.latencySumMs += latencyMs;
    this.replies += 1;
  }

  /** `crst`: back to the numbers of a fresh connection; what is outstanding stays outstanding. */
  reset(): void {
    this.received = 0;
    this.sent = 0;
    this.lastOpCode = null;
    this.lastXid = -1;
    this.lastZxid = -1;
    this.lastReplyAtMs = 0;
    this.lastLatencyMs = 0;
    this.maxLatencyMs = 0;
    this.leastLatencyMs = Number.POSITIVE_INFINITY;
    this.latencySumMs = 0;
    this.replies = 0;
  }
}
