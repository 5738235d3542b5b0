/**
 * The bytes of a stream that have arrived and are not parsed yet, as one run. A chunk that comes
 * when nothing is left over is used as it is; what is left over is gathered in a buffer that
 * doubles, so small chunks cost linear time. Bytes once taken are never written again: views of
 * them stay valid.
 */
const EMPTY = Buffer.alloc(0);
const GATHER_BYTES_MIN = 1024;

export class Inflow {
  /** The bytes from `start` to `end` are waiting. */
  bytes: Buffer = EMPTY;
  start = 0;
  end = 0;

  get length(): number {
    return this.end - this.start;
  }

  /** Takes a chunk over: the caller must not write into it again. */
  push(chunk: Buffer): void {
    const left = this.length;
    if (left === 0) {
      this.bytes = chunk;
      this.start = 0;
      this.end = chunk.length;
      return;
    }
    // A chunk ends where it ends: only a buffer of our own has room behind `end`.
    if (this.bytes.length - this.end < chunk.length) {
      const room = Math.max(left + chunk.length, left * 2, GATHER_BYTES_MIN);
      const grown = Buffer.allocUnsafe(room);
      this.bytes.copy(grown, 0, this.start, this.end);
      this.bytes = grown;
      this.start = 0;
      this.end = left;
    }
    chunk.copy(this.bytes, this.end);
    this.end += chunk.length;
  }

  /** A view of the next `count` bytes, which are no longer waiting. */
  take(count: number): Buffer {
    const view = this.bytes.subarray(this.start, this.start + count);
    this.start += count;
    if (this.start === this.end) {
      this.bytes = EMPTY;
      this.start = 0;
      this.end = 0;
    }
    return view;
  }

  clear(): void {
    this.take(this.length);
  }
}
