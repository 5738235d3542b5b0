import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ErrorCode } from '../../node/core/request/error-code.ts';
import { OpCode } from '../../node/core/request/op-code.ts';
import { sequence } from '../../node/core/request/prepare-create.ts';
import { CreateMode } from '../../node/core/request/requests.ts';
import { ownerKind } from '../../node/core/tree/owner.ts';
import { TreeImage } from '../../node/core/tree/tree-image.ts';
import { recordOf } from '../../node/core/tree/znode.ts';
import { create, errOf, remove, SESSION, TreeDriver } from '../helpers/tree-driver.ts';

function pathOf(driver: TreeDriver, path: string, flags: number): string | null {
  return driver.write(create(path, flags)).path;
}

test('the suffix is formatted as Java formats %010d', () => {
  assert.deepEqual([0, 7, 2147483647, -1, -2147483648].map(sequence), [
    '0000000000',
    '0000000007',
    '2147483647',
    '-000000001',
    '-2147483648',
  ]);
});

test('sequential znodes are numbered by the creates under their parent', () => {
  const driver = new TreeDriver();
  driver.write(create('/q'));
  const flags = CreateMode.persistentSequential;
  assert.equal(pathOf(driver, '/q/n-', flags), '/q/n-0000000000');
  driver.write(create('/q/other'));
  driver.write(remove('/q/other'));
  assert.equal(pathOf(driver, '/q/n-', flags), '/q/n-0000000002');
});

test('a sequential znode may be named by its number alone', () => {
  const driver = new TreeDriver();
  driver.write(create('/q'));
  assert.equal(pathOf(driver, '/q/', CreateMode.persistentSequential), '/q/0000000000');
});

test('sequential creates on their way do not collide', () => {
  const driver = new TreeDriver();
  const paths = [1, 2, 3].map(() => {
    const txn = driver.propose(create('/n', CreateMode.ephemeralSequential));
    return txn.type === OpCode.create2 ? txn.path : null;
  });
  assert.deepEqual(paths, ['/n0000000000', '/n0000000001', '/n0000000002']);
});

test('an ephemeral belongs to the session that asks', () => {
  const driver = new TreeDriver();
  driver.write(create('/e', CreateMode.ephemeral));
  assert.ok(driver.tree.get('/e')?.ephemeralOwner.equals(SESSION));
});

test('a create states the number of creates that the parent has seen', () => {
  const driver = new TreeDriver();
  driver.write(create('/a'));
  const txn = driver.propose(create('/b'));
  assert.ok(txn.type === OpCode.create2 && txn.parentCversion === 2);
});

test('create keeps its op code, so that the answer has the right form', () => {
  const driver = new TreeDriver();
  const result = driver.write({ ...create('/a'), type: OpCode.create });
  assert.deepEqual([result.type, result.stat], [OpCode.create, null]);
});

test('a container is made by its own operation whatever the flags', () => {
  const driver = new TreeDriver();
  driver.write({ ...create('/c', CreateMode.container), type: OpCode.createContainer });
  assert.equal(ownerKind(driver.tree.get('/c')?.ephemeralOwner ?? SESSION), 'container');
  driver.write(create('/plain', CreateMode.container));
  assert.equal(ownerKind(driver.tree.get('/plain')?.ephemeralOwner ?? SESSION), 'none');
});

test('a znode with a time to live takes its mode and its TTL', () => {
  const driver = new TreeDriver();
  const request = { ...create('/t', CreateMode.persistentWithTtl), type: OpCode.createTtl };
  driver.write({ ...request, ttlMs: 1000 });
  assert.equal(driver.tree.get('/t')?.ephemeralOwner.toString(), '0xff000000000003e8');
  const flags = CreateMode.persistentSequentialWithTtl;
  assert.equal(driver.write({ ...request, flags, ttlMs: 1000 }).path, '/t0000000001');
});

for (const [flags, ttlMs] of [
  [CreateMode.persistentWithTtl, 0],
  [CreateMode.persistentWithTtl, -1],
  [CreateMode.persistentWithTtl, 2 ** 40],
  // ZooKeeper lets the next one pass and cannot apply what it makes of it.
  [CreateMode.persistent, -1],
  [CreateMode.persistent, 1000],
  [CreateMode.ephemeral, 1000],
] as const) {
  test(`createTtl with flags ${flags} and a TTL of ${ttlMs} ms is refused`, () => {
    const request = { ...create('/t', flags), type: OpCode.createTtl, ttlMs };
    assert.equal(errOf(new TreeDriver().propose(request)), ErrorCode.badArguments);
  });
}

test('containers and TTL znodes may have children, ephemerals on their way may not', () => {
  const driver = new TreeDriver();
  driver.propose({ ...create('/c', CreateMode.container), type: OpCode.createContainer });
  assert.equal(errOf(driver.propose(create('/c/x'))), ErrorCode.ok);
  driver.propose(create('/e', CreateMode.ephemeral));
  assert.equal(errOf(driver.propose(create('/e/x'))), ErrorCode.noChildrenForEphemerals);
});

test('a counter of creates that wraps does the same on its way and in the tree', () => {
  for (const isPipelined of [false, true]) {
    const image = new TreeImage();
    for (const node of new TreeDriver().tree.all()) {
      const record = recordOf(node);
      image.addNode(record.path === '/' ? { ...record, cversion: 2147483646 } : record);
    }
    const driver = new TreeDriver(image.finish(1));
    const seen = [1, 2, 3].map(() => {
      const txn = driver.propose(create('/n', CreateMode.persistentSequential));
      if (!isPipelined) driver.commit();
      return txn.type === OpCode.create2 ? [txn.path, txn.parentCversion] : errOf(txn);
    });
    assert.deepEqual(seen, [
      ['/n2147483646', 2147483647],
      ['/n2147483647', -2147483648],
      ErrorCode.nodeExists,
    ]);
  }
});
