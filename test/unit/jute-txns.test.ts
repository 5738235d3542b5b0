import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { OpCode } from '../../node/core/request/op-code.ts';
import { OPEN_ACL_UNSAFE } from '../../node/core/tree/acl.ts';
import type { Txn } from '../../node/core/tree/txn.ts';
import { JuteError } from '../../node/jute/errors.ts';
import { decodeTxn, decodeTxnHeader, encodeTxn, txnHeaderType } from '../../node/jute/txns.ts';
import { JuteWriter } from '../../node/jute/writer.ts';
import { assertCutsRefused, hex } from '../helpers/jute.ts';
import { FAILED_MULTI, HEADER, TXNS } from '../helpers/jute-samples.ts';

const HEADER_HEX = '01020304fffffffa 0000002a 0000000700000009 0000018bcfe56800';
const OPEN = '00000001 0000001f 00000005 776f726c64 00000006 616e796f6e65';
const DIGEST = hex('00000002 0102030405060708');

const encoded = (txn: Txn) => encodeTxn(new JuteWriter(), HEADER, txn);

describe('transactions', () => {
  it('encodes a create byte for byte', () => {
    const txn: Txn = {
      type: OpCode.create,
      path: '/a',
      data: hex('0102'),
      acl: OPEN_ACL_UNSAFE,
      ephemeral: true,
      parentCversion: 3,
    };
    const bytes = encoded(txn);
    assert.deepEqual(
      bytes,
      hex(`${HEADER_HEX} 00000001 00000002 2f61 00000002 0102 ${OPEN} 01 00000003`),
    );
    const { header, txn: back, rest } = decodeTxn(bytes);
    assert.deepEqual(header, HEADER);
    assert.deepEqual(back, txn);
    assert.equal(rest.length, 0);
  });

  it('takes an error that carries the record of the operation it voids', () => {
    // What an Apache server sends of a failed multi that it has applied itself.
    const create = hex(`00000002 2f61 00000000 ${OPEN} 00 00000001`);
    const length = create.length.toString(16).padStart(8, '0');
    const voided = `ffffffff ${length} ${create.toString('hex')}`;
    const failed = 'ffffffff 00000004 ffffff92';
    const { txn } = decodeTxn(hex(`${HEADER_HEX} 0000000e 00000002 ${voided} ${failed}`));
    assert.deepEqual(txn, {
      type: OpCode.multi,
      txns: [
        { type: OpCode.error, err: 0 },
        { type: OpCode.error, err: -110 },
      ],
    });
  });

  it('encodes a failed multi byte for byte', () => {
    const bytes = hex(`${HEADER_HEX} 0000000e 00000003
      00000002 00000006 00000002 2f64
      ffffffff 00000004 ffffff9b
      ffffffff 00000004 fffffffe`);
    assert.deepEqual(encoded(FAILED_MULTI), bytes);
    assert.deepEqual(decodeTxn(bytes).txn, FAILED_MULTI);
  });

  it('encodes a failed write byte for byte', () => {
    const bytes = hex(`${HEADER_HEX} ffffffff ffffff92`);
    assert.deepEqual(encoded({ type: OpCode.error, err: -110 }), bytes);
    assert.equal(txnHeaderType(bytes), OpCode.error);
  });

  it('carries every transaction there and back, from any Uint8Array', () => {
    for (const txn of TXNS) {
      const bytes = encoded(txn);
      const padded = new Uint8Array(bytes.length + 7);
      padded.set(bytes, 3);
      const view = padded.subarray(3, 3 + bytes.length);
      for (const form of [bytes, view]) {
        assert.deepEqual(decodeTxn(form).txn, txn);
        assert.deepEqual(decodeTxn(form).header, HEADER);
        assert.deepEqual(decodeTxnHeader(form), HEADER);
        assert.equal(txnHeaderType(form), txn.type);
      }
    }
  });

  it('takes a digest behind any transaction and hands it out', () => {
    for (const txn of TXNS) {
      const decoded = decodeTxn(Buffer.concat([encoded(txn), DIGEST]));
      assert.deepEqual(decoded.txn, txn);
      assert.deepEqual(decoded.rest, DIGEST);
    }
  });

  it('refuses any other trailing bytes', () => {
    for (const txn of TXNS) {
      const bytes = encoded(txn);
      for (const count of [1, 4, 8, 11, 13, 24]) {
        // A vector count of 0 is how closeSession begins, so four zero bytes are its body.
        if (txn.type === OpCode.closeSession && txn.paths === null) continue;
        const longer = Buffer.concat([bytes, Buffer.alloc(count)]);
        assert.throws(() => decodeTxn(longer), JuteError, `${txn.type} and ${count} bytes`);
      }
    }
  });

  it('refuses every cut, but for the layouts that may end early', () => {
    for (const txn of TXNS) {
      const bytes = encoded(txn);
      assertCutsRefused(bytes, decodeTxn, earlyEnds(txn, bytes));
    }
  });
});

