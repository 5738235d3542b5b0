/** Every message of the quorum port there and back, in Apache's bytes, and what is refused. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Prng } from '../../node/core/prng.ts';
import type { ZabMessage } from '../../node/core/zab/messages.ts';
import {
  decodeFromLeader,
  decodeFromLearner,
  encodeMessage,
} from '../../node/jute/quorum-packet.ts';
import { JuteWriter } from '../../node/jute/writer.ts';
import { assertCutsRefused, assertFuzzContained, hex } from '../helpers/jute.ts';
import { FROM_LEADER, FROM_LEARNER } from '../helpers/quorum-samples.ts';

function encode(message: ZabMessage): Buffer {
  return encodeMessage(new JuteWriter(), message).take();
}

const DIRECTIONS = [
  { name: 'a learner', messages: FROM_LEARNER, decode: decodeFromLearner },
  { name: 'a leader', messages: FROM_LEADER, decode: decodeFromLeader },
] as const;

for (const { name, messages, decode } of DIRECTIONS) {
  test(`what ${name} sends comes out as it went in`, () => {
    for (const message of messages) assert.deepEqual(decode(encode(message)), message);
  });

  test(`packets of ${name} that are cut, padded or overwritten are refused`, () => {
    for (const message of messages) assertCutsRefused(encode(message), decode);
    const counts = assertFuzzContained(new Prng(11), 5000, messages.map(encode), decode);
    assert.ok(counts.decoded > 100 && counts.refused > 100, JSON.stringify(counts));
  });
}

test('the packets have the bytes that Apache writes', () => {
  const expected: [ZabMessage | undefined, string][] = [
    [
      FROM_LEARNER[0],
      `0000000b 0000000600000000 00000014 0000000000000002 00010000 0000000100000001 ffffffff`,
    ],
    [FROM_LEARNER[4], '00000003 000000070000002a ffffffff ffffffff'],
    // Not a null buffer: an Apache leader reads the data without asking.
    [FROM_LEARNER[5], '00000005 000000070000002a 00000000 ffffffff'],
    [FROM_LEARNER[7], `00000006 ffffffffffffffff 0000000c 01000123fffffffb 00007530 ffffffff`],
    [FROM_LEADER[0], '00000011 0000000700000000 00000004 00010000 ffffffff'],
    [FROM_LEADER[8], '0000000c ffffffffffffffff ffffffff ffffffff'],
    [FROM_LEADER[10], '00000006 ffffffffffffffff 00000009 01000123fffffffb 01 ffffffff'],
    [FROM_LEADER[12], '00000007 0000000000000000 ffffffff ffffffff'],
  ];
  for (const [message, bytes] of expected) {
    assert.ok(message);
    assert.deepEqual(encode(message), hex(bytes), message.type);
  }
});

test('what peers add behind the fields of the handshake is skipped', () => {
  const info = hex(
    '0000000b 0000000600000000 00000016 0000000000000002 00010000 0000000100000001 a0a0 ffffffff',
  );
  assert.deepEqual(decodeFromLearner(info), FROM_LEARNER[0]);
  const leader = hex('00000011 0000000700000000 00000006 00010000 a0a0 ffffffff');
  assert.deepEqual(decodeFromLeader(leader), FROM_LEADER[0]);
  const ack = hex('00000012 000000070000002a 00000006 00000006 a0a0 ffffffff');
  assert.deepEqual(decodeFromLearner(ack), FROM_LEARNER[2]);
});

test('each side refuses what the other side sends', () => {
  for (const message of FROM_LEADER) {
    if (message.type === 'ping' || message.type === 'revalidated') continue;
    assert.throws(() => decodeFromLearner(encode(message)), /a learner does not send/);
  }
  for (const message of FROM_LEARNER) {
    if (message.type === 'ping' || message.type === 'revalidate') continue;
    assert.throws(() => decodeFromLeader(encode(message)), /a leader does not send/);
  }
});

test('an epoch that a number cannot hold is refused by name', () => {
  const bytes = encode({ type: 'ack', zxid: 0 });
  bytes.writeInt32BE(2 ** 21, 4);
  assert.throws(() => decodeFromLearner(bytes), /packet zxid has epoch 2097152/);
  const epoch = hex('0000000a 0000000700000001 ffffffff ffffffff');
  assert.throws(() => decodeFromLeader(epoch), /NEWLEADER zxid is not \(epoch, 0\)/);
});
