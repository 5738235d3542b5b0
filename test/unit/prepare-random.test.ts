/** Random requests: against a dumb model, and pipelined against one at a time. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Prng } from '../../node/core/prng.ts';
import { OpCode } from '../../node/core/request/op-code.ts';
import type { WriteRequest } from '../../node/core/request/requests.ts';
import { NO_SESSION } from '../../node/core/session-id.ts';
import type { DataTree } from '../../node/core/tree/data-tree.ts';
import { TreeImage } from '../../node/core/tree/tree-image.ts';
import type { TxnResult } from '../../node/core/tree/txn-result.ts';
import { recordOf } from '../../node/core/tree/znode.ts';
import { ModelTree } from '../helpers/model-tree.ts';
import { randomRequest } from '../helpers/random-requests.ts';
import { dump, TreeDriver } from '../helpers/tree-driver.ts';

const STEPS = 300;

function errsOf(request: WriteRequest, result: TxnResult): readonly number[] {
  if (request.type !== OpCode.multi) return [result.err];
  return result.results?.map((one) => one.err) ?? [];
}

function modelView(tree: DataTree): unknown {
  const ours = Array.from(tree.all()).filter((node) => !node.path.startsWith('/zookeeper'));
  return new Map(
    ours.map((node) => {
      const { data, acl, version, aversion, cversion, mzxid, pzxid } = node;
      const owner = node.ephemeralOwner.equals(NO_SESSION) ? '' : `${node.ephemeralOwner}`;
      return [node.path, { data, acl, version, aversion, creates: cversion, owner, mzxid, pzxid }];
    }),
  );
}

for (let seed = 1; seed <= 40; seed += 1) {
  test(`prepare and apply do what the model does, seed ${seed}`, () => {
    const prng = new Prng(seed);
    const driver = new TreeDriver();
    const model = new ModelTree();
    for (let step = 1; step <= STEPS; step += 1) {
      const { request, session } = randomRequest(prng);
      const result = driver.write(request, { session });
      const where = `step ${step}: ${JSON.stringify(request)}`;
      assert.deepEqual(errsOf(request, result), model.write(request, session, step), where);
    }
    assert.deepEqual(modelView(driver.tree), model.nodes);
  });

  test(`pipelined requests become the same transactions, seed ${seed}`, () => {
    const prng = new Prng(seed);
    const [slow, fast] = [new TreeDriver(wornTree(prng)), new TreeDriver(wornTree(new Prng(seed)))];
    let failures = 0;
    for (let step = 1; step <= STEPS; step += 1) {
      const { request, session } = randomRequest(prng);
      const expected = slow.propose(request, { session });
      if (slow.commit().err !== 0) failures += 1;
      assert.deepEqual(fast.propose(request, { session }), expected, `step ${step}`);
      while (fast.inFlight > 0 && (fast.inFlight > 20 || prng.oneIn(3))) fast.commit();
    }
    while (fast.inFlight > 0) fast.commit();
    assert.deepEqual(dump(fast.tree), dump(slow.tree));
    assert.equal(fast.preparer.pendingChanges, 0);
    assert.ok(failures > STEPS / 10 && failures < STEPS, `${failures} failures`);
  });
}

/** A tree whose root has seen creates enough that its counter may wrap. */
function wornTree(prng: Prng): DataTree {
  const cversion = prng.pick([0, 2147483640, -5]);
  const image = new TreeImage();
  for (const node of new TreeDriver().tree.all()) {
    const record = recordOf(node);
    image.addNode(record.path === '/' ? { ...record, cversion } : record);
  }
  return image.finish(0);
}
