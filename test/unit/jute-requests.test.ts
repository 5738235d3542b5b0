import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { OpCode } from '../../node/core/request/op-code.ts';
import type { MultiRequest, Request } from '../../node/core/request/requests.ts';
import { OPEN_ACL_UNSAFE } from '../../node/core/tree/acl.ts';
import { JuteError, UnknownOpCodeError } from '../../node/jute/errors.ts';
import { JuteReader } from '../../node/jute/reader.ts';
import {
  decodeRequest,
  decodeRequestHeader,
  encodeRequest,
  encodeRequestFrame,
  isClientOpCode,
} from '../../node/jute/requests.ts';
import { JuteWriter } from '../../node/jute/writer.ts';
import { assertCutsRefused, hex } from '../helpers/jute.ts';
import { MULTI, REQUESTS } from '../helpers/jute-samples.ts';

function encoded(request: Request): Buffer {
  const writer = new JuteWriter();
  encodeRequest(writer, request);
  return writer.take();
}

const decoded = (opCode: number, bytes: Buffer) => decodeRequest(opCode, new JuteReader(bytes));

const OPEN = '00000001 0000001f 00000005 776f726c64 00000006 616e796f6e65';
/** create "/a" with data 01 02, the open list, ephemeral. */
const CREATE = `00000002 2f61 00000002 0102 ${OPEN} 00000001`;

describe('requests', () => {
  it('decodes a create frame byte for byte', () => {
    const frame = hex(`00000033 00000007 00000001 ${CREATE}`);
    const reader = new JuteReader(frame, 4);
    assert.deepEqual(decodeRequestHeader(reader), { xid: 7, type: OpCode.create });
    const request = decodeRequest(OpCode.create, reader);
    assert.deepEqual(request, {
      type: OpCode.create,
      path: '/a',
      data: hex('0102'),
      acl: OPEN_ACL_UNSAFE,
      flags: 1,
      ttlMs: 0,
    });
    const writer = new JuteWriter();
    writer.raw(hex('aa'));
    encodeRequestFrame(writer, 7, request);
    assert.deepEqual(writer.take(), Buffer.concat([hex('aa'), frame]));
  });

  it('decodes a multi byte for byte', () => {
    const frame = hex(`0000000d 00 ffffffff 00000002 2f63 ffffffff
      00000001 00 ffffffff ${CREATE}
      00000002 00 ffffffff 00000002 2f62 00000003
      00000005 00 ffffffff 00000002 2f62 ffffffff 00000004
      ffffffff 01 ffffffff`);
    const expected: MultiRequest = {
      type: OpCode.multi,
      ops: [
        { type: OpCode.check, path: '/c', version: -1 },
        {
          type: OpCode.create,
          path: '/a',
          data: hex('0102'),
          acl: OPEN_ACL_UNSAFE,
          flags: 1,
          ttlMs: 0,
        },
        { type: OpCode.delete, path: '/b', version: 3 },
        { type: OpCode.setData, path: '/b', data: null, version: 4 },
      ],
    };
    assert.deepEqual(decoded(OpCode.multi, frame), expected);
    assert.deepEqual(encoded(expected), frame);
  });

  it('decodes a ttl of 64 bits', () => {
    const frame = hex(`00000002 2f61 ffffffff ffffffff 00000005 000000ffffffffff`);
    assert.deepEqual(decoded(OpCode.createTtl, frame), {
      type: OpCode.createTtl,
      path: '/a',
      data: null,
      acl: null,
      flags: 5,
      ttlMs: 1_099_511_627_775,
    });
  });

  it('carries every request there and back', () => {
    for (const request of REQUESTS) {
      assert.deepEqual(decoded(request.type, encoded(request)), request);
    }
  });

  it('has a sample of every op code that it supports', () => {
    const sampled = new Set<number>(REQUESTS.map((request) => request.type));
    for (let opCode = -20; opCode < 120; opCode += 1) {
      const isKnown = isClientOpCode(opCode) || opCode === OpCode.createSession;
      assert.equal(sampled.has(opCode), isKnown, `op code ${opCode}`);
    }
  });

  it('refuses every cut and any byte too many', () => {
    for (const request of REQUESTS) {
      assertCutsRefused(encoded(request), (bytes) => decoded(request.type, bytes));
    }
  });

  it('names an op code that it does not know', () => {
    for (const opCode of [0, 10, OpCode.check, OpCode.deleteContainer, 999, -2]) {
      assert.throws(
        () => decoded(opCode, Buffer.alloc(0)),
        (error) => error instanceof UnknownOpCodeError && error.opCode === opCode,
      );
      assert.equal(isClientOpCode(opCode), false);
    }
  });

  it('keeps createSession for the servers among themselves', () => {
    assert.deepEqual(decoded(OpCode.createSession, hex('00001388')), {
      type: OpCode.createSession,
      timeoutMs: 5000,
    });
    assert.equal(isClientOpCode(OpCode.createSession), false);
    assert.equal(isClientOpCode(OpCode.closeSession), true);
  });

  it('refuses an operation that cannot stand in a multi', () => {
    for (const type of [OpCode.multi, OpCode.setAcl, OpCode.getData, OpCode.error, 77]) {
      const writer = new JuteWriter().int(type).boolean(false).int(-1);
      const bytes = writer.raw(encoded(MULTI)).take();
      assert.throws(() => decoded(OpCode.multi, bytes), JuteError);
    }
  });

  it('refuses lists that claim more than the frame can hold', () => {
    const claims = [
      [OpCode.create, '00000001 2f 00000000 7fffffff 00000000'],
      [OpCode.setAcl, '00000001 2f 7fffffff 00000000'],
      [OpCode.setWatches, '0000000000000000 7fffffff 00000000'],
    ] as const;
    for (const [opCode, bytes] of claims) {
      assert.throws(() => decoded(opCode, hex(bytes)), /vector of 2147483647 does not fit/);
    }
  });

  it('refuses a null path, but where it is one of the bad paths', () => {
    const path = Buffer.alloc(4, 0xff);
    const rest = Buffer.alloc(20);
    for (const type of [OpCode.create, OpCode.delete, OpCode.exists, OpCode.getAcl, OpCode.sync]) {
      assert.throws(() => decoded(type, Buffer.concat([path, rest])), /path is null/, `${type}`);
    }
    const set = { type: OpCode.setData, path: '', data: null, version: 1 };
    assert.deepEqual(decoded(OpCode.setData, hex('ffffffff ffffffff 00000001')), set);
  });

  it('reads null watch lists as none', () => {
    const watches = hex('0000000000000001 ffffffff 00000000 ffffffff');
    assert.deepEqual(decoded(OpCode.setWatches, watches), {
      type: OpCode.setWatches,
      relativeZxid: 1,
      dataWatches: [],
      existWatches: [],
      childWatches: [],
      persistentWatches: [],
      recursiveWatches: [],
    });
  });
});
