/**
 * How a learner reaches its leader: dial, try again a little later, give up. A leader that has just
 * been elected may not listen yet, so one refusal says little.
 */
import type { ZabContext } from './context.ts';

const RETRY_MS = 100;
const DIALS_MAX = 5;

export class LeaderDial {
  private readonly ctx: ZabContext;
  private readonly leader: number;
  /** Attempts are counted on from role to role, so that a late answer is known for what it is. */
  private attempt: number;
  private dials = 0;
  private retryAtMs = Number.POSITIVE_INFINITY;
  private giveUpAtMs: number;

  constructor(ctx: ZabContext, leader: number, attempt: number) {
    this.ctx = ctx;
    this.leader = leader;
    this.attempt = attempt;
    this.giveUpAtMs = this.limitMs;
  }

  get lastAttempt(): number {
    return this.attempt;
  }

  /** `attempt` is the one whose answer is awaited. */
  isAwaited(attempt: number): boolean {
    return (
      attempt === this.attempt && this.dials > 0 && this.retryAtMs === Number.POSITIVE_INFINITY
    );
  }

  get deadlineMs(): number {
    return Math.min(this.retryAtMs, this.giveUpAtMs);
  }

  private get limitMs(): number {
    const { connectLimitTicks, tickTimeMs } = this.ctx.config;
    return this.ctx.nowMs + connectLimitTicks * tickTimeMs;
  }

  /** The first dial, after `delayMs`. */
  begin(delayMs: number): void {
    if (delayMs === 0) this.dial();
    else this.retryAtMs = this.ctx.nowMs + delayMs;
  }

  private dial(): void {
    this.attempt += 1;
    this.dials += 1;
    this.retryAtMs = Number.POSITIVE_INFINITY;
    this.ctx.put({ type: 'dial', sid: this.leader, attempt: this.attempt });
  }

  /** Returns why there will be no other attempt, or null. */
  retry(reason: string): string | null {
    if (this.dials >= DIALS_MAX) return `leader ${this.leader} could not be reached: ${reason}`;
    this.retryAtMs = this.ctx.nowMs + RETRY_MS;
    return null;
  }

  /** A link that did come about was given up: time starts again, the number of dials does not. */
  restart(reason: string): string | null {
    this.giveUpAtMs = this.limitMs;
    return this.retry(reason);
  }

  tick(): string | null {
    const { nowMs } = this.ctx;
    if (nowMs >= this.giveUpAtMs) return 'the leader could not be reached in time';
    if (nowMs >= this.retryAtMs) this.dial();
    return null;
  }
}
