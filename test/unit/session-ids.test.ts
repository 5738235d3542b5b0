import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InvariantError } from '../../node/core/invariant.ts';
import { SessionId } from '../../node/core/session-id.ts';
import { CONTAINER_OWNER, ownerKind, ttlOf, ttlOwner } from '../../node/core/tree/owner.ts';
import { SessionIdGenerator } from '../../node/core/tree/session-id-generator.ts';
import { sessionPassword } from '../../node/core/tree/session-password.ts';

/** What java.util.Random makes of these ids (OpenJDK 17). */
const PASSWORDS: readonly (readonly [bigint, string])[] = [
  [0x100abcdef120000n, '9c4f63baf93e340eda515fa06afeb902'],
  [1n, '054cc74a37327db215e702e20c73f005'],
  [0xfe00123456789abcn, 'e673bc9940b4e7724864ecd8054f6ff4'],
  [-1n, '20f62cb5648dc2d771471c8a2486a9ee'],
];
for (const [id, password] of PASSWORDS) {
  test(`the password of session ${id.toString(16)} is Java's`, () => {
    const bytes = sessionPassword(SessionId.fromBigInt(id));
    assert.equal(Buffer.from(bytes).toString('hex'), password);
  });
}

test('a session id is the sid, 40 bits of the clock and a count', () => {
  const nowMs = 0x19abcdef1234;
  const generator = new SessionIdGenerator(3, nowMs);
  const expected = (3n << 56n) | BigInt.asUintN(56, BigInt(nowMs) << 16n);
  assert.equal(generator.next().toBigInt(), expected);
  assert.equal(generator.next().toBigInt(), expected + 1n);
});

test('the count carries into the upper half', () => {
  const generator = new SessionIdGenerator(1, 0xffff);
  for (let i = 0; i < 0xffff; i += 1) generator.next();
  assert.equal(generator.next().toString(), '0x1000000ffffffff');
  assert.equal(generator.next().toString(), '0x100000100000000');
});

test('no session has the id that marks a container, nor 0', () => {
  assert.equal(new SessionIdGenerator(128, 0).next().toString(), '0x8000000000000001');
  assert.equal(new SessionIdGenerator(0, 0).next().toString(), '0x1');
});

test('a sid that would mark TTL znodes is refused', () => {
  assert.throws(() => new SessionIdGenerator(255, 1), InvariantError);
});

test('owners are told apart', () => {
  assert.equal(ownerKind(new SessionId(0, 0)), 'none');
  assert.equal(ownerKind(new SessionId(0, 1)), 'session');
  assert.equal(ownerKind(CONTAINER_OWNER), 'container');
  assert.equal(ownerKind(new SessionId(0x80000000, 1)), 'session');
  assert.equal(ownerKind(ttlOwner(1)), 'ttl');
  assert.equal(ownerKind(new SessionId(0xff000100, 1)), 'session');
  assert.equal(ownerKind(new SessionId(0xfe000000, 1)), 'session');
});

for (const ttlMs of [1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 40 - 1]) {
  test(`a time to live of ${ttlMs} ms fits in its marker`, () => {
    assert.equal(ttlOf(ttlOwner(ttlMs)), ttlMs);
  });
}
