/**
 * Time, as the runtime uses it. Deadlines go by the monotonic clock, which no NTP step moves; the
 * wall clock only stamps znodes and numbers sessions.
 */
import { performance } from 'node:perf_hooks';
import { systemTimers, type Timers } from '../net/timers.ts';

export interface Clock extends Timers {
  /** Milliseconds since some moment; never goes back. */
  monotonicMs(): number;
  /** Milliseconds since 1970. */
  wallMs(): number;
}

export const systemClock: Clock = {
  ...systemTimers,
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
};
