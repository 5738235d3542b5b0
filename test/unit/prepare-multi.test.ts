/** What becomes of the creates in a multi: there the mode counts, not the op code. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ErrorCode } from '../../node/core/request/error-code.ts';
import { OpCode } from '../../node/core/request/op-code.ts';
import { CreateMode, type CreateRequest } from '../../node/core/request/requests.ts';
import { ownerKind } from '../../node/core/tree/owner.ts';
import { create, errOf, multi, TreeDriver } from '../helpers/tree-driver.ts';

function createAs(type: CreateRequest['type'], flags: number, ttlMs = 0): CreateRequest {
  return { ...create('/a', flags), type, ttlMs };
}

function kindOf(op: CreateRequest): readonly [txn: number, owner: string] {
  const driver = new TreeDriver();
  const result = driver.write(multi(op));
  const node = [...driver.tree.all()].at(-1);
  assert.ok(node !== undefined);
  assert.match(node.path, /^\/a/);
  return [result.results?.[0]?.type ?? 0, ownerKind(node.ephemeralOwner)];
}

test('a create2 is a create: another server could not apply it', () => {
  assert.deepEqual(kindOf(createAs(OpCode.create2, CreateMode.persistent)), [
    OpCode.create,
    'none',
  ]);
  const sequential = createAs(OpCode.create2, CreateMode.ephemeralSequential);
  assert.deepEqual(kindOf(sequential), [OpCode.create, 'session']);
});

test('the mode of a container makes one, and no other mode does', () => {
  const container = [OpCode.createContainer, 'container'];
  for (const type of [OpCode.create, OpCode.create2, OpCode.createContainer, OpCode.createTtl]) {
    assert.deepEqual(kindOf(createAs(type, CreateMode.container, 5)), container);
  }
  const ephemeral = createAs(OpCode.createContainer, CreateMode.ephemeral);
  assert.deepEqual(kindOf(ephemeral), [OpCode.create, 'session']);
});

test('a TTL counts with a mode that has one', () => {
  const withTtl = createAs(OpCode.createTtl, CreateMode.persistentWithTtl, 5);
  assert.deepEqual(kindOf(withTtl), [OpCode.createTtl, 'ttl']);
  assert.deepEqual(kindOf(createAs(OpCode.createTtl, CreateMode.persistent, 5)), [
    OpCode.create,
    'none',
  ]);
});

test('a mode with a TTL and no TTL spoils the whole request, and leaves nothing behind', () => {
  const driver = new TreeDriver();
  const bad = createAs(OpCode.create, CreateMode.persistentSequentialWithTtl);
  const txn = driver.propose(multi(create('/b'), bad));
  assert.deepEqual(txn, { type: OpCode.error, err: ErrorCode.marshallingError });
  assert.equal(errOf(driver.propose(create('/b'))), ErrorCode.ok);
  // What failed before it was looked at has its own error.
  const first = driver.propose(multi(create('/b'), bad));
  assert.equal(first.type, OpCode.multi);
});
