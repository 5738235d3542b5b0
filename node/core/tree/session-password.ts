/**
 * The 16 bytes that a client shows to take its session to another server: ZooKeeper derives them
 * from the session id with java.util.Random, so every server of an ensemble must do so bit for bit.
 * The constant is public, hence they prove nothing; they only catch mistakes.
 */
import type { SessionId } from '../session-id.ts';

export const PASSWORD_BYTES = 16;

const SUPER_SECRET = 0xb3415c00n;
const MULTIPLIER = 0x5deece66dn;
const INCREMENT = 0xbn;
const STATE_BITS = 48;

export function sessionPassword(id: SessionId): Uint8Array {
  const out = new Uint8Array(PASSWORD_BYTES);
  let state = BigInt.asUintN(STATE_BITS, id.toBigInt() ^ SUPER_SECRET ^ MULTIPLIER);
  for (let at = 0; at < PASSWORD_BYTES; at += 4) {
    state = BigInt.asUintN(STATE_BITS, state * MULTIPLIER + INCREMENT);
    // nextInt() is the upper 32 bits of the state; nextBytes takes them from the low end.
    const word = Number(state >> 16n);
    for (let i = 0; i < 4; i += 1) out[at + i] = (word >>> (8 * i)) & 0xff;
  }
  return out;
}
