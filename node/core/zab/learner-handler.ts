/**
 * What a leader knows of one learner: which step of joining it has reached, what it has
 * acknowledged and when it was last heard. One connection, one handler: a learner that dials again
 * gets a new one, so nothing from an old connection is ever counted.
 */
import type { Zxid } from '../zxid.ts';
import type { ZabConfig } from './context.ts';
import type { LearnerInfoMessage } from './messages.ts';

export type LearnerPhase =
  /** Connected; nothing heard yet. */
  | 'connected'
  /** FOLLOWERINFO or OBSERVERINFO has come. */
  | 'known'
  /** LEADERINFO has been sent. */
  | 'informed'
  /** ACKEPOCH has come. */
  | 'epochAcked'
  /** The difference and NEWLEADER have been sent; proposals are forwarded behind them. */
  | 'syncing'
  /** NEWLEADER has been acknowledged: its acknowledgements count. */
  | 'synced';

export class LearnerHandler {
  readonly link: number;
  sid = -1;
  isObserver = false;
  phase: LearnerPhase = 'connected';
  acceptedEpoch = 0;
  lastZxid: Zxid = 0;
  ackedZxid: Zxid = 0;
  isUpToDate = false;
  lastHeardMs: number;
  /** A proposal that waits for this learner's ACK since `waitingSinceMs` (Infinity: none). */
  private waitingZxid: Zxid = 0;
  private waitingSinceMs = Number.POSITIVE_INFINITY;
  private lastSentZxid: Zxid = 0;

  constructor(link: number, nowMs: number) {
    this.link = link;
    this.lastHeardMs = nowMs;
  }

  /** Proposals and commits go to it. */
  get isForwarding(): boolean {
    return this.phase === 'syncing' || this.phase === 'synced';
  }

  /**
   * NEWLEADER has been acknowledged. Proposals that were forwarded during a long synchronisation
   * begin to wait only now, for the learner acknowledges them after it.
   */
  synchronized(nowMs: number): void {
    this.phase = 'synced';
    if (this.waitingSinceMs !== Number.POSITIVE_INFINITY) this.waitingSinceMs = nowMs;
  }

  proposed(zxid: Zxid, nowMs: number): void {
    this.lastSentZxid = zxid;
    if (this.waitingSinceMs !== Number.POSITIVE_INFINITY) return;
    this.waitingZxid = zxid;
    this.waitingSinceMs = nowMs;
  }

  acked(zxid: Zxid, nowMs: number): void {
    this.ackedZxid = Math.max(this.ackedZxid, zxid);
    if (this.ackedZxid < this.waitingZxid) return;
    const hasAll = this.ackedZxid >= this.lastSentZxid;
    this.waitingZxid = this.lastSentZxid;
    this.waitingSinceMs = hasAll ? Number.POSITIVE_INFINITY : nowMs;
  }

  /** When a proposal will have waited for `limitMs`; Infinity when none waits. */
  ackDeadlineMs(limitMs: number): number {
    return this.waitingSinceMs + limitMs;
  }
}

/** Why a leader refuses the learner that says this of itself, or null. */
export function refusalOf(info: LearnerInfoMessage, config: ZabConfig): string | null {
  const { verifier, sid } = config;
  if (info.sid === sid) return `it claims to be ${sid}, which is this peer`;
  if (!verifier.participants.has(info.sid) && !verifier.observers.has(info.sid)) {
    return `sid ${info.sid} stands in no server line of this configuration`;
  }
  if (info.configVersion > verifier.version)
    return 'its configuration is newer than the leader has';
  return null;
}
