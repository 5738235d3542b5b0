/**
 * Which check fails first, request by request: clients see the code, so the order is a contract.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ErrorCode } from '../../node/core/request/error-code.ts';
import { OpCode } from '../../node/core/request/op-code.ts';
import type { WriteRequest } from '../../node/core/request/requests.ts';
import { type AclList, ANYONE, OPEN_ACL_UNSAFE, Perms } from '../../node/core/tree/acl.ts';
import { TreeImage } from '../../node/core/tree/tree-image.ts';
import { recordOf } from '../../node/core/tree/znode.ts';
import {
  check,
  create,
  errOf,
  multi,
  remove,
  setAcl,
  setData,
  TreeDriver,
} from '../helpers/tree-driver.ts';

function anyone(perms: number): AclList {
  return [{ perms, id: ANYONE }];
}

/** /open, /open/child, /locked (no permission at all), /locked/child, /ephemeral. */
function setUp(skipAcl = false): TreeDriver {
  const driver = new TreeDriver(undefined, skipAcl);
  driver.write(create('/open'));
  driver.write(create('/open/child'));
  driver.write(create('/ephemeral', 1));
  driver.write(create('/locked'));
  driver.write(create('/locked/child'));
  driver.write(setAcl('/locked', [{ perms: Perms.all, id: { scheme: 'ip', id: '9.9.9.9' } }]));
  return driver;
}

const BAD_ACL: AclList = [{ perms: 31, id: { scheme: 'auth', id: '' } }];

const CASES: readonly (readonly [string, WriteRequest, ErrorCode])[] = [
  ['create with flags out of range', create('/x', 7), ErrorCode.badArguments],
  ['create with negative flags', create('/x', -1), ErrorCode.badArguments],
  ['create in TTL mode without a TTL', create('/x', 5), ErrorCode.badArguments],
  ['create with a bad mode before a bad list', create('bad', 9, BAD_ACL), ErrorCode.badArguments],
  ['create without a slash before a bad list', create('x', 0, BAD_ACL), ErrorCode.badArguments],
  ['create with a NUL before a bad list', create('/\0', 0, BAD_ACL), ErrorCode.badArguments],
  ['create with a bad list before the parent', create('/no/x', 0, BAD_ACL), ErrorCode.invalidAcl],
  ['create with a null list', create('/x', 0, null), ErrorCode.invalidAcl],
  ['create without a parent before bad syntax', create('/no/..', 0), ErrorCode.noNode],
  ['create that does not start with a slash', create('open/x'), ErrorCode.noNode],
  ['create without permission before bad syntax', create('/locked/..', 0), ErrorCode.noAuth],
  ['create with a bad path', create('/open/..', 0), ErrorCode.badArguments],
  ['create that ends with a slash', create('/open/', 0), ErrorCode.badArguments],
  ['create of the root', create('/'), ErrorCode.nodeExists],
  ['create of what exists', create('/open/child'), ErrorCode.nodeExists],
  ['create without permission of what exists', create('/locked/child'), ErrorCode.noAuth],
  ['create under an ephemeral', create('/ephemeral/x'), ErrorCode.noChildrenForEphemerals],
  ['delete without a slash', remove('open'), ErrorCode.badArguments],
  ['delete of the root', remove('/'), ErrorCode.badArguments],
  ['delete of /zookeeper', remove('/zookeeper'), ErrorCode.badArguments],
  ['delete of /zookeeper/quota', remove('/zookeeper/quota'), ErrorCode.badArguments],
  ['delete of /zookeeper/config', remove('/zookeeper/config'), ErrorCode.badArguments],
  ['delete without a parent', remove('/no/x'), ErrorCode.noNode],
  ['delete without permission before existence', remove('/locked/no'), ErrorCode.noAuth],
  ['delete of what is missing', remove('/open/no'), ErrorCode.noNode],
  ['delete of a malformed path is a missing one', remove('/open/'), ErrorCode.noNode],
  ['delete with a wrong version before children', remove('/open', 5), ErrorCode.badVersion],
  ['delete of a parent', remove('/open', 0), ErrorCode.notEmpty],
  ['setData of a bad path', setData('/open/', 'x'), ErrorCode.badArguments],
  ['setData of what is missing', setData('/no', 'x', 5), ErrorCode.noNode],
  ['setData without permission before version', setData('/locked', 'x', 5), ErrorCode.noAuth],
  ['setData with a wrong version', setData('/open', 'x', 5), ErrorCode.badVersion],
  ['setData of the config znode', setData('/zookeeper/config', 'x'), ErrorCode.noAuth],
  ['setAcl of a bad path before a bad list', setAcl('x', null), ErrorCode.badArguments],
  ['setAcl with a bad list before existence', setAcl('/no', BAD_ACL), ErrorCode.invalidAcl],
  ['setAcl of what is missing', setAcl('/no', OPEN_ACL_UNSAFE), ErrorCode.noNode],
  [
    'setAcl without permission before version',
    setAcl('/locked', OPEN_ACL_UNSAFE, 5),
    ErrorCode.noAuth,
  ],
  ['setAcl with a wrong version', setAcl('/open', OPEN_ACL_UNSAFE, 5), ErrorCode.badVersion],
];
for (const [what, request, expected] of CASES) {
  test(`${what} fails with ${expected}`, () => {
    assert.equal(errOf(setUp().propose(request)), expected);
  });
}

