import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { InvariantError } from '../../node/core/invariant.ts';
import { OpCode } from '../../node/core/request/op-code.ts';
import type { TxnResult } from '../../node/core/tree/txn-result.ts';
import { JuteError } from '../../node/jute/errors.ts';
import { JuteReader } from '../../node/jute/reader.ts';
import * as replies from '../../node/jute/replies.ts';
import * as decoder from '../../node/jute/reply-decoder.ts';
import { JuteWriter } from '../../node/jute/writer.ts';
import { assertCutsRefused, hex } from '../helpers/jute.ts';
import { ACL, MULTI_RESULTS, STAT } from '../helpers/jute-samples.ts';

const ZXID = 0x0000_0003_0000_0005;
const HEADER = '00000009 0000000300000005 00000000';
const STAT_HEX = `0000000200000011 0000000200000012 0000018bcfe5687b 0000018bcfe569c8
  00000007 ffffffff 00000009 fffffffb00000006 0000000b 0000000c 0000000200000013`;

function frameOf(write: (writer: JuteWriter) => void): Buffer {
  const writer = new JuteWriter();
  write(writer);
  const frame = writer.take();
  assert.equal(frame.readInt32BE(), frame.length - 4, 'the length is that of the frame');
  return frame.subarray(4);
}

/** Checks header and body, and that every cut of the body is refused. */
function assertReply<T>(frame: Buffer, decode: (reader: JuteReader) => T, expected: T): void {
  const reader = new JuteReader(frame);
  assert.deepEqual(decoder.decodeReplyHeader(reader), { xid: 9, zxid: ZXID, err: 0 });
  assert.deepEqual(decode(reader), expected);
  assertCutsRefused(frame, (bytes) => {
    const cut = new JuteReader(bytes);
    decoder.decodeReplyHeader(cut);
    decode(cut);
  });
}

describe('replies', () => {
  it('writes an error and a plain success as a header', () => {
    const failed = frameOf((w) => replies.writeHeaderReply(w, 9, ZXID, -101));
    assert.deepEqual(failed, hex('00000009 0000000300000005 ffffff9b'));
    const ping = frameOf((w) => replies.writeHeaderReply(w, -2, ZXID, 0));
    assert.deepEqual(ping, hex('fffffffe 0000000300000005 00000000'));
    const done = frameOf((w) => replies.writeHeaderReply(w, 9, ZXID, 0));
    assertReply(done, decoder.decodeEmptyReply, undefined);
  });

  it('writes records that hold a path, a Stat or both', () => {
    const path = frameOf((w) => replies.writePathReply(w, 9, ZXID, '/a'));
    assert.deepEqual(path, hex(`${HEADER} 00000002 2f61`));
    assertReply(path, decoder.decodePathReply, '/a');

    const created = frameOf((w) => replies.writeCreate2Reply(w, 9, ZXID, '/a', STAT));
    assert.deepEqual(created, hex(`${HEADER} 00000002 2f61 ${STAT_HEX}`));
    assertReply(created, decoder.decodeCreate2Reply, { path: '/a', stat: STAT });

    const stat = frameOf((w) => replies.writeStatReply(w, 9, ZXID, STAT));
    assert.deepEqual(stat, hex(`${HEADER} ${STAT_HEX}`));
    assertReply(stat, decoder.decodeStatReply, STAT);
  });

  it('writes what reads yield', () => {
    const data = frameOf((w) => replies.writeGetDataReply(w, 9, ZXID, hex('0a0b'), STAT));
    assert.deepEqual(data, hex(`${HEADER} 00000002 0a0b ${STAT_HEX}`));
    assertReply(data, decoder.decodeGetDataReply, { data: hex('0a0b'), stat: STAT });
    const none = frameOf((w) => replies.writeGetDataReply(w, 9, ZXID, null, STAT));
    assertReply(none, decoder.decodeGetDataReply, { data: null, stat: STAT });

    const acl = frameOf((w) => replies.writeGetAclReply(w, 9, ZXID, ACL, STAT));
    assertReply(acl, decoder.decodeGetAclReply, { acl: ACL, stat: STAT });

    const names = ['a', 'b'];
    const children = frameOf((w) => replies.writeGetChildrenReply(w, 9, ZXID, names));
    assert.deepEqual(children, hex(`${HEADER} 00000002 00000001 61 00000001 62`));
    assertReply(children, decoder.decodeGetChildrenReply, names);
    const both = frameOf((w) => replies.writeGetChildren2Reply(w, 9, ZXID, names, STAT));
    assert.deepEqual(both, hex(`${HEADER} 00000002 00000001 61 00000001 62 ${STAT_HEX}`));
    assertReply(both, decoder.decodeGetChildren2Reply, { children: names, stat: STAT });
  });

  it('writes a watch event with xid -1 and state 3', () => {
    const frame = frameOf((w) => replies.writeWatcherEvent(w, ZXID, 4, '/a'));
    assert.deepEqual(
      frame,
      hex('ffffffff 0000000300000005 00000000 00000004 00000003 00000002 2f61'),
    );
    const reader = new JuteReader(frame);
    assert.equal(decoder.decodeReplyHeader(reader).xid, -1);
    assert.deepEqual(decoder.decodeWatcherEvent(reader), { type: 4, state: 3, path: '/a' });
  });

  it('puts several frames into one writer', () => {
    const writer = new JuteWriter(8);
    replies.writeHeaderReply(writer, 9, ZXID, 0);
    replies.writePathReply(writer, 9, ZXID, '/a');
    assert.deepEqual(writer.take(), hex(`00000010 ${HEADER} 00000016 ${HEADER} 00000002 2f61`));
  });
});

