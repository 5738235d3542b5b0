/** What a client session asks of the service that it belongs to. */
import type { Log } from '../core/log-sink.ts';
import type { ClientSession } from './client-session.ts';
import type { Replica } from './replica.ts';
import type { Upstream } from './upstream.ts';

export interface SessionHost {
  readonly replica: Replica;
  readonly skipAcl: boolean;
  readonly superDigest: string | undefined;
  readonly log: Log;
  /** Null while this peer does not serve. */
  readonly upstream: Upstream | null;
  /** Monotonic. */
  nowMs(): number;
  wallMs(): number;
  touch(session: ClientSession): void;
  /** A sync is on its way; answers come in the order of these calls. */
  awaitSync(session: ClientSession): void;
  writeBegun(): void;
  writeDone(): void;
  /** A request waits: too many of them, here or in all, and reading from this client pauses. */
  enqueued(session: ClientSession): void;
  /** Requests of this session have been answered. */
  drained(): void;
  /** A reply of so many bytes has left, to a request of this age. */
  noteReply(latencyMs: number, bytes: number, isUpdate: boolean): void;
  noteAuthFailure(remote: string, scheme: string): void;
}