const CHECK_CASES: readonly (readonly [string, string, number, ErrorCode])[] = [
  ['a bad path', 'open', 0, ErrorCode.badArguments],
  ['a missing znode', '/no', 0, ErrorCode.noNode],
  ['no permission before version', '/locked', 5, ErrorCode.noAuth],
  ['a wrong version', '/open', 5, ErrorCode.badVersion],
];
for (const [what, path, version, expected] of CHECK_CASES) {
  test(`check with ${what} fails with ${expected}`, () => {
    const txn = setUp().propose(multi(check(path, version)));
    assert.deepEqual(txn, { type: OpCode.multi, txns: [{ type: OpCode.error, err: expected }] });
  });
}

for (const request of [create('/'), remove('/'), setData('x', ''), setAcl('x', null)]) {
  test(`the session is checked before all else, op ${request.type}`, () => {
    for (const sessionError of [ErrorCode.sessionExpired, ErrorCode.sessionMoved]) {
      assert.equal(errOf(setUp().propose(request, { sessionError })), sessionError);
    }
  });
}

test('only a bad create mode is found before the session', () => {
  const sessionError = ErrorCode.sessionMoved;
  assert.equal(errOf(setUp().propose(create('/x', 7), { sessionError })), ErrorCode.badArguments);
});

test('each permission opens its operation and no other', () => {
  const operations: readonly (readonly [number, WriteRequest])[] = [
    [Perms.create, create('/p/new')],
    [Perms.delete, remove('/p/child')],
    [Perms.write, setData('/p', 'x')],
    [Perms.admin, setAcl('/p', OPEN_ACL_UNSAFE)],
  ];
  for (const perms of [Perms.create, Perms.delete, Perms.write, Perms.admin, Perms.read]) {
    const driver = new TreeDriver();
    driver.write(create('/p'));
    driver.write(create('/p/child'));
    driver.write(setAcl('/p', anyone(perms)));
    for (const [needed, request] of operations) {
      const { preparer } = driver;
      const err = errOf(driver.propose(request));
      assert.equal(err, needed === perms ? ErrorCode.ok : ErrorCode.noAuth);
      preparer.reset();
    }
  }
});

test('a caller with the right id passes', () => {
  const ids = [{ scheme: 'ip', id: '9.9.9.9' }];
  assert.equal(errOf(setUp().propose(setData('/locked', 'x'), { ids })), ErrorCode.ok);
});

test('skipAcl drops the permissions but not the validity of lists', () => {
  const driver = setUp(true);
  assert.equal(errOf(driver.propose(setData('/locked', 'x'))), ErrorCode.ok);
  assert.equal(errOf(driver.propose(setAcl('/locked', []))), ErrorCode.invalidAcl);
});

test('setData and setAcl state the version after the change', () => {
  const driver = setUp();
  driver.write(setData('/open', '1', 0));
  const data = driver.propose(setData('/open', '2', 1));
  assert.ok(data.type === OpCode.setData && data.version === 2);
  const acl = driver.propose(setAcl('/open', OPEN_ACL_UNSAFE, 0));
  assert.ok(acl.type === OpCode.setAcl && acl.aversion === 1);
});

test('auth in a list becomes the caller in the transaction', () => {
  const id = { scheme: 'digest', id: 'ann:hash' };
  const txn = setUp().propose(create('/mine', 0, BAD_ACL), { ids: [id] });
  assert.ok(txn.type === OpCode.create2);
  assert.deepEqual(txn.acl, [{ perms: 31, id }]);
});

for (const [before, after] of [
  [2147483647, -2147483648],
  [-2, 0],
] as const) {
  test(`version ${before} is followed by ${after}`, () => {
    const driver = setUp();
    const image = new TreeImage();
    for (const node of driver.tree.all()) {
      const record = recordOf(node);
      image.addNode(record.path === '/open' ? { ...record, version: before } : record);
    }
    const txn = new TreeDriver(image.finish(50)).propose(setData('/open', 'x'));
    assert.ok(txn.type === OpCode.setData && txn.version === after);
  });
}
