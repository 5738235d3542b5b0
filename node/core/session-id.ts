/**
 * A session id uses all 64 bits, which no JavaScript number holds. Inside it is this pair of 32-bit
 * halves (cheap to read from a frame, to compare and to write back); at the edges (logs, JSON,
 * the command line) it is a bigint or the hexadecimal text that ZooKeeper prints.
 */
export class SessionId {
  /** The upper half, as a signed 32-bit integer. */
  readonly hi: number;
  /** The lower half, as a signed 32-bit integer. */
  readonly lo: number;

  constructor(hi: number, lo: number) {
    this.hi = hi | 0;
    this.lo = lo | 0;
  }

  static fromBigInt(value: bigint): SessionId {
    const bits = BigInt.asUintN(64, value);
    return new SessionId(Number(bits >> 32n), Number(bits & 0xffffffffn));
  }

  toBigInt(): bigint {
    return (BigInt(this.hi) << 32n) | BigInt(this.lo >>> 0);
  }

  equals(other: SessionId): boolean {
    return this.hi === other.hi && this.lo === other.lo;
  }

  get isNone(): boolean {
    return this.hi === 0 && this.lo === 0;
  }

  /** `0x` and lower-case hexadecimal without leading zeros, as ZooKeeper prints it. */
  toString(): string {
    return `0x${BigInt.asUintN(64, this.toBigInt()).toString(16)}`;
  }
}

/** "No session": the owner of a znode that is not ephemeral, the id of a new client. */
export const NO_SESSION = new SessionId(0, 0);

/** A map keyed by session id. Iteration is in order of insertion of the upper, then lower half. */
export class SessionMap<T> {
  private readonly byHi = new Map<number, Map<number, { id: SessionId; value: T }>>();
  private count = 0;

  get size(): number {
    return this.count;
  }

  get(id: SessionId): T | undefined {
    return this.byHi.get(id.hi)?.get(id.lo)?.value;
  }

  has(id: SessionId): boolean {
    return this.byHi.get(id.hi)?.has(id.lo) ?? false;
  }

  set(id: SessionId, value: T): void {
    let byLo = this.byHi.get(id.hi);
    if (byLo === undefined) {
      byLo = new Map();
      this.byHi.set(id.hi, byLo);
    }
    if (!byLo.has(id.lo)) this.count += 1;
    byLo.set(id.lo, { id, value });
  }

  delete(id: SessionId): boolean {
    const byLo = this.byHi.get(id.hi);
    if (byLo === undefined || !byLo.delete(id.lo)) return false;
    if (byLo.size === 0) this.byHi.delete(id.hi);
    this.count -= 1;
    return true;
  }

  clear(): void {
    this.byHi.clear();
    this.count = 0;
  }

  *entries(): IterableIterator<[SessionId, T]> {
    for (const byLo of this.byHi.values()) {
      for (const { id, value } of byLo.values()) yield [id, value];
    }
  }
}
