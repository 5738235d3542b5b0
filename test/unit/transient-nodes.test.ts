import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ErrorCode } from '../../node/core/request/error-code.ts';
import { OpCode } from '../../node/core/request/op-code.ts';
import { Preparer } from '../../node/core/request/prepare.ts';
import { CreateMode, type WriteRequest } from '../../node/core/request/requests.ts';
import { NO_SESSION } from '../../node/core/session-id.ts';
import { OPEN_ACL_UNSAFE } from '../../node/core/tree/acl.ts';
import { DataTree } from '../../node/core/tree/data-tree.ts';
import { dueTransients } from '../../node/core/tree/transient-nodes.ts';

const RULES = { neverUsedMs: 0 };

function setUp(): { tree: DataTree; write: (request: WriteRequest, timeMs: number) => number } {
  const tree = new DataTree();
  const preparer = new Preparer(tree, { skipAcl: false });
  const write = (request: WriteRequest, timeMs: number): number => {
    const zxid = tree.lastZxid + 1;
    const session = NO_SESSION;
    const context = { session, ids: [], zxid, timeMs, sessionError: ErrorCode.ok };
    const txn = preparer.prepare(request, context);
    const { err } = tree.apply({ session, cxid: 0, zxid, timeMs }, txn);
    preparer.applied(zxid);
    return err;
  };
  return { tree, write };
}

function create(path: string, type: 1 | 19 | 21 = 1, ttlMs = 0): WriteRequest {
  const flags = type === 21 ? CreateMode.persistentWithTtl : type === 19 ? CreateMode.container : 0;
  return { type, path, data: null, acl: OPEN_ACL_UNSAFE, flags, ttlMs };
}

const remove = (path: string): WriteRequest => ({ type: OpCode.delete, path, version: -1 });

test('a container is due when its last child is gone, not before it had one', () => {
  const { tree, write } = setUp();
  write(create('/c', OpCode.createContainer), 0);
  assert.deepEqual(dueTransients(tree, 1e9, RULES, 10), []);
  write(create('/c/a'), 0);
  assert.deepEqual(dueTransients(tree, 1e9, RULES, 10), []);
  write(remove('/c/a'), 0);
  assert.deepEqual(dueTransients(tree, 0, RULES, 10), ['/c']);
});

test('a container that was never used is due after its time where there is one', () => {
  const { tree, write } = setUp();
  write(create('/c', OpCode.createContainer), 1000);
  assert.deepEqual(dueTransients(tree, 1500, { neverUsedMs: 500 }, 10), []);
  assert.deepEqual(dueTransients(tree, 1501, { neverUsedMs: 500 }, 10), ['/c']);
});

test('a TTL znode is due when it was not modified for its time and has no children', () => {
  const { tree, write } = setUp();
  write(create('/t', OpCode.createTtl, 100), 1000);
  assert.deepEqual(dueTransients(tree, 1100, RULES, 10), []);
  assert.deepEqual(dueTransients(tree, 1101, RULES, 10), ['/t']);
  write({ type: OpCode.setData, path: '/t', data: null, version: -1 }, 1200);
  assert.deepEqual(dueTransients(tree, 1300, RULES, 10), []);
  write(create('/t/child'), 1200);
  assert.deepEqual(dueTransients(tree, 9999, RULES, 10), []);
});

test('no more are due at once than the limit', () => {
  const { tree, write } = setUp();
  for (let i = 0; i < 5; i += 1) write(create(`/t${i}`, OpCode.createTtl, 1), 0);
  assert.deepEqual(dueTransients(tree, 100, RULES, 2), ['/t0', '/t1']);
});

test('the deletion is refused when a child has come, or the path is another znode now', () => {
  const { tree, write } = setUp();
  const purge = (path: string): WriteRequest => ({ type: OpCode.deleteContainer, path });
  write(create('/c', OpCode.createContainer), 0);
  write(create('/c/a'), 0);
  assert.equal(write(purge('/c'), 0), ErrorCode.notEmpty);
  write(create('/plain'), 0);
  assert.equal(write(purge('/plain'), 0), ErrorCode.badVersion);
  assert.equal(write(purge('/none'), 0), ErrorCode.noNode);
  write(remove('/c/a'), 0);
  assert.equal(write(purge('/c'), 0), ErrorCode.ok);
  assert.equal(tree.get('/c'), undefined);
  assert.deepEqual([...tree.transientNodes()], []);
});
