/**
 * Cuts a byte stream into frames: an int32 length, then that many bytes. A frame that lies within
 * one chunk is a view of it; one that spans chunks is gathered in a buffer that doubles up to the
 * frame's length, so a length that is only claimed costs no memory and small chunks cost linear
 * time. What is held never exceeds one frame plus the chunks pushed since `next` last said null.
 */
import { JuteError } from './errors.ts';

const LENGTH_BYTES = 4;
const EMPTY = Buffer.alloc(0);
const GATHER_BYTES_MIN = 1024;

export class FrameParser {
  private readonly frameBytesMax: number;
  /** Chunks not yet parsed, from `head`; the first one from `at`. */
  private chunks: Buffer[] = [];
  private head = 0;
  private at = 0;
  private chunkBytes = 0;
  /** How much of the length field has been read, and its value so far. */
  private lengthBytes = 0;
  private length = 0;
  /** The part of a frame that arrived in earlier chunks. */
  private gathered = EMPTY;
  private gatheredBytes = 0;
  private failure: JuteError | null = null;

  /** `frameBytesMax` bounds the length field, which does not count itself. */
  constructor(frameBytesMax: number) {
    this.frameBytesMax = frameBytesMax;
  }

  /** Bytes that have arrived and do not belong to a frame that `next` has returned. */
  get buffered(): number {
    return this.chunkBytes + this.lengthBytes + this.gatheredBytes;
  }

  /** Takes a chunk over: the caller must not write into it again. */
  push(chunk: Buffer): void {
    if (chunk.length === 0) return;
    this.chunks.push(chunk);
    this.chunkBytes += chunk.length;
  }

  /**
   * The next frame without its length, or null until more bytes arrive. Throws JuteError
   * ("Len error N") on a length that is negative or above the limit, and again on every later call:
   * where the next frame would begin is not known.
   */
  next(): Buffer | null {
    if (this.failure !== null) throw this.failure;
    for (;;) {
      const isInBody = this.lengthBytes === LENGTH_BYTES;
      if (isInBody && this.gatheredBytes === this.length) return this.takeGathered();
      const chunk = this.chunks[this.head];
      if (chunk === undefined) return null;
      if (!isInBody) this.readLength(chunk);
      else if (this.gatheredBytes > 0 || chunk.length - this.at < this.length) this.gather(chunk);
      else return this.takeView(chunk);
    }
  }

  private readLength(chunk: Buffer): void {
    let { at } = this;
    while (this.lengthBytes < LENGTH_BYTES && at < chunk.length) {
      this.length = (this.length << 8) | (chunk[at] ?? 0);
      this.lengthBytes += 1;
      at += 1;
    }
    this.advance(chunk, at);
    if (this.lengthBytes < LENGTH_BYTES) return;
    if (this.length >= 0 && this.length <= this.frameBytesMax) return;
    this.failure = new JuteError(`Len error ${this.length}`);
    throw this.failure;
  }

  /** The frame lies within the chunk. */
  private takeView(chunk: Buffer): Buffer {
    const end = this.at + this.length;
    const frame = chunk.subarray(this.at, end);
    this.advance(chunk, end);
    this.beginFrame();
    return frame;
  }

  /** All of the frame has been gathered, or it is empty. */
  private takeGathered(): Buffer {
    const frame = this.gathered.subarray(0, this.length);
    this.gathered = EMPTY;
    this.gatheredBytes = 0;
    this.beginFrame();
    return frame;
  }

  private beginFrame(): void {
    this.lengthBytes = 0;
    this.length = 0;
  }

  /** Puts aside what the chunk holds of the frame. */
  private gather(chunk: Buffer): void {
    const { at, gatheredBytes } = this;
    const end = Math.min(at + this.length - gatheredBytes, chunk.length);
    const needed = gatheredBytes + end - at;
    if (needed > this.gathered.length) {
      const doubled = Math.max(needed, this.gathered.length * 2, GATHER_BYTES_MIN);
      const grown = Buffer.allocUnsafe(Math.min(doubled, this.length));
      this.gathered.copy(grown, 0, 0, gatheredBytes);
      this.gathered = grown;
    }
    chunk.copy(this.gathered, gatheredBytes, at, end);
    this.gatheredBytes = needed;
    this.advance(chunk, end);
  }

  /** Moves on to `at` in the first chunk, and lets go of the chunk at its end. */
  private advance(chunk: Buffer, at: number): void {
    this.chunkBytes -= at - this.at;
    this.at = at;
    if (at < chunk.length) return;
    this.at = 0;
    this.head += 1;
    if (this.head < this.chunks.length) return;
    this.chunks = [];
    this.head = 0;
  }
}
