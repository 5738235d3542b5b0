import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Prng } from '../../node/core/prng.ts';
import { JuteError } from '../../node/jute/errors.ts';
import { FrameParser } from '../../node/jute/frame-parser.ts';

const FRAME_BYTES_MAX = 1_048_575;

function framed(body: Uint8Array): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32BE(body.length);
  return Buffer.concat([length, body]);
}

function drain(parser: FrameParser): string[] {
  const frames: string[] = [];
  for (let frame = parser.next(); frame !== null; frame = parser.next()) {
    frames.push(frame.toString('hex'));
  }
  return frames;
}

const BODIES = ['', 'a', '', '', 'hello', 'x'.repeat(300), ''].map((text) => Buffer.from(text));
const STREAM = Buffer.concat(BODIES.map(framed));
const EXPECTED = BODIES.map((body) => body.toString('hex'));

describe('frame parser', () => {
  it('returns the frames of one chunk as views of it', () => {
    const parser = new FrameParser(FRAME_BYTES_MAX);
    const chunk = framed(Buffer.from('view'));
    parser.push(chunk);
    const frame = parser.next();
    chunk[4] = 0x21;
    assert.equal(frame?.toString(), '!iew');
    assert.equal(parser.buffered, 0);
  });

  it('finds the same frames whichever two places the stream is cut at', () => {
    for (let i = 0; i <= STREAM.length; i += 1) {
      const j = (i * 7) % (STREAM.length + 1);
      const [first, second] = i < j ? [i, j] : [j, i];
      const parser = new FrameParser(FRAME_BYTES_MAX);
      const frames: string[] = [];
      const parts = [
        STREAM.subarray(0, first),
        STREAM.subarray(first, second),
        STREAM.subarray(second),
      ];
      for (const part of parts) {
        parser.push(part);
        frames.push(...drain(parser));
      }
      assert.deepEqual(frames, EXPECTED, `cut at ${first} and ${second}`);
      assert.equal(parser.buffered, 0);
    }
  });

  it('finds them in chunks of one byte, and counts what it holds', () => {
    const parser = new FrameParser(FRAME_BYTES_MAX);
    const frames: string[] = [];
    let returned = 0;
    for (let i = 0; i < STREAM.length; i += 1) {
      parser.push(STREAM.subarray(i, i + 1));
      for (const frame of drain(parser)) {
        frames.push(frame);
        returned += 4 + frame.length / 2;
      }
      assert.equal(parser.buffered, i + 1 - returned);
    }
    assert.deepEqual(frames, EXPECTED);
  });

  it('finds them when chunks pile up before anyone asks', () => {
    const parser = new FrameParser(FRAME_BYTES_MAX);
    for (let i = 0; i < STREAM.length; i += 3) {
      parser.push(Buffer.alloc(0));
      parser.push(STREAM.subarray(i, i + 3));
    }
    assert.equal(parser.buffered, STREAM.length);
    assert.deepEqual(drain(parser), EXPECTED);
    assert.equal(parser.buffered, 0);
  });

  it('agrees with a plain split for random streams and chunks', () => {
    for (let seed = 1; seed <= 60; seed += 1) {
      const prng = new Prng(seed);
      const bodies = Array.from({ length: 20 }, () => prng.bytes(prng.below(3000)));
      const stream = Buffer.concat(bodies.map(framed));
      const parser = new FrameParser(FRAME_BYTES_MAX);
      const frames: string[] = [];
      for (let at = 0; at < stream.length; ) {
        const size = 1 + prng.below(prng.oneIn(3) ? 5000 : 50);
        parser.push(stream.subarray(at, at + size));
        at += size;
        if (!prng.oneIn(4)) frames.push(...drain(parser));
      }
      frames.push(...drain(parser));
      const expected = bodies.map((body) => Buffer.from(body).toString('hex'));
      assert.deepEqual(frames, expected, `seed ${seed}`);
    }
  });

  it('refuses a length that is negative or above the limit, and stays refused', () => {
    for (const [length, max] of [
      [-1, 100],
      [-(2 ** 31), 100],
      [101, 100],
      [0x72756f6b, FRAME_BYTES_MAX],
    ] as const) {
      const parser = new FrameParser(max);
      const bytes = Buffer.alloc(8);
      bytes.writeInt32BE(length);
      parser.push(bytes);
      const refusal = (error: unknown) =>
        error instanceof JuteError && error.message === `Len error ${length}`;
      assert.throws(() => parser.next(), refusal);
      assert.throws(() => parser.next(), refusal);
    }
  });

  it('takes a frame of exactly the limit', () => {
    const parser = new FrameParser(100);
    parser.push(framed(Buffer.alloc(100)));
    assert.equal(parser.next()?.length, 100);
  });

  it('sets nothing aside for a length that is only claimed', () => {
    const parsers: FrameParser[] = [];
    const before = process.memoryUsage().arrayBuffers;
    for (let i = 0; i < 50; i += 1) {
      const parser = new FrameParser(FRAME_BYTES_MAX);
      parser.push(Buffer.from([0, 0x0f, 0xff, 0xff, 1]));
      assert.equal(parser.next(), null);
      parsers.push(parser);
    }
    const grown = process.memoryUsage().arrayBuffers - before;
    assert.ok(grown < 10 * FRAME_BYTES_MAX, `${grown} bytes for ${parsers.length} claims`);
  });

  it('copies a big frame in small chunks a bounded number of times', (t) => {
    const copied = { bytes: 0 };
    const { copy } = Buffer.prototype;
    function counted(this: Buffer, target: Uint8Array, ...range: number[]): number {
      const bytes = copy.call(this, target, ...range);
      copied.bytes += bytes;
      return bytes;
    }
    t.mock.method(Buffer.prototype, 'copy', counted);
    const stream = framed(Buffer.alloc(FRAME_BYTES_MAX, 9));
    const parser = new FrameParser(FRAME_BYTES_MAX);
    for (let at = 0; at < stream.length; at += 16) {
      parser.push(stream.subarray(at, at + 16));
      const frame = parser.next();
      if (frame !== null) assert.ok(frame.equals(stream.subarray(4)));
    }
    assert.equal(parser.buffered, 0);
    assert.ok(copied.bytes >= FRAME_BYTES_MAX, 'the test counts the copies');
    assert.ok(copied.bytes < 3 * FRAME_BYTES_MAX, `${copied.bytes} bytes copied`);
  });
});
