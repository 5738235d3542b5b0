import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Prng } from '../../node/core/prng.ts';
import type { DataTree } from '../../node/core/tree/data-tree.ts';
import { parentOf } from '../../node/core/tree/path.ts';
import type { TreeWalk, WalkedNode } from '../../node/core/tree/tree-walk.ts';
import { recordOf } from '../../node/core/tree/znode.ts';
import { randomRequest } from '../helpers/random-requests.ts';
import { CLOSE, create, remove, setData, TreeDriver } from '../helpers/tree-driver.ts';

function byPath(nodes: readonly WalkedNode[]): readonly WalkedNode[] {
  return [...nodes].sort((a, b) => (a.path < b.path ? -1 : 1));
}

function rest(walk: TreeWalk, limit = 3): WalkedNode[] {
  const out: WalkedNode[] = [];
  for (;;) {
    const some = walk.next(limit);
    assert.ok(some.length <= limit);
    if (some.length === 0) return out;
    out.push(...some);
  }
}

function copyOf(tree: DataTree): WalkedNode[] {
  return Array.from(tree.all(), recordOf);
}

function populated(): TreeDriver {
  const driver = new TreeDriver();
  for (const path of ['/a', '/a/b', '/a/b/c', '/d', '/e']) driver.write(create(path));
  return driver;
}

test('a walk of a tree at rest yields every znode once, parents first', () => {
  const { tree } = populated();
  assert.deepEqual(rest(tree.startWalk()), copyOf(tree));
});

test('a walk has the zxid and the sessions of its start', () => {
  const driver = new TreeDriver();
  driver.write({ type: -10, timeoutMs: 5000 });
  const walk = driver.tree.startWalk();
  driver.write(CLOSE);
  assert.equal(walk.zxid, 1);
  assert.deepEqual(
    walk.sessions.map(({ timeoutMs }) => timeoutMs),
    [5000],
  );
});

test('a znode that changes before its turn is yielded as it was, after its ancestors', () => {
  const driver = populated();
  const before = copyOf(driver.tree);
  const walk = driver.tree.startWalk();
  driver.write(setData('/a/b/c', 'new'));
  const walked = rest(walk);
  assert.deepEqual(
    walked.slice(0, 4).map((node) => node.path),
    ['/', '/a', '/a/b', '/a/b/c'],
  );
  assert.deepEqual(byPath(walked), byPath(before));
});

test('what is created after the start is not yielded, nor is its mark on the parent', () => {
  const driver = populated();
  const before = copyOf(driver.tree);
  const walk = driver.tree.startWalk();
  driver.write(create('/d/new'));
  assert.deepEqual(byPath(rest(walk)), byPath(before));
});

test('a znode that is deleted and created again is yielded as the first one', () => {
  const driver = populated();
  const before = copyOf(driver.tree);
  const walk = driver.tree.startWalk();
  walk.next(1);
  driver.write(remove('/e'));
  driver.write(create('/e'));
  driver.write(setData('/e', 'again'));
  assert.deepEqual(byPath([...before.slice(1)]), byPath(rest(walk)));
});

test('the configuration put in place during a walk is not seen by it', () => {
  const { tree } = populated();
  const before = copyOf(tree);
  const walk = tree.startWalk();
  tree.setConfig('version=1', 1);
  assert.deepEqual(byPath(rest(walk)), byPath(before));
});

test('a closed walk yields nothing and costs the tree nothing', () => {
  const driver = populated();
  const walk = driver.tree.startWalk();
  walk.close();
  driver.write(setData('/a', 'x'));
  assert.deepEqual(walk.next(10), []);
});

interface Running {
  readonly walk: TreeWalk;
  readonly expected: readonly WalkedNode[];
  readonly got: WalkedNode[];
}

function verify({ walk, expected, got }: Running, seed: number): void {
  const where = `seed ${seed}, walk at ${walk.zxid}`;
  assert.deepEqual(byPath(got), byPath(expected), where);
  const seen = new Set<string>();
  for (const { path } of got) {
    assert.ok(path === '/' || seen.has(parentOf(path)), `${where}: ${path} before its parent`);
    seen.add(path);
  }
}

for (let seed = 1; seed <= 60; seed += 1) {
  test(`walks are exact while the tree changes, seed ${seed}`, () => {
    const prng = new Prng(seed);
    const driver = new TreeDriver();
    const running: Running[] = [];
    let finished = 0;
    for (let step = 0; step < 400 || running.length > 0; step += 1) {
      const { request, session } = randomRequest(prng);
      driver.write(request, { session });
      if (step < 400 && running.length < 3 && prng.oneIn(15)) {
        const walk = driver.tree.startWalk();
        running.push({ walk, expected: copyOf(driver.tree), got: [] });
      }
      for (const one of [...running]) {
        if (prng.oneIn(2)) continue;
        const some = one.walk.next(1 + prng.below(3));
        one.got.push(...some);
        if (some.length > 0) continue;
        verify(one, seed);
        running.splice(running.indexOf(one), 1);
        finished += 1;
      }
    }
    assert.ok(finished > 5);
  });
}
