import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Prng } from '../../node/core/prng.ts';
import { NO_SESSION, SessionId } from '../../node/core/session-id.ts';
import type { Stat } from '../../node/core/tree/stat.ts';
import { makeZxid } from '../../node/core/zxid.ts';
import {
  decodeCursor,
  encodeCursor,
  encodeEvent,
  encodePeerState,
  encodeResync,
  encodeState,
  pathOfEnvelope,
  stateOfPeer,
} from '../../node/mqtt/envelope.ts';

const MAX = 1000;

function stat(dataLength: number, extra: Partial<Stat> = {}): Stat {
  return {
    czxid: makeZxid(1, 2),
    mzxid: makeZxid(3, 4),
    ctime: 1_700_000_000_000,
    mtime: 1_700_000_000_500,
    version: 7,
    cversion: 0,
    aversion: 0,
    ephemeralOwner: NO_SESSION,
    dataLength,
    numChildren: 0,
    pzxid: makeZxid(1, 2),
    ...extra,
  };
}

interface DataFields {
  readonly data: string | null;
  readonly encoding?: string;
  readonly dataOmitted?: boolean;
  readonly dataLength?: number;
}

function dataOf(bytes: Uint8Array | null): DataFields {
  const text = encodeState({ path: '/a', data: bytes, stat: stat(bytes?.length ?? 0) }, MAX);
  return JSON.parse(text) as DataFields;
}

test('state of a znode with text', () => {
  const node = {
    path: '/osgi',
    data: Buffer.from('hello'),
    stat: stat(5, { ephemeralOwner: new SessionId(0x1000001, 0) }),
  };
  assert.deepEqual(JSON.parse(encodeState(node, MAX)), {
    path: '/osgi',
    zxid: '0x300000004',
    czxid: '0x100000002',
    mzxid: '0x300000004',
    version: 7,
    ctime: 1_700_000_000_000,
    mtime: 1_700_000_000_500,
    ephemeralOwner: '0x100000100000000',
    data: 'hello',
  });
});

test('data: null, empty, text, binary, too long', () => {
  assert.equal(dataOf(null).data, null);
  assert.equal(dataOf(new Uint8Array(0)).data, '');
  assert.equal(dataOf(Buffer.from('\ufeff\u6f22\t"\n')).data, '\ufeff\u6f22\t"\n');
  const binary = dataOf(new Uint8Array([0xff, 0x00]));
  assert.deepEqual([binary.data, binary.encoding], ['/wA=', 'base64']);
  const control = dataOf(new Uint8Array([0x61, 0x00]));
  assert.deepEqual([control.data, control.encoding], ['YQA=', 'base64']);
  const long = dataOf(new Uint8Array(MAX + 1));
  assert.deepEqual([long.data, long.dataOmitted, long.dataLength], [null, true, MAX + 1]);
  // The ring forgets data that is too long; its Stat tells.
  const forgotten = JSON.parse(encodeState({ path: '/a', data: null, stat: stat(9) }, MAX));
  assert.equal(forgotten.dataLength, 9);
});

test('any data comes back as it was', () => {
  const prng = new Prng(7);
  for (let i = 0; i < 500; i += 1) {
    const bytes = prng.bytes(prng.below(6));
    if (prng.oneIn(2)) for (let j = 0; j < bytes.length; j += 1) bytes[j] = 32 + prng.below(95);
    const { data, encoding } = dataOf(bytes);
    assert.equal(typeof data, 'string');
    const back = Buffer.from(String(data), encoding === 'base64' ? 'base64' : 'utf8');
    assert.deepEqual(back, Buffer.from(bytes));
  }
});

test('data that is a view into a larger buffer', () => {
  const frame = Buffer.from('xxhelloxx');
  assert.equal(dataOf(frame.subarray(2, 7)).data, 'hello');
});

test('events', () => {
  const change = {
    zxid: makeZxid(3, 4),
    index: 0,
    path: '/a',
    timeMs: 1_700_000_000_500,
    session: SessionId.fromBigInt(0xff00000000000001n),
  };
  const created = encodeEvent(
    { ...change, kind: 'created', data: Buffer.from('v'), stat: stat(1) },
    MAX,
  );
  assert.deepEqual(JSON.parse(created), {
    event: 'created',
    path: '/a',
    zxid: '0x300000004',
    time: 1_700_000_000_500,
    session: '0xff00000000000001',
    version: 7,
    data: 'v',
  });
  const deleted = encodeEvent({ ...change, kind: 'deleted', data: null, stat: null }, MAX);
  assert.deepEqual(JSON.parse(deleted), {
    event: 'deleted',
    path: '/a',
    zxid: '0x300000004',
    time: 1_700_000_000_500,
    session: '0xff00000000000001',
  });
  assert.deepEqual(JSON.parse(encodeResync('why', undefined, makeZxid(1, 1))), {
    event: 'resync',
    reason: 'why',
    from: null,
    zxid: '0x100000001',
  });
});

test('cursor there and back; anything else is none', () => {
  for (const isResyncing of [false, true]) {
    const zxid = makeZxid(2 ** 21 - 1, 2 ** 32 - 1);
    const cursor = { zxid, epoch: 2 ** 21 - 1, sid: 3, isResyncing };
    assert.deepEqual(decodeCursor(Buffer.from(encodeCursor(cursor))), cursor);
  }
  for (const text of [
    '',
    '{}',
    'null',
    '[1]',
    '{"zxid":"0x1","epoch":1}',
    '{"zxid":1,"epoch":1,"sid":1}',
    '{"zxid":"0xffffffffffffffff","epoch":1,"sid":1}',
    '{"zxid":"0x20000000000000","epoch":9007199254740991,"sid":1}',
    '{"zxid":"0x300000001","epoch":2,"sid":1}',
    '{"zxid":"0x1","epoch":-1,"sid":1}',
    '{"zxid":"0x1","epoch":1.5,"sid":1}',
    '{"zxid":"0x1","epoch":1,"sid":1,"resync":1}',
  ]) {
    assert.equal(decodeCursor(Buffer.from(text)), undefined, text);
  }
});

test('paths and peer states are read back from payloads', () => {
  assert.equal(pathOfEnvelope(Buffer.from('{"path":"/a"}')), '/a');
  assert.equal(pathOfEnvelope(Buffer.from('{"path":1}')), undefined);
  assert.equal(pathOfEnvelope(Buffer.from('a')), undefined);
  assert.equal(stateOfPeer(Buffer.from(encodePeerState('leading', 1))), 'leading');
  assert.deepEqual(JSON.parse(encodePeerState('offline', 2, 'halted')), {
    state: 'offline',
    sid: 2,
    reason: 'halted',
  });
});
