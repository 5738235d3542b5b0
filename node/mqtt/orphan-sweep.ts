/**
 * Retained state of znodes that are gone: a broker keeps a topic for ever unless someone clears it,
 * and a deletion may have happened while nobody could publish it. The sweep subscribes to all
 * state, compares what the broker retains with the tree, and yields the topics to clear. Nothing
 * marks the end of the retained messages, so it ends when the broker has been quiet for a while.
 */
import { isPublishedPath, type TreeSource } from './committed-change.ts';
import { pathOfEnvelope } from './envelope.ts';
import type { BridgeLimits } from './limits.ts';
import type { MqttLink } from './link.ts';
import { stateFilter, stateTopic, topicToPath } from './topics.ts';

export interface OrphanSweepOptions {
  readonly base: string;
  readonly link: MqttLink;
  readonly source: TreeSource;
  readonly limits: BridgeLimits;
}

interface Orphan {
  readonly topic: string;
  /** Undefined when no znode can have this topic. */
  readonly path: string | undefined;
}

export class OrphanSweep {
  private readonly options: OrphanSweepOptions;
  private readonly onChange: () => void;
  private readonly filter: string;
  private orphans: Orphan[] = [];
  private isRunning = false;
  private hasOverflowed = false;
  private heardAtMs = 0;
  private timer: NodeJS.Timeout | undefined;

  /** `onChange` runs when there is an orphan to take, and when the sweep has ended. */
  constructor(options: OrphanSweepOptions, onChange: () => void) {
    this.options = options;
    this.onChange = onChange;
    this.filter = stateFilter(options.base);
  }

  get isActive(): boolean {
    return this.isRunning;
  }

  start(): void {
    clearTimeout(this.timer);
    this.isRunning = true;
    this.hasOverflowed = false;
    this.orphans = [];
    this.options.link.subscribe(this.filter, 0, () => {
      if (!this.isRunning) return;
      this.heardAtMs = performance.now();
      this.checkLater();
    });
  }

  end(): void {
    clearTimeout(this.timer);
    this.isRunning = false;
    this.orphans = [];
  }

  heard(topic: string, payload: Uint8Array, isRetained: boolean): void {
    // What is not retained is the echo of what this peer publishes now.
    if (!this.isRunning || !isRetained) return;
    this.heardAtMs = performance.now();
    const path = this.pathOf(topic, payload);
    if (path !== undefined && this.exists(path)) return;
    if (this.orphans.length >= this.options.limits.sweepOrphansMax) {
      this.hasOverflowed = true;
      return;
    }
    this.orphans.push({ topic, path });
    this.onChange();
  }

  /** A topic to clear, now; its znode does not exist at this moment. */
  takeOrphan(): string | undefined {
    for (;;) {
      const orphan = this.orphans.pop();
      if (orphan === undefined) return undefined;
      if (orphan.path === undefined || !this.exists(orphan.path)) return orphan.topic;
    }
  }

  private pathOf(topic: string, payload: Uint8Array): string | undefined {
    const path = topicToPath(this.options.base, topic);
    if (path !== undefined) return path;
    // A hashed topic: the payload knows.
    const named = pathOfEnvelope(payload);
    if (named === undefined || stateTopic(this.options.base, named) !== topic) return undefined;
    return named;
  }

  private exists(path: string): boolean {
    return isPublishedPath(path) && this.options.source.has(path);
  }

  private checkLater(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.check(), this.options.limits.sweepQuietMs);
  }

  private check(): void {
    const quietMs = performance.now() - this.heardAtMs;
    if (quietMs < this.options.limits.sweepQuietMs || this.orphans.length > 0) {
      this.checkLater();
      return;
    }
    const runsAgain = this.hasOverflowed;
    this.options.link.unsubscribe(this.filter, () => {
      if (runsAgain && this.isRunning) this.start();
    });
    if (runsAgain) return;
    this.isRunning = false;
    this.onChange();
  }
}
