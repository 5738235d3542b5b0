/**
 * Reads jute, ZooKeeper's record encoding: big-endian, no tags, no padding. Every read checks that
 * the bytes are there, so a short or lying record ends in a JuteError, never in memory that belongs
 * to something else.
 *
 *   int 4 bytes · long 8 · boolean 1 (0 or 1) · ustring int32 length (-1 = null) + UTF-8
 *   buffer int32 length (-1 = null) + bytes · vector int32 count (-1 = null) + items
 */
import { SessionId } from '../core/session-id.ts';
import { JuteError } from './errors.ts';

const WORD = 2 ** 32;

export class JuteReader {
  private readonly bytes: Buffer;
  private at: number;
  private readonly end: number;

  /** Reads `bytes` from `start` up to `end` (exclusive). */
  constructor(bytes: Buffer, start = 0, end = bytes.length) {
    this.bytes = bytes;
    this.at = start;
    this.end = end;
  }

  get position(): number {
    return this.at;
  }

  get remaining(): number {
    return this.end - this.at;
  }

  int(): number {
    const at = this.take(4);
    return this.bytes.readInt32BE(at);
  }

  /** The next int, without moving on. */
  peekInt(): number {
    const value = this.int();
    this.at -= 4;
    return value;
  }

  /**
   * A 64-bit integer as a number: exact within 2^53, which covers zxids (epoch < 2^21) and times.
   * Session ids must be read with `session`.
   */
  long(): number {
    const at = this.take(8);
    return this.bytes.readInt32BE(at) * WORD + this.bytes.readUInt32BE(at + 4);
  }

  session(): SessionId {
    const at = this.take(8);
    return new SessionId(this.bytes.readInt32BE(at), this.bytes.readInt32BE(at + 4));
  }

  boolean(): boolean {
    const value = this.bytes[this.take(1)];
    if (value === 0) return false;
    if (value === 1) return true;
    throw new JuteError(`boolean is ${value}, not 0 or 1`);
  }

  /** The text, or null for length -1. */
  stringOrNull(): string | null {
    const length = this.length('ustring');
    if (length === -1) return null;
    const at = this.take(length);
    return this.bytes.toString('utf8', at, at + length);
  }

  /** As `stringOrNull`, with null read as the empty text. */
  string(): string {
    return this.stringOrNull() ?? '';
  }

  /** A view of the bytes (they are not copied), or null for length -1. */
  bufferOrNull(): Buffer | null {
    const length = this.length('buffer');
    if (length === -1) return null;
    const at = this.take(length);
    return this.bytes.subarray(at, at + length);
  }

  /**
   * The count of a vector, -1 for null. An item takes at least `itemBytesMin` bytes: a count that
   * claims more items than the record has bytes for is refused before anything is allocated.
   */
  vectorLength(itemBytesMin: number): number {
    const count = this.int();
    if (count < -1) throw new JuteError(`vector count ${count} is negative`);
    if (count * itemBytesMin > this.remaining) {
      throw new JuteError(`vector of ${count} does not fit in ${this.remaining} bytes`);
    }
    return count;
  }

  /** The items, or null for a null vector. */
  vectorOrNull<T>(itemBytesMin: number, item: (reader: JuteReader) => T): T[] | null {
    const count = this.vectorLength(itemBytesMin);
    if (count === -1) return null;
    const items: T[] = [];
    for (let i = 0; i < count; i += 1) items.push(item(this));
    return items;
  }

  /** Steps over `expected` if exactly those bytes come next; says whether they did. */
  skip(expected: Buffer): boolean {
    const { at, bytes } = this;
    const next = at + expected.length;
    if (next > this.end) return false;
    if (bytes.compare(expected, 0, expected.length, at, next) !== 0) return false;
    this.at = next;
    return true;
  }

  /** Everything that is left, as a view. */
  rest(): Buffer {
    const at = this.at;
    this.at = this.end;
    return this.bytes.subarray(at, this.end);
  }

  /** Refuses bytes after the last field. */
  finish(record: string): void {
    if (this.at !== this.end) throw new JuteError(`${record} has ${this.remaining} trailing bytes`);
  }

  private length(what: string): number {
    const length = this.int();
    if (length < -1) throw new JuteError(`${what} length ${length} is negative`);
    return length;
  }

  private take(count: number): number {
    const at = this.at;
    if (count > this.end - at) {
      throw new JuteError(`record ends at ${this.end}, ${count} bytes wanted at ${at}`);
    }
    this.at = at + count;
    return at;
  }
}
