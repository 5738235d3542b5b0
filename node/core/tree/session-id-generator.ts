/**
 * Session ids as ZooKeeper makes them: the sid in the top byte, 40 bits of a millisecond clock,
 * then a count. Two starts of a peer at the same reading of that clock would hand out the same ids,
 * so it must not be the uptime of a board that always boots in the same time: pass wall-clock time.
 */
import { invariant } from '../invariant.ts';
import { SessionId } from '../session-id.ts';
import { ownerKind } from './owner.ts';

/** A larger sid would put the mark of the extended znode types into its session ids. */
export const SID_MAX = 254;

const CLOCK_BITS = 40;
const COUNT_SPAN = 2 ** 16;

export class SessionIdGenerator {
  private hi: number;
  private lo: number;

  constructor(sid: number, nowMs: number) {
    invariant(Number.isInteger(sid) && sid >= 0 && sid <= SID_MAX, 'a sid is 0 to 254', { sid });
    invariant(Number.isSafeInteger(nowMs) && nowMs >= 0, 'the clock is whole milliseconds', {
      nowMs,
    });
    const clock = nowMs % 2 ** CLOCK_BITS;
    this.hi = (sid * 2 ** 24 + Math.floor(clock / COUNT_SPAN)) | 0;
    this.lo = ((clock % COUNT_SPAN) * COUNT_SPAN) | 0;
  }

  next(): SessionId {
    let id = this.take();
    // 0 means "no session" and one other value marks a container znode.
    while (ownerKind(id) !== 'session') id = this.take();
    return id;
  }

  private take(): SessionId {
    const id = new SessionId(this.hi, this.lo);
    this.lo = (this.lo + 1) | 0;
    if (this.lo === 0) this.hi = (this.hi + 1) | 0;
    return id;
  }
}
