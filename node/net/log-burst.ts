/**
 * Keeps what an outsider can repeat at will (refused connections, say) from filling the log: the
 * first line of a burst is shown, the rest are counted and named with the next burst.
 */
import type { Timers } from './timers.ts';

const QUIET_MS = 10_000;
const KEYS_MAX = 1000;

export class LogBurst {
  private readonly timers: Timers;
  private readonly bursts = new Map<string, { lastMs: number; hidden: number }>();

  constructor(timers: Timers) {
    this.timers = timers;
  }

  /**
   * Null when the line belongs to a burst that is known already; otherwise how many lines the
   * last burst of `key` has hidden. A burst ends with ten seconds of silence.
   */
  open(key: string): number | null {
    const nowMs = this.timers.nowMs();
    const burst = this.bursts.get(key);
    if (burst !== undefined && nowMs - burst.lastMs < QUIET_MS) {
      burst.lastMs = nowMs;
      burst.hidden += 1;
      return null;
    }
    if (this.bursts.size >= KEYS_MAX) this.bursts.clear();
    this.bursts.set(key, { lastMs: nowMs, hidden: 0 });
    return burst?.hidden ?? 0;
  }
}
