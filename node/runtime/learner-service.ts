/**
 * A learner's side of the service: forwards its clients' writes to the leader, and remembers which
 * sessions were heard of since the leader last asked.
 */
import { OpCode } from '../core/request/op-code.ts';
import type { Ids } from '../core/request/requests.ts';
import { type SessionId, SessionMap } from '../core/session-id.ts';
import type { SessionTouch, ZabMessage } from '../core/zab/messages.ts';
import type { Downstream, Upstream } from './upstream.ts';

export class LearnerService implements Upstream {
  private readonly toLeader: (message: ZabMessage) => void;
  private readonly clients: Downstream;
  private readonly touched = new SessionMap<number>();

  constructor(toLeader: (message: ZabMessage) => void, clients: Downstream) {
    this.toLeader = toLeader;
    this.clients = clients;
  }

  request(session: SessionId, cxid: number, opCode: number, body: Uint8Array, ids: Ids): void {
    this.toLeader({ type: 'request', session, cxid, opCode, body, ids });
  }

  sync(session: SessionId, cxid: number, body: Uint8Array, ids: Ids): void {
    this.toLeader({ type: 'request', session, cxid, opCode: OpCode.sync, body, ids });
  }

  revalidate(session: SessionId, timeoutMs: number): void {
    this.toLeader({ type: 'revalidate', session, timeoutMs });
  }

  touch(session: SessionId, timeoutMs: number): void {
    this.touched.set(session, timeoutMs);
  }

  fromLeader(message: ZabMessage): void {
    if (message.type === 'sync') this.clients.syncDone();
    else if (message.type === 'revalidated') {
      this.clients.revalidated(message.session, message.isValid);
    }
  }

  /** For the answer to the leader's ping. */
  takeTouched(): SessionTouch[] {
    const out = Array.from(this.touched.entries(), ([session, timeoutMs]) => ({
      session,
      timeoutMs,
    }));
    this.touched.clear();
    return out;
  }
}
