/**
 * Writes jute records into one growing buffer. A writer is reused for many records: `reset`, write,
 * `take` (a copy that the caller owns) or `view` (valid until the next write).
 */
import type { SessionId } from '../core/session-id.ts';

const WORD = 2 ** 32;
const LONG_MAX = 2 ** 63;

export class JuteWriter {
  private bytes: Buffer;
  private at = 0;

  constructor(capacity = 256) {
    this.bytes = Buffer.allocUnsafe(capacity);
  }

  get length(): number {
    return this.at;
  }

  reset(): this {
    this.at = 0;
    return this;
  }

  int(value: number): this {
    this.room(4);
    this.at = this.bytes.writeInt32BE(value | 0, this.at);
    return this;
  }

  /**
   * A whole number as a 64-bit integer. 2^63 (what a double makes of 2^63 - 1) is written as it.
   */
  long(value: number): this {
    this.room(8);
    if (value >= LONG_MAX) {
      this.at = this.bytes.writeInt32BE(0x7fffffff, this.at);
      this.at = this.bytes.writeInt32BE(-1, this.at);
      return this;
    }
    const hi = Math.floor(value / WORD);
    this.at = this.bytes.writeInt32BE(hi, this.at);
    this.at = this.bytes.writeUInt32BE(value - hi * WORD, this.at);
    return this;
  }

  session(id: SessionId): this {
    this.room(8);
    this.at = this.bytes.writeInt32BE(id.hi, this.at);
    this.at = this.bytes.writeInt32BE(id.lo, this.at);
    return this;
  }

  boolean(value: boolean): this {
    this.room(1);
    this.bytes[this.at] = value ? 1 : 0;
    this.at += 1;
    return this;
  }

  string(value: string | null): this {
    if (value === null) return this.int(-1);
    // A UTF-16 unit takes at most three bytes in UTF-8.
    this.room(4 + value.length * 3);
    const length = this.bytes.write(value, this.at + 4, 'utf8');
    this.bytes.writeInt32BE(length, this.at);
    this.at += 4 + length;
    return this;
  }

  buffer(value: Uint8Array | null): this {
    if (value === null) return this.int(-1);
    this.int(value.length);
    return this.raw(value);
  }

  vector<T>(items: readonly T[] | null, item: (writer: JuteWriter, value: T) => void): this {
    if (items === null) return this.int(-1);
    this.int(items.length);
    for (const value of items) item(this, value);
    return this;
  }

  /** Bytes as they are, without a length. */
  raw(value: Uint8Array): this {
    this.room(value.length);
    this.bytes.set(value, this.at);
    this.at += value.length;
    return this;
  }

  /** Leaves four bytes for an int that is known later; returns their position. */
  reserveInt(): number {
    this.room(4);
    this.at += 4;
    return this.at - 4;
  }

  patchInt(position: number, value: number): this {
    this.bytes.writeInt32BE(value, position);
    return this;
  }

  /** What has been written, as a view that the next write may change. */
  view(): Buffer {
    return this.bytes.subarray(0, this.at);
  }

  /** What has been written, as a copy, and the writer empty again. */
  take(): Buffer {
    const copy = Buffer.from(this.bytes.subarray(0, this.at));
    this.at = 0;
    return copy;
  }

  private room(count: number): void {
    const needed = this.at + count;
    if (needed <= this.bytes.length) return;
    const grown = Buffer.allocUnsafe(Math.max(needed, this.bytes.length * 2));
    this.bytes.copy(grown, 0, 0, this.at);
    this.bytes = grown;
  }
}
