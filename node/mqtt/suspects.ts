/**
 * Some brokers answer a PUBLISH they dislike (too long, not authorised) by closing the connection.
 * Sent again after each reconnect it would block the stream for ever. So what was in flight when a
 * connection died is suspected: it travels alone, and what has died alone `STRIKES_MAX` times is
 * refused, with an error in the log, and the stream goes on.
 */
const STRIKES_MAX = 3;
const SUSPECTS_MAX = 64;
const REFUSED_MAX = 1024;

export class Suspects {
  private readonly strikes = new Map<string, number>();
  private readonly refused = new Set<string>();

  /** True when the item must travel alone. */
  isSuspect(key: string): boolean {
    return this.strikes.size > 0 && this.strikes.has(key);
  }

  isRefused(key: string): boolean {
    return this.refused.size > 0 && this.refused.has(key);
  }

  acknowledged(key: string): void {
    if (this.strikes.size > 0) this.strikes.delete(key);
  }

  /** The connection died with these in flight. Returns the key that is refused from now on. */
  lost(keys: readonly string[]): string | undefined {
    const [alone] = keys;
    if (keys.length === 1 && alone !== undefined && this.strikes.has(alone)) {
      const strikes = (this.strikes.get(alone) ?? 0) + 1;
      this.strikes.set(alone, strikes);
      return strikes < STRIKES_MAX ? undefined : this.refuse(alone);
    }
    for (const key of keys) {
      if (this.strikes.size < SUSPECTS_MAX && !this.strikes.has(key)) this.strikes.set(key, 0);
    }
    return undefined;
  }

  private refuse(key: string): string {
    this.strikes.delete(key);
    if (this.refused.size >= REFUSED_MAX) this.refused.clear();
    this.refused.add(key);
    return key;
  }
}