/**
 * A create may lack parentCVersion and closeSession its list. Twelve bytes that begin with 2 are
 * a digest there, so a list of two paths may end after eight bytes of them.
 */
function earlyEnds(txn: Txn, bytes: Buffer): number[] {
  if (txn.type === OpCode.create) return [bytes.length - 4];
  if (txn.type !== OpCode.closeSession || txn.paths === null) return [];
  return txn.paths.length === 2 ? [32, 44] : [32];
}

describe('transactions of older servers', () => {
  it('reads a create without parentCVersion', () => {
    const bytes = hex(`${HEADER_HEX} 00000001 00000002 2f61 ffffffff ${OPEN} 00`);
    assert.deepEqual(decodeTxn(bytes).txn, {
      type: OpCode.create,
      path: '/a',
      data: null,
      acl: OPEN_ACL_UNSAFE,
      ephemeral: false,
      parentCversion: -1,
    });
    // Only create, only alone: create2 came with parentCVersion, and multi did too.
    bytes[31] = OpCode.create2;
    assert.throws(() => decodeTxn(bytes), JuteError);
    const record = bytes.subarray(32);
    const writer = new JuteWriter().raw(hex(`${HEADER_HEX} 0000000e 00000001 00000001`));
    assert.throws(() => decodeTxn(writer.buffer(record).take()), JuteError);
  });

  it('reads closeSession without a body, with and without a digest', () => {
    const bare = hex(`${HEADER_HEX} fffffff5`);
    assert.deepEqual(decodeTxn(bare).txn, { type: OpCode.closeSession, paths: null });
    const decoded = decodeTxn(Buffer.concat([bare, DIGEST]));
    assert.deepEqual(decoded.txn, { type: OpCode.closeSession, paths: null });
    assert.deepEqual(decoded.rest, DIGEST);
  });

  it('does not take a list of twelve bytes for a digest', () => {
    const bytes = hex(`${HEADER_HEX} fffffff5 00000001 00000004 2f616263`);
    assert.deepEqual(decodeTxn(bytes).txn, { type: OpCode.closeSession, paths: ['/abc'] });
  });
});

describe('transactions that are none', () => {
  it('names a type that is not known', () => {
    for (const type of [0, 3, 99]) {
      const bytes = new JuteWriter().raw(hex(HEADER_HEX)).int(type).take();
      assert.throws(() => decodeTxn(bytes), {
        name: 'JuteError',
        message: `transaction type ${type} is not known`,
      });
    }
    const nested = hex(`${HEADER_HEX} 0000000e 00000001 0000000e 00000004 00000000`);
    assert.throws(() => decodeTxn(nested), /transaction type 14 is not known/);
  });

  it('refuses a part of a multi that is null, short or long', () => {
    for (const body of ['ffffffff', '00000003 000000', '00000005 ffffff9bff', '00000009 ff']) {
      const bytes = hex(`${HEADER_HEX} 0000000e 00000001 ffffffff ${body}`);
      assert.throws(() => decodeTxn(bytes), JuteError, body);
    }
  });

  it('refuses counts that the bytes cannot hold', () => {
    for (const type of ['0000000e', 'fffffff5']) {
      const bytes = hex(`${HEADER_HEX} ${type} 7fffffff 0000000000000000`);
      assert.throws(() => decodeTxn(bytes), /vector of 2147483647 does not fit in 8 bytes/);
    }
  });

  it('refuses a header that is short', () => {
    for (let length = 0; length < 32; length += 1) {
      assert.throws(() => txnHeaderType(new Uint8Array(length)), JuteError);
      assert.throws(() => decodeTxnHeader(new Uint8Array(length)), JuteError);
    }
  });
});
