/**
 * Time as the ports use it: deadlines and pauses, never the date. An interface, so that a test can
 * let a deadline pass without waiting for it.
 */
export type Cancel = () => void;

export interface Timers {
  /** Monotonic milliseconds from an arbitrary start. */
  nowMs(): number;
  /** Runs `action` once after `delayMs`, unless cancelled before. */
  after(delayMs: number, action: () => void): Cancel;
}

export const systemTimers: Timers = {
  nowMs: () => performance.now(),
  after: (delayMs, action) => {
    const timer = setTimeout(action, delayMs);
    return () => clearTimeout(timer);
  },
};
