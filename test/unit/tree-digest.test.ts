/**
 * The expected numbers come from Apache ZooKeeper 3.8's DataTree, which was given the same
 * transactions.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OpCode } from '../../node/core/request/op-code.ts';
import { SessionId } from '../../node/core/session-id.ts';
import { OPEN_ACL_UNSAFE, READ_ACL_UNSAFE } from '../../node/core/tree/acl.ts';
import { DataTree } from '../../node/core/tree/data-tree.ts';
import { treeDigest } from '../../node/core/tree/digest.ts';
import type { Data, Txn } from '../../node/core/tree/txn.ts';
import { encodeUtf8 } from '../../node/core/tree/utf8.ts';
import { statOf } from '../../node/core/tree/znode.ts';
import { bytes } from '../helpers/tree-driver.ts';

const session = SessionId.fromBigInt(0x100abcdef120000n);
const acl = OPEN_ACL_UNSAFE;

function create(path: string, data: Data, ephemeral: boolean, parentCversion: number): Txn {
  return { type: OpCode.create, path, data, acl, ephemeral, parentCversion };
}

const data = bytes('');
const STEPS: readonly (readonly [number, Txn, bigint])[] = [
  [0x100000001, { type: OpCode.createSession, timeoutMs: 30000 }, 1371985504n],
  [0x100000002, create('/app', bytes('hello'), false, 1), 7074928431n],
  [0x100000003, create('/app/é€', null, true, 1), 7341932646n],
  [
    0x100000004,
    { type: OpCode.createContainer, path: '/box', data, acl, parentCversion: 2 },
    8686207071n,
  ],
  [
    0x100000005,
    {
      type: OpCode.createTtl,
      path: '/soon',
      data: Uint8Array.of(1, 2, 255),
      acl,
      parentCversion: 3,
      ttlMs: 0x123456789a,
    },
    10161408469n,
  ],
  [
    0x100000006,
    { type: OpCode.setData, path: '/app', data: bytes('world!'), version: 1 },
    10165444439n,
  ],
  [
    0x100000007,
    { type: OpCode.setAcl, path: '/app', acl: READ_ACL_UNSAFE, aversion: 1 },
    9977031578n,
  ],
  [0x100000008, { type: OpCode.setData, path: '/', data: bytes('root'), version: 1 }, 10946514064n],
  [0x100000009, create('/zookeeper/quota/app', null, false, 1), 10946514064n],
  [0x10000000a, { type: OpCode.delete, path: '/box' }, 5566552576n],
  [0x10000000b, create('/app/x', null, true, 2), 6242748077n],
  [0x200000001, { type: OpCode.closeSession, paths: ['/app/x', '/app/é€'] }, 6385127792n],
  // The counter of created children wraps.
  [0x200000002, create('/app/max', null, false, 2147483647), 9648415052n],
  [0x200000003, create('/app/wrapped', null, false, -2147483648), 10883281397n],
  // A session that lists a path which is gone.
  [0x200000004, { type: OpCode.closeSession, paths: ['/app/gone'] }, 8949583797n],
];

test('the digest follows that of Apache ZooKeeper through every kind of transaction', () => {
  const tree = new DataTree();
  assert.equal(treeDigest(tree), 1371985504n);
  let timeMs = 1_700_000_000_000;
  for (const [zxid, txn, expected] of STEPS) {
    timeMs += 1;
    tree.apply({ session, cxid: 0, zxid, timeMs }, txn);
    assert.equal(treeDigest(tree), expected, `after ${zxid.toString(16)}`);
  }
});

test('stats follow those of Apache ZooKeeper', () => {
  const tree = new DataTree();
  let timeMs = 1_700_000_000_000;
  for (const [zxid, txn] of STEPS) {
    timeMs += 1;
    tree.apply({ session, cxid: 0, zxid, timeMs }, txn);
  }
  const node = tree.get('/app');
  assert.ok(node !== undefined);
  assert.deepEqual(
    { ...statOf(node), ephemeralOwner: 0 },
    {
      czxid: 4294967298,
      mzxid: 4294967302,
      ctime: 1700000000002,
      mtime: 1700000000006,
      version: 1,
      cversion: -4,
      aversion: 1,
      ephemeralOwner: 0,
      dataLength: 6,
      numChildren: 2,
      pzxid: 8589934596,
    },
  );
});

test('UTF-8 is what the platform makes of the text', () => {
  for (const text of ['', 'plain', 'é', '€', '😀 x', '\ud800', 'a\udc00b', '\u07ff\u0800\uffff']) {
    assert.deepEqual(encodeUtf8(text), new TextEncoder().encode(text), JSON.stringify(text));
  }
});
