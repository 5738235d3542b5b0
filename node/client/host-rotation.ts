/**
 * Which server to try next and after what pause. Each server of the list is tried once without a
 * pause, so that a client whose server has died is on another one at once; after a whole round of
 * failures the pause doubles up to a second, half of it random, so that the clients of an ensemble
 * that is down do not come back in step.
 */
import type { HostPort } from './connect-string.ts';

const PAUSE_MS_MIN = 100;
const PAUSE_MS_MAX = 1_000;

export interface Attempt {
  readonly host: HostPort;
  readonly delayMs: number;
}

export class HostRotation {
  private readonly hosts: readonly HostPort[];
  private readonly random: () => number;
  private at = -1;
  private failures = 0;

  /** `hosts` must not be empty; they are used in the order given. `random` is in [0, 1). */
  constructor(hosts: readonly HostPort[], random: () => number) {
    this.hosts = hosts;
    this.random = random;
  }

  next(): Attempt {
    this.at = (this.at + 1) % this.hosts.length;
    const host = this.hosts[this.at];
    if (host === undefined) throw new Error('the list of hosts is empty');
    const rounds = Math.floor(this.failures / this.hosts.length);
    this.failures += 1;
    return { host, delayMs: rounds === 0 ? 0 : this.pauseMs(rounds) };
  }

  /** A connection has served for a while: the next loss starts a new round. */
  reset(): void {
    this.failures = 0;
  }

  private pauseMs(rounds: number): number {
    const pauseMs = Math.min(PAUSE_MS_MAX, PAUSE_MS_MIN * 2 ** Math.min(rounds - 1, 10));
    return Math.ceil(pauseMs / 2 + (pauseMs / 2) * this.random());
  }
}
