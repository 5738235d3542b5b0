/**
 * Virtual time: events in the order of their time, and of equal times in the order in which they
 * were scheduled. Nothing else moves the clock, so one seed is one schedule.
 */

interface Event {
  readonly atMs: number;
  readonly run: () => void;
}

export class VirtualTime {
  nowMs = 0;
  private readonly events: Event[] = [];

  at(atMs: number, run: () => void): void {
    // The list is kept latest first, and of equal times the later scheduled first.
    this.events.splice(this.firstNotLater(atMs), 0, { atMs, run });
  }

  /** Runs the next event unless it comes after `endMs`; false when there is none. */
  runNext(endMs: number): boolean {
    const event = this.events.at(-1);
    if (event === undefined || event.atMs > endMs) return false;
    this.events.pop();
    this.nowMs = Math.max(this.nowMs, event.atMs);
    event.run();
    return true;
  }

  runFor(ms: number): void {
    const endMs = this.nowMs + ms;
    while (this.runNext(endMs)) {
      // Every event up to the end of the period.
    }
    this.nowMs = endMs;
  }

  private firstNotLater(atMs: number): number {
    let low = 0;
    let high = this.events.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.events[middle]?.atMs ?? 0) > atMs) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
