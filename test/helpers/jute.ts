/** What every jute decoder must do with bytes that are not a whole record. */
import assert from 'node:assert/strict';
import type { Prng } from '../../node/core/prng.ts';
import { JuteError } from '../../node/jute/errors.ts';

type Decode = (bytes: Buffer) => unknown;

/** Bytes from hexadecimal text; blanks may group the fields. */
export function hex(text: string): Buffer {
  const digits = text.replaceAll(/\s/g, '');
  const bytes = Buffer.from(digits, 'hex');
  assert.equal(bytes.length * 2, digits.length, 'hexadecimal text is well formed');
  return bytes;
}

/**
 * Each proper prefix of `bytes` must be refused with a JuteError, and so must a byte too many.
 * `valid` names the shorter lengths at which a record may end by its layout.
 */
export function assertCutsRefused(bytes: Buffer, decode: Decode, valid: readonly number[] = []) {
  for (let length = 0; length < bytes.length; length += 1) {
    if (valid.includes(length)) continue;
    // A copy without slack, so that reading past the end cannot go unnoticed.
    const cut = Buffer.from(new Uint8Array(bytes.subarray(0, length)).buffer);
    assert.throws(() => decode(cut), JuteError, `cut at ${length} of ${bytes.length}`);
  }
  const longer = Buffer.concat([bytes, Buffer.from([0])]);
  assert.throws(() => decode(longer), JuteError, 'one byte too many');
}

/**
 * Random bytes, and `bytes` with a few of them changed: decoded or refused, never anything else.
 */
export function assertFuzzContained(
  prng: Prng,
  runs: number,
  samples: readonly Buffer[],
  decode: Decode,
): { decoded: number; refused: number } {
  const counts = { decoded: 0, refused: 0 };
  for (let run = 0; run < runs; run += 1) {
    const bytes = samples.length > 0 && prng.oneIn(2) ? mutated(prng, samples) : noise(prng);
    try {
      decode(bytes);
      counts.decoded += 1;
    } catch (error) {
      const at = `run ${run}: ${bytes.toString('hex')}`;
      assert.ok(error instanceof JuteError, `${at}: ${String(error)}`);
      counts.refused += 1;
    }
  }
  return counts;
}

function noise(prng: Prng): Buffer {
  const bytes = Buffer.from(prng.bytes(prng.below(120)));
  // Lengths are small or -1 in real records; all-random words would never get past the first one.
  for (let at = 0; at + 4 <= bytes.length; at += 4) {
    if (prng.oneIn(2)) bytes.writeInt32BE(prng.below(12) - 1, at);
  }
  return bytes;
}

function mutated(prng: Prng, samples: readonly Buffer[]): Buffer {
  const bytes = Buffer.from(prng.pick(samples));
  for (let n = prng.below(4); n >= 0 && bytes.length > 0; n -= 1) {
    bytes[prng.below(bytes.length)] = prng.pick([0, 1, 0x7f, 0x80, 0xff, prng.below(256)]);
  }
  return prng.oneIn(4) ? bytes.subarray(0, prng.below(bytes.length + 1)) : bytes;
}
