import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Prng } from '../../node/core/prng.ts';
import { SessionId } from '../../node/core/session-id.ts';
import { OPEN_ACL_UNSAFE } from '../../node/core/tree/acl.ts';
import type { Stat } from '../../node/core/tree/stat.ts';
import { JuteError } from '../../node/jute/errors.ts';
import { JuteReader } from '../../node/jute/reader.ts';
import {
  readAclList,
  readIds,
  readStat,
  readStrings,
  STAT_BYTES,
  writeAclList,
  writeIds,
  writeStat,
  writeStrings,
} from '../../node/jute/records.ts';
import { JuteWriter } from '../../node/jute/writer.ts';
import { assertCutsRefused, hex } from '../helpers/jute.ts';

function written(write: (writer: JuteWriter) => void): Buffer {
  const writer = new JuteWriter(1);
  write(writer);
  return writer.take();
}

describe('jute primitives', () => {
  it('writes integers big-endian', () => {
    assert.deepEqual(
      written((w) => w.int(1).int(-2).int(0x7fffffff)),
      hex('00000001 fffffffe 7fffffff'),
    );
  });

  it('keeps every long that a double holds', () => {
    const values = [0, 1, -1, -2, 2 ** 31, 2 ** 32, -(2 ** 32) - 1, 2 ** 53 - 1, -(2 ** 63)];
    for (const value of values) {
      const bytes = written((w) => w.long(value));
      assert.equal(bytes.readBigInt64BE(), BigInt(value));
      assert.equal(new JuteReader(bytes).long(), value);
    }
    assert.deepEqual(
      written((w) => w.long(2 ** 63)),
      hex('7fffffff ffffffff'),
    );
  });

  it('agrees with 64-bit arithmetic on random longs', () => {
    const prng = new Prng(1);
    for (let i = 0; i < 2000; i += 1) {
      const value = prng.below(2 ** 21) * 2 ** 32 + prng.next();
      const signed = prng.oneIn(2) ? -value : value;
      assert.equal(written((w) => w.long(signed)).readBigInt64BE(), BigInt(signed));
    }
  });

  it('keeps all 64 bits of a session id', () => {
    const session = SessionId.fromBigInt(0xfedcba9876543210n);
    const bytes = written((w) => w.session(session));
    assert.deepEqual(bytes, hex('fedcba98 76543210'));
    assert.ok(new JuteReader(bytes).session().equals(session));
  });

  it('tells null from empty in strings, buffers and vectors', () => {
    const bytes = written((w) => w.string(null).string('').buffer(null).buffer(Buffer.alloc(0)));
    assert.deepEqual(bytes, hex('ffffffff 00000000 ffffffff 00000000'));
    const reader = new JuteReader(bytes);
    assert.equal(reader.stringOrNull(), null);
    assert.equal(reader.stringOrNull(), '');
    assert.equal(reader.bufferOrNull(), null);
    assert.equal(reader.bufferOrNull()?.length, 0);
    reader.finish('test');
    const vectors = new JuteReader(hex('ffffffff 00000000'));
    assert.equal(
      vectors.vectorOrNull(4, (r) => r.int()),
      null,
    );
    assert.deepEqual(
      vectors.vectorOrNull(4, (r) => r.int()),
      [],
    );
  });

  it('counts the bytes of a string, not its UTF-16 units', () => {
    for (const text of ['é', '日本', 'a\u{1f600}b', 'x'.repeat(1000)]) {
      const bytes = written((w) => w.string(text));
      assert.equal(bytes.readInt32BE(), Buffer.byteLength(text));
      assert.equal(new JuteReader(bytes).string(), text);
    }
  });

  it('hands buffers out as views', () => {
    const bytes = hex('00000002 0a0b');
    const view = new JuteReader(bytes).bufferOrNull();
    bytes[4] = 0xff;
    assert.deepEqual(view, hex('ff0b'));
  });

  it('refuses what is short, negative or no boolean', () => {
    const refused = (text: string, read: (reader: JuteReader) => unknown) =>
      assert.throws(() => read(new JuteReader(hex(text))), JuteError);
    refused('000000', (r) => r.int());
    refused('00000000000000', (r) => r.long());
    refused('', (r) => r.boolean());
    refused('02', (r) => r.boolean());
    refused('fffffffe', (r) => r.string());
    refused('80000000', (r) => r.bufferOrNull());
    refused('fffffffe', (r) => r.vectorLength(1));
    refused('00000005 61626364', (r) => r.string());
    refused('7fffffff 61626364', (r) => r.bufferOrNull());
    refused('00', (r) => r.finish('test'));
    refused('000000', (r) => r.peekInt());
  });

  it('refuses a vector that cannot fit before it reads an item', () => {
    let items = 0;
    const reader = new JuteReader(Buffer.concat([hex('7fffffff'), Buffer.alloc(4000)]));
    assert.throws(
      () =>
        reader.vectorOrNull(4, () => {
          items += 1;
          return items;
        }),
      /vector of 2147483647 does not fit in 4000 bytes/,
    );
    assert.equal(items, 0);
  });

  it('reads only between start and end', () => {
    const reader = new JuteReader(hex('00000001 00000002 00000003'), 4, 8);
    assert.equal(reader.peekInt(), 2);
    assert.equal(reader.int(), 2);
    assert.equal(reader.remaining, 0);
    assert.throws(() => reader.int(), JuteError);
    assert.equal(reader.rest().length, 0);
    assert.equal(new JuteReader(hex('aabb'), 0, 1).skip(hex('aabb')), false);
  });

  it('grows, patches, takes copies and can be reused', () => {
    const writer = new JuteWriter(1);
    const at = writer.reserveInt();
    writer.raw(Buffer.alloc(100, 7)).patchInt(at, writer.length - 4);
    const first = writer.take();
    assert.equal(writer.length, 0);
    writer.int(-1);
    assert.equal(first.readInt32BE(), 100);
    assert.equal(first.length, 104);
    assert.deepEqual(writer.view(), hex('ffffffff'));
    assert.equal(writer.reset().length, 0);
  });
});

