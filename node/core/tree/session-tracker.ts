/**
 * The leader's view of the sessions: when each expires and through which server it speaks. Expiry
 * times are rounded up to whole ticks, so sessions expire in batches and are touched cheaply. A
 * new leader starts with an empty tracker and gives every session its full timeout again.
 */
import { invariant } from '../invariant.ts';
import { ErrorCode } from '../request/error-code.ts';
import { type SessionId, SessionMap } from '../session-id.ts';

interface Tracked {
  readonly id: SessionId;
  readonly timeoutMs: number;
  /** The bucket it is in. */
  deadlineMs: number;
  isClosing: boolean;
  owner: number | null;
}

/** The answer to "may this session write through that server". */
export type SessionCheck =
  | typeof ErrorCode.ok
  | typeof ErrorCode.sessionExpired
  | typeof ErrorCode.sessionMoved;

export class SessionTracker {
  private readonly tickTimeMs: number;
  private readonly tracked = new SessionMap<Tracked>();
  private readonly buckets = new Map<number, Set<Tracked>>();

  constructor(tickTimeMs: number) {
    invariant(tickTimeMs > 0, 'a tick takes time', { tickTimeMs });
    this.tickTimeMs = tickTimeMs;
  }

  get size(): number {
    return this.tracked.size;
  }

  /** Starts to track a session with its full timeout; one that is tracked is only touched. */
  track(id: SessionId, timeoutMs: number, nowMs: number): void {
    if (this.tracked.has(id)) {
      this.touch(id, timeoutMs, nowMs);
      return;
    }
    const session: Tracked = { id, timeoutMs, deadlineMs: 0, isClosing: false, owner: null };
    this.tracked.set(id, session);
    this.schedule(session, this.deadlineOf(nowMs + timeoutMs));
  }

  /**
   * The client was heard of. `timeoutMs` null stands for the session's own timeout. False when the
   * session is unknown or closing.
   */
  touch(id: SessionId, timeoutMs: number | null, nowMs: number): boolean {
    const session = this.tracked.get(id);
    if (session === undefined || session.isClosing) return false;
    const deadlineMs = this.deadlineOf(nowMs + (timeoutMs ?? session.timeoutMs));
    if (deadlineMs === session.deadlineMs) return true;
    this.unschedule(session);
    this.schedule(session, deadlineMs);
    return true;
  }

  /** A transaction that closes the session is on its way: it may do nothing more. */
  setClosing(id: SessionId): void {
    const session = this.tracked.get(id);
    if (session === undefined) return;
    session.isClosing = true;
    this.unschedule(session);
  }

  /** The session is closed. */
  remove(id: SessionId): void {
    const session = this.tracked.get(id);
    if (session === undefined) return;
    this.unschedule(session);
    this.tracked.delete(id);
  }

  /**
   * The sessions whose time is up, each once: they count as closing from here on. By deadline, then
   * by id, so that a run can be replayed.
   */
  expired(nowMs: number): readonly SessionId[] {
    const due = Array.from(this.buckets.keys()).filter((deadlineMs) => deadlineMs <= nowMs);
    const out: SessionId[] = [];
    for (const deadlineMs of due.sort((a, b) => a - b)) {
      const ids = Array.from(this.buckets.get(deadlineMs) ?? [], (session) => session.id);
      for (const id of ids.sort(compareIds)) {
        this.setClosing(id);
        out.push(id);
      }
    }
    return out;
  }

  /** For reports: the sessions that expire together, the next ones first. */
  get sets(): ReadonlyArray<{ readonly deadlineMs: number; readonly ids: readonly SessionId[] }> {
    return Array.from(this.buckets, ([deadlineMs, sessions]) => ({
      deadlineMs,
      ids: Array.from(sessions, (session) => session.id),
    })).sort((a, b) => a.deadlineMs - b.deadlineMs);
  }

  /** When `expired` next has something to return; null while nothing can expire. */
  nextDeadlineMs(): number | null {
    let next: number | null = null;
    for (const deadlineMs of this.buckets.keys()) {
      if (next === null || deadlineMs < next) next = deadlineMs;
    }
    return next;
  }

  /**
   * Whether the session may act through the server `owner` (a sid). The first server to ask owns a
   * session that has no owner yet.
   */
  check(id: SessionId, owner: number): SessionCheck {
    const session = this.tracked.get(id);
    if (session === undefined || session.isClosing) return ErrorCode.sessionExpired;
    session.owner ??= owner;
    return session.owner === owner ? ErrorCode.ok : ErrorCode.sessionMoved;
  }

  /** The client has taken its session to the server `owner`. False when the session is gone. */
  setOwner(id: SessionId, owner: number): boolean {
    const session = this.tracked.get(id);
    if (session === undefined || session.isClosing) return false;
    session.owner = owner;
    return true;
  }

  /** Leadership ended. */
  clear(): void {
    this.tracked.clear();
    this.buckets.clear();
  }

  private deadlineOf(expiryMs: number): number {
    return (Math.floor(expiryMs / this.tickTimeMs) + 1) * this.tickTimeMs;
  }

  private schedule(session: Tracked, deadlineMs: number): void {
    session.deadlineMs = deadlineMs;
    let bucket = this.buckets.get(deadlineMs);
    if (bucket === undefined) {
      bucket = new Set();
      this.buckets.set(deadlineMs, bucket);
    }
    bucket.add(session);
  }

  private unschedule(session: Tracked): void {
    const bucket = this.buckets.get(session.deadlineMs);
    if (bucket === undefined) return;
    bucket.delete(session);
    if (bucket.size === 0) this.buckets.delete(session.deadlineMs);
  }
}

function compareIds(a: SessionId, b: SessionId): number {
  return a.hi >>> 0 === b.hi >>> 0 ? (a.lo >>> 0) - (b.lo >>> 0) : (a.hi >>> 0) - (b.hi >>> 0);
}