describe('multi replies', () => {
  it('frames each result with a header and ends with one that says done', () => {
    const frame = frameOf((w) => replies.writeMultiReply(w, 9, ZXID, MULTI_RESULTS));
    assert.deepEqual(
      frame,
      hex(`${HEADER}
        00000001 00 00000000 00000002 2f61
        0000000f 00 00000000 00000002 2f62 ${STAT_HEX}
        00000005 00 00000000 ${STAT_HEX}
        00000002 00 00000000
        0000000d 00 00000000
        ffffffff 00 00000000 00000000
        ffffffff 00 ffffff92 ffffff92
        ffffffff 01 ffffffff`),
    );
    assertReply(frame, decoder.decodeMultiReply, [...MULTI_RESULTS]);
  });

  it('sends createContainer and createTtl back as create2', () => {
    for (const type of [OpCode.createContainer, OpCode.createTtl]) {
      const result: TxnResult = { type, err: 0, path: '/t', stat: STAT, results: null };
      const frame = frameOf((w) => replies.writeMultiReply(w, 9, ZXID, [result]));
      assertReply(frame, decoder.decodeMultiReply, [{ ...result, type: OpCode.create2 }]);
    }
  });

  it('sends an operation that failed as an error, whatever its type', () => {
    const result: TxnResult = { type: 2, err: -101, path: null, stat: null, results: null };
    const frame = frameOf((w) => replies.writeMultiReply(w, 9, ZXID, [result]));
    assertReply(frame, decoder.decodeMultiReply, [{ ...result, type: OpCode.error }]);
  });

  it('refuses a result that cannot stand in a multi', () => {
    const result: TxnResult = { type: 7, err: 0, path: null, stat: STAT, results: null };
    assert.throws(() => frameOf((w) => replies.writeMultiReply(w, 1, 1, [result])), InvariantError);
    const bytes = hex('00000007 00 00000000 ffffffff 01 ffffffff');
    assert.throws(() => decoder.decodeMultiReply(new JuteReader(bytes)), JuteError);
  });
});

describe('the reply to a transaction', () => {
  const plain = { err: 0, path: null, stat: null, results: null };
  const same = (result: TxnResult, write: (writer: JuteWriter) => void) =>
    assert.deepEqual(
      frameOf((w) => replies.writeTxnReply(w, 9, ZXID, result)),
      frameOf(write),
    );

  it('has the record of its operation', () => {
    same({ ...plain, type: OpCode.create, path: '/a' }, (w) =>
      replies.writePathReply(w, 9, ZXID, '/a'),
    );
    for (const type of [OpCode.create2, OpCode.createContainer, OpCode.createTtl]) {
      same({ ...plain, type, path: '/a', stat: STAT }, (w) =>
        replies.writeCreate2Reply(w, 9, ZXID, '/a', STAT),
      );
    }
    for (const type of [OpCode.setData, OpCode.setAcl]) {
      same({ ...plain, type, stat: STAT }, (w) => replies.writeStatReply(w, 9, ZXID, STAT));
    }
    for (const type of [OpCode.delete, OpCode.closeSession]) {
      same({ ...plain, type }, (w) => replies.writeHeaderReply(w, 9, ZXID, 0));
    }
  });

  it('is a header for an error, but a failed multi succeeds with its results', () => {
    same({ ...plain, type: OpCode.error, err: -103 }, (w) =>
      replies.writeHeaderReply(w, 9, ZXID, -103),
    );
    same({ ...plain, type: OpCode.multi, err: -110, results: MULTI_RESULTS }, (w) =>
      replies.writeMultiReply(w, 9, ZXID, MULTI_RESULTS),
    );
  });

  it('does not exist for what is no reply, or lacks its parts', () => {
    for (const type of [OpCode.createSession, OpCode.create, OpCode.setData, OpCode.error]) {
      assert.throws(
        () => replies.writeTxnReply(new JuteWriter(), 9, ZXID, { ...plain, type }),
        InvariantError,
      );
    }
  });
});