const STAT: Stat = {
  czxid: 0x0000_0005_0000_0001,
  mzxid: 0x0000_0005_0000_0002,
  ctime: 1_700_000_000_000,
  mtime: 1_700_000_000_001,
  version: 3,
  cversion: -1,
  aversion: 4,
  ephemeralOwner: new SessionId(0x01000000, 0xabcdef01),
  dataLength: 5,
  numChildren: 6,
  pzxid: 0x0000_0005_0000_0003,
};

describe('jute records', () => {
  it('lays a Stat out in 68 bytes', () => {
    const bytes = written((w) => writeStat(w, STAT));
    assert.equal(bytes.length, STAT_BYTES);
    assert.deepEqual(
      bytes,
      hex(`0000000500000001 0000000500000002 0000018bcfe56800 0000018bcfe56801
           00000003 ffffffff 00000004 01000000abcdef01 00000005 00000006 0000000500000003`),
    );
    assert.deepEqual(readStat(new JuteReader(bytes)), STAT);
  });

  it('reads the open list as the shared one, and other lists as they are', () => {
    const open = hex('00000001 0000001f 00000005 776f726c64 00000006 616e796f6e65');
    assert.deepEqual(
      written((w) => writeAclList(w, OPEN_ACL_UNSAFE)),
      open,
    );
    assert.equal(readAclList(new JuteReader(open)), OPEN_ACL_UNSAFE);
    const equal = OPEN_ACL_UNSAFE.map((acl) => ({ ...acl }));
    assert.deepEqual(
      written((w) => writeAclList(w, equal)),
      open,
    );
    const other = [
      { perms: 1, id: { scheme: 'world', id: 'anyone' } },
      { perms: 31, id: { scheme: 'digest', id: 'bob:x=' } },
    ];
    const bytes = written((w) => writeAclList(w, other));
    assert.deepEqual(readAclList(new JuteReader(bytes)), other);
    assert.equal(readAclList(new JuteReader(hex('ffffffff'))), null);
    assert.deepEqual(readAclList(new JuteReader(hex('00000000'))), []);
    assert.deepEqual(
      written((w) => writeAclList(w, null)),
      hex('ffffffff'),
    );
  });

  it('refuses every cut of a list', () => {
    const decodeAcl = (bytes: Buffer) => {
      const reader = new JuteReader(bytes);
      readAclList(reader);
      reader.finish('list');
    };
    assertCutsRefused(
      written((w) => writeAclList(w, OPEN_ACL_UNSAFE)),
      decodeAcl,
    );
    assertCutsRefused(
      written((w) => writeAclList(w, [{ perms: 1, id: { scheme: 'ip', id: '::1' } }])),
      decodeAcl,
    );
  });

  it('reads null lists of ids and strings as empty ones', () => {
    const ids = [{ scheme: 'ip', id: '127.0.0.1' }];
    const bytes = written((w) => {
      writeIds(w, ids);
      writeStrings(w, ['/a', '']);
    });
    const reader = new JuteReader(bytes);
    assert.deepEqual(readIds(reader), ids);
    assert.deepEqual(readStrings(reader), ['/a', '']);
    reader.finish('lists');
    const nulls = new JuteReader(hex('ffffffff ffffffff'));
    assert.deepEqual(readIds(nulls), []);
    assert.deepEqual(readStrings(nulls), []);
  });
});
