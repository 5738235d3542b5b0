import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ErrorCode } from '../../node/core/request/error-code.ts';
import { OpCode } from '../../node/core/request/op-code.ts';
import { Preparer } from '../../node/core/request/prepare.ts';
import type { WriteRequest } from '../../node/core/request/requests.ts';
import { NO_SESSION } from '../../node/core/session-id.ts';
import { OPEN_ACL_UNSAFE } from '../../node/core/tree/acl.ts';
import { DataTree } from '../../node/core/tree/data-tree.ts';
import { parseQuota } from '../../node/core/tree/quota.ts';
import { TreeImage } from '../../node/core/tree/tree-image.ts';

class Server {
  readonly tree = new DataTree();
  private readonly preparer: Preparer;

  constructor(hasQuotas = true) {
    this.preparer = new Preparer(this.tree, { skipAcl: false, hasQuotas });
  }

  write(request: WriteRequest): number {
    const zxid = this.tree.lastZxid + 1;
    const header = { session: NO_SESSION, cxid: 0, zxid, timeMs: 0 };
    const context = { ...header, ids: [], sessionError: ErrorCode.ok };
    const { err } = this.tree.apply(header, this.preparer.prepare(request, context));
    this.preparer.applied(zxid);
    return err;
  }

  create(path: string, text = ''): number {
    const data = Buffer.from(text);
    const acl = OPEN_ACL_UNSAFE;
    return this.write({ type: OpCode.create, path, data, acl, flags: 0, ttlMs: 0 });
  }

  set(path: string, text: string): number {
    return this.write({ type: OpCode.setData, path, data: Buffer.from(text), version: -1 });
  }

  delete(path: string): number {
    return this.write({ type: OpCode.delete, path, version: -1 });
  }

  /** What zkCli's setquota does. */
  quota(path: string, limits: string): void {
    let parent = '/zookeeper/quota';
    for (const name of path.slice(1).split('/')) {
      parent += `/${name}`;
      this.create(parent);
    }
    assert.equal(this.create(`${parent}/zookeeper_limits`, limits), 0);
    assert.equal(this.create(`${parent}/zookeeper_stats`, 'count=0,bytes=0'), 0);
  }

  stats(path: string): string {
    const node = this.tree.get(`/zookeeper/quota${path}/zookeeper_stats`);
    return Buffer.from(node?.data ?? []).toString();
  }
}

test('limits are read as zkCli writes them, also behind the odd equals sign', () => {
  const text = 'count=3,bytes=-1=;byteHardLimit=9;countHardLimit=4';
  assert.deepEqual(parseQuota(Buffer.from(text)), {
    count: 3,
    bytes: -1,
    byteHardLimit: 9,
    countHardLimit: 4,
  });
  const none = { count: -1, bytes: -1, byteHardLimit: -1, countHardLimit: -1 };
  assert.deepEqual(parseQuota(null), none);
  assert.deepEqual(parseQuota(Buffer.from('count=x,,;=,\xff')), none);
});

test('stats count the znode itself and all below, and follow every change', () => {
  const server = new Server();
  server.create('/a', '12');
  server.create('/a/b', '345');
  server.quota('/a', 'count=10,bytes=100');
  assert.equal(server.stats('/a'), 'count=2,bytes=5');
  server.create('/a/b/c', '6');
  server.set('/a/b', '');
  assert.equal(server.stats('/a'), 'count=3,bytes=3');
  server.delete('/a/b/c');
  server.create('/ab', 'not below /a');
  assert.equal(server.stats('/a'), 'count=2,bytes=2');
  assert.equal(server.tree.get('/zookeeper/quota/a/zookeeper_stats')?.version, 0);
});

test('a hard limit refuses and a soft one does not', () => {
  const server = new Server();
  server.create('/soft');
  server.quota('/soft', 'count=1,bytes=1');
  assert.equal(server.create('/soft/a', 'more than one'), ErrorCode.ok);
  server.create('/hard');
  server.quota('/hard', 'count=-1,bytes=-1=;byteHardLimit=4;countHardLimit=2');
  assert.equal(server.create('/hard/a', '12345'), ErrorCode.quotaExceeded);
  assert.equal(server.create('/hard/a', '1234'), ErrorCode.ok);
  assert.equal(server.create('/hard/b'), ErrorCode.quotaExceeded);
  assert.equal(server.set('/hard/a', '12345'), ErrorCode.quotaExceeded);
  assert.equal(server.set('/hard/a', '4321'), ErrorCode.ok);
  server.delete('/hard/a');
  assert.equal(server.create('/hard/b', '12'), ErrorCode.ok);
});

test('without the limits znode, or with enforceQuota=false, nothing is refused', () => {
  const lax = new Server(false);
  lax.create('/a');
  lax.quota('/a', 'count=-1,bytes=-1=;byteHardLimit=-1;countHardLimit=1');
  assert.equal(lax.create('/a/b'), ErrorCode.ok);
  const server = new Server();
  server.create('/a');
  server.quota('/a', 'count=-1,bytes=-1=;byteHardLimit=-1;countHardLimit=1');
  assert.equal(server.create('/a/b'), ErrorCode.quotaExceeded);
  server.delete('/zookeeper/quota/a/zookeeper_limits');
  assert.equal(server.create('/a/b'), ErrorCode.ok);
});

test('without the stats znode nothing is refused: a quota is made in two steps', () => {
  const server = new Server();
  server.create('/a');
  server.quota('/a', 'count=-1,bytes=-1=;byteHardLimit=0;countHardLimit=0');
  server.delete('/zookeeper/quota/a/zookeeper_stats');
  assert.equal(server.create('/a/b', '1'), ErrorCode.ok);
});

test('a tree that is loaded knows its quotas and counts anew', () => {
  const server = new Server();
  server.create('/a');
  server.quota('/a', 'count=-1,bytes=-1=;byteHardLimit=-1;countHardLimit=2');
  server.create('/a/b');
  const image = new TreeImage();
  for (const node of server.tree.all()) image.addNode(node);
  const tree = image.finish(server.tree.lastZxid);
  assert.equal(tree.quotas.check('/a/c', 0, 1), 'hardExceeded');
  const stats = tree.get('/zookeeper/quota/a/zookeeper_stats');
  assert.equal(Buffer.from(stats?.data ?? []).toString(), 'count=2,bytes=0');
});
