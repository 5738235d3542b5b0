/** The election wire against byte strings that Apache ZooKeeper sends, and against nonsense. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NO_VOTE, type Notification, PeerState } from '../../node/core/zab/vote.ts';
import { makeZxid } from '../../node/core/zxid.ts';
import { JuteError } from '../../node/jute/errors.ts';
import { encodeInitialMessage, readInitialMessage } from '../../node/jute/initial-message.ts';
import { decodeNotification, encodeNotification } from '../../node/jute/notification.ts';
import { hex } from '../helpers/jute.ts';

const VOTE: Notification = {
  state: PeerState.leading,
  leader: 3,
  zxid: makeZxid(5, 7),
  electionEpoch: 9,
  peerEpoch: 5,
  version: 2,
  config: 'server.1=a:1:2:participant\nversion=0',
};

const HEAD = '00000002 0000000000000003 0000000500000007 0000000000000009';

test('a notification has the bytes that Apache writes', () => {
  const config = Buffer.from(VOTE.config).toString('hex');
  const expected = hex(`${HEAD} 0000000000000005 00000002 00000024 ${config}`);
  assert.deepEqual(encodeNotification(VOTE), expected);
  assert.deepEqual(decodeNotification(expected), VOTE);
});

test('the notifications of older peers are understood', () => {
  const of28 = { ...VOTE, version: 0, config: '' };
  assert.deepEqual(decodeNotification(hex(HEAD)), of28);
  const of40 = hex(`${HEAD} 0000000000000004 00000001`);
  assert.deepEqual(decodeNotification(of40), { ...of28, peerEpoch: 4 });
  const of44 = hex(`${HEAD} 0000000000000005 00000001 00000000`);
  assert.deepEqual(decodeNotification(of44), { ...of28, version: 1 });
});

test('a later version may say more behind the config', () => {
  const later = hex(`${HEAD} 0000000000000005 00000003 00000001 78 ffff`);
  assert.deepEqual(decodeNotification(later), { ...VOTE, version: 3, config: 'x' });
});

test('an observer votes Long.MIN_VALUE in every field', () => {
  const none = { ...NO_VOTE, state: PeerState.looking, electionEpoch: 1, version: 2, config: '' };
  const bytes = encodeNotification(none);
  assert.equal(bytes.toString('hex', 4, 20), '80000000000000008000000000000000');
  assert.deepEqual(decodeNotification(bytes), none);
});

test('a notification that is none is refused', () => {
  const good = encodeNotification(VOTE);
  for (let size = 0; size < good.length; size += 1) {
    if (size === 28 || size === 40) continue;
    assert.throws(() => decodeNotification(good.subarray(0, size)), JuteError, `${size} bytes`);
  }
  assert.throws(() => decodeNotification(Buffer.concat([good, Buffer.alloc(1)])), /trailing/);
  const state = Buffer.from(good);
  state.writeInt32BE(4, 0);
  assert.throws(() => decodeNotification(state), /state 4/);
  const epoch = Buffer.from(good);
  epoch.writeInt32BE(2 ** 21, 12);
  assert.throws(() => decodeNotification(epoch), /zxid/);
  const length = Buffer.from(good);
  length.writeInt32BE(-2, 40);
  assert.throws(() => decodeNotification(length), JuteError);
});

const INITIAL = 'ffffffffffff0000 0000000000000002 0000000e 3132372e302e302e313a33383838';

test('the initial message has the bytes that Apache writes', () => {
  assert.deepEqual(encodeInitialMessage(2, '127.0.0.1:3888'), hex(INITIAL));
});

test('an initial message is complete only with its last byte', () => {
  const bytes = Buffer.concat([hex(INITIAL), Buffer.from('behind')]);
  const length = hex(INITIAL).length;
  for (let size = 0; size < length; size += 1) {
    assert.equal(readInitialMessage(bytes.subarray(0, size)), null, `${size} bytes`);
  }
  const addresses = [{ host: '127.0.0.1', port: 3888 }];
  assert.deepEqual(readInitialMessage(bytes), { sid: 2, addresses, bytesUsed: length });
});

test('several addresses, IPv6, no address, and an observer without a sid are understood', () => {
  const text = Buffer.from('[fe80::1]:3888|board-2:3889');
  const many = Buffer.concat([hex('ffffffffffff0001 0000000000000002 0000001b'), text]);
  assert.deepEqual(readInitialMessage(many)?.addresses, [
    { host: 'fe80::1', port: 3888 },
    { host: 'board-2', port: 3889 },
  ]);
  assert.deepEqual(readInitialMessage(hex('0000000000000007')), {
    sid: 7,
    addresses: [],
    bytesUsed: 8,
  });
  assert.equal(readInitialMessage(hex('7fffffffffffffff'))?.sid, null);
  assert.notEqual(readInitialMessage(hex('7ffffffffffffffe'))?.sid, null);
});

test('an initial message that is none is refused as soon as that shows', () => {
  for (const bytes of [
    'fffffffffffe0000',
    'ffffffffffff0000 0000000000000002 00000000',
    'ffffffffffff0000 0000000000000002 ffffffff',
    'ffffffffffff0000 0000000000000002 00000801',
    'ffffffffffff0000 0000000000000002 00000003 616263',
    'ffffffffffff0000 0000000000000002 00000007 613a3939393939',
  ]) {
    assert.throws(() => readInitialMessage(hex(bytes)), JuteError, bytes);
  }
});
