/**
 * Where a peer's clients send what they cannot do alone: writes, syncs and the care of sessions.
 * The leader answers itself; a learner asks its leader. Answers come back through `Downstream`, in
 * the order of the transactions.
 */
import type { Ids } from '../core/request/requests.ts';
import type { SessionId } from '../core/session-id.ts';

export interface Upstream {
  /**
   * A write. Its answer is the transaction with this session and cxid. `body` is a request record.
   */
  request(session: SessionId, cxid: number, opCode: number, body: Uint8Array, ids: Ids): void;
  /** Answered by `syncDone`, in the order of the calls. */
  sync(session: SessionId, cxid: number, body: Uint8Array, ids: Ids): void;
  /** May the session go on here? Answered by `revalidated`. */
  revalidate(session: SessionId, timeoutMs: number): void;
  /** The client was heard of. */
  touch(session: SessionId, timeoutMs: number): void;
}

export interface Downstream {
  syncDone(): void;
  revalidated(session: SessionId, isValid: boolean): void;
}
