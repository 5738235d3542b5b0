import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InvariantError } from '../../node/core/invariant.ts';
import { OpCode } from '../../node/core/request/op-code.ts';
import { NO_SESSION } from '../../node/core/session-id.ts';
import { OPEN_ACL_UNSAFE, READ_ACL_UNSAFE } from '../../node/core/tree/acl.ts';
import { DataTree } from '../../node/core/tree/data-tree.ts';
import type { CreateTxn, SingleTxn } from '../../node/core/tree/txn.ts';
import { statOf } from '../../node/core/tree/znode.ts';
import { bytes, dump, header, OTHER_SESSION, SESSION } from '../helpers/tree-driver.ts';

function createTxn(path: string, parentCversion: number, ephemeral = false): CreateTxn {
  const acl = OPEN_ACL_UNSAFE;
  return { type: OpCode.create2, path, data: bytes('d'), acl, ephemeral, parentCversion };
}

function statAt(tree: DataTree, path: string) {
  const node = tree.get(path);
  assert.ok(node !== undefined, path);
  return statOf(node);
}

test('a fresh tree has four znodes and the stats that ZooKeeper shows', () => {
  const tree = new DataTree();
  assert.deepEqual(
    Array.from(tree.all(), (node) => node.path),
    ['/', '/zookeeper', '/zookeeper/quota', '/zookeeper/config'],
  );
  const root = statAt(tree, '/');
  assert.deepEqual([root.cversion, root.numChildren, root.czxid, root.mtime], [-1, 1, 0, 0]);
  assert.equal(statAt(tree, '/zookeeper').cversion, -2);
  assert.equal(statAt(tree, '/zookeeper/config').aversion, -1);
  assert.deepEqual(tree.get('/zookeeper/config')?.acl, READ_ACL_UNSAFE);
  assert.deepEqual([tree.nodeCount, tree.approximateDataSize, tree.lastZxid], [5, 44, 0]);
});

test('a create fills the stat of the znode and touches the parent', () => {
  const tree = new DataTree();
  const result = tree.apply(header(7), createTxn('/a', 1));
  const { timeMs } = header(7);
  assert.deepEqual(result, {
    type: OpCode.create2,
    err: 0,
    path: '/a',
    results: null,
    stat: {
      czxid: 7,
      mzxid: 7,
      ctime: timeMs,
      mtime: timeMs,
      version: 0,
      cversion: 0,
      aversion: 0,
      ephemeralOwner: NO_SESSION,
      dataLength: 1,
      numChildren: 0,
      pzxid: 7,
    },
  });
  const root = statAt(tree, '/');
  assert.deepEqual([root.cversion, root.pzxid, root.mzxid, root.numChildren], [0, 7, 0, 2]);
});

test('plain create returns the path only', () => {
  const tree = new DataTree();
  const result = tree.apply(header(1), { ...createTxn('/a', 1), type: OpCode.create });
  assert.deepEqual([result.type, result.path, result.stat], [OpCode.create, '/a', null]);
});

test('a delete raises the cversion that clients see and the pzxid of the parent', () => {
  const tree = new DataTree();
  tree.apply(header(1), createTxn('/a', 1));
  const before = statAt(tree, '/').cversion;
  tree.apply(header(2), { type: OpCode.delete, path: '/a' });
  const root = statAt(tree, '/');
  assert.deepEqual([root.cversion - before, root.pzxid, root.numChildren], [1, 2, 1]);
  assert.deepEqual([tree.nodeCount, tree.approximateDataSize], [5, 44]);
});

test('setData sets the version that the transaction states', () => {
  const tree = new DataTree();
  tree.apply(header(1), createTxn('/a', 1));
  const data = bytes('longer');
  const { stat } = tree.apply(header(2), { type: OpCode.setData, path: '/a', data, version: 9 });
  assert.deepEqual(
    [stat?.version, stat?.mzxid, stat?.mtime, stat?.czxid, stat?.dataLength, stat?.pzxid],
    [9, 2, header(2).timeMs, 1, 6, 1],
  );
  assert.equal(tree.approximateDataSize, 44 + '/a'.length + 6);
});

test('null data stays null', () => {
  const tree = new DataTree();
  tree.apply(header(1), { ...createTxn('/a', 1), data: null });
  assert.equal(tree.get('/a')?.data, null);
  assert.equal(statAt(tree, '/a').dataLength, 0);
});

test('setAcl touches the aversion and nothing else', () => {
  const tree = new DataTree();
  tree.apply(header(1), createTxn('/a', 1));
  const before = statAt(tree, '/a');
  const acl = READ_ACL_UNSAFE;
  const result = tree.apply(header(2), { type: OpCode.setAcl, path: '/a', acl, aversion: 1 });
  assert.deepEqual(result.stat, { ...before, aversion: 1 });
  assert.deepEqual(tree.get('/a')?.acl, acl);
});

test('equal access control lists are held once', () => {
  const tree = new DataTree();
  const acl = () => [{ perms: 31, id: { scheme: 'digest', id: 'a:b' } }];
  tree.apply(header(1), { ...createTxn('/a', 1), acl: acl() });
  tree.apply(header(2), { ...createTxn('/b', 2), acl: acl() });
  assert.equal(tree.get('/a')?.acl, tree.get('/b')?.acl);
  tree.apply(header(3), { type: OpCode.delete, path: '/a' });
  assert.deepEqual(tree.get('/b')?.acl, acl());
});

test('a list goes with the last znode that carries it', () => {
  const tree = new DataTree();
  const own = tree.aclListCount;
  const acl = () => [{ perms: 1, id: { scheme: 'digest', id: 'a:b' } }];
  tree.apply(header(1), { ...createTxn('/a', 1), acl: acl() });
  tree.apply(header(2), { ...createTxn('/b', 2), acl: acl() });
  tree.apply(header(3), { type: OpCode.setAcl, path: '/a', acl: acl(), aversion: 1 });
  assert.equal(tree.aclListCount, own + 1);
  tree.apply(header(4), { type: OpCode.setAcl, path: '/a', acl: OPEN_ACL_UNSAFE, aversion: 2 });
  tree.apply(header(5), { type: OpCode.delete, path: '/b' });
  assert.equal(tree.aclListCount, own);
});

test('lists that differ only in where one text ends are kept apart', () => {
  const tree = new DataTree();
  const acl = (scheme: string, id: string) => [{ perms: 1, id: { scheme, id } }];
  tree.apply(header(1), { ...createTxn('/a', 1), acl: acl('x', '1,y') });
  tree.apply(header(2), { ...createTxn('/b', 2), acl: acl('x,3', 'y') });
  assert.notDeepEqual(tree.get('/a')?.acl, tree.get('/b')?.acl);
});

test('containers and TTL znodes do not show their markers', () => {
  const tree = new DataTree();
  const body = { data: null, acl: OPEN_ACL_UNSAFE };
  const box = { type: OpCode.createContainer, path: '/box', parentCversion: 1, ...body } as const;
  const ttl = {
    type: OpCode.createTtl,
    path: '/ttl',
    parentCversion: 2,
    ttlMs: 5,
    ...body,
  } as const;
  assert.equal(tree.apply(header(1), box).stat?.ephemeralOwner, NO_SESSION);
  assert.equal(tree.apply(header(2), ttl).stat?.ephemeralOwner, NO_SESSION);
  assert.equal(tree.get('/box')?.ephemeralOwner.toString(), '0x8000000000000000');
  assert.equal(tree.get('/ttl')?.ephemeralOwner.toString(), '0xff00000000000005');
  assert.equal(tree.ephemeralsCount, 0);
});

test('closeSession deletes what it lists and what else the session owns', () => {
  const tree = new DataTree();
  tree.apply(header(1), { type: OpCode.createSession, timeoutMs: 4000 });
  tree.apply(header(2), createTxn('/a', 1, true));
  tree.apply(header(3), createTxn('/b', 2, true));
  tree.apply(header(4, OTHER_SESSION), createTxn('/c', 3, true));
  assert.equal(tree.sessions.get(SESSION), 4000);
  assert.deepEqual(tree.ephemeralsOf(SESSION), ['/a', '/b']);
  tree.apply(header(5), { type: OpCode.closeSession, paths: ['/b'] });
  assert.deepEqual([tree.get('/a'), tree.get('/b')], [undefined, undefined]);
  assert.deepEqual([tree.sessions.has(SESSION), tree.ephemeralsCount], [false, 1]);
  assert.deepEqual(tree.ephemeralsOf(OTHER_SESSION), ['/c']);
  assert.equal(statAt(tree, '/').pzxid, 5);
});

test('closeSession without a list deletes all ephemerals of the session', () => {
  const tree = new DataTree();
  tree.apply(header(1), createTxn('/a', 1, true));
  tree.apply(header(2), { type: OpCode.closeSession, paths: null });
  assert.equal(tree.get('/a'), undefined);
});

test('an error changes nothing but the last zxid', () => {
  const tree = new DataTree();
  const result = tree.apply(header(3), { type: OpCode.error, err: -101 });
  assert.deepEqual([result.type, result.err, tree.lastZxid], [-1, -101, 3]);
});

test('a multi applies all its operations with one zxid', () => {
  const tree = new DataTree();
  const result = tree.apply(header(4), {
    type: OpCode.multi,
    txns: [
      createTxn('/a', 1),
      createTxn('/a/b', 1),
      { type: OpCode.check, path: '/a', version: 1 },
      { type: OpCode.setData, path: '/a', data: null, version: 1 },
      { type: OpCode.delete, path: '/a/b' },
    ],
  });
  assert.equal(result.err, 0);
  assert.deepEqual(
    result.results?.map((one) => [one.type, one.err, one.path, one.stat?.numChildren]),
    [
      [OpCode.create2, 0, '/a', 0],
      [OpCode.create2, 0, '/a/b', 0],
      [OpCode.check, 0, null, undefined],
      [OpCode.setData, 0, null, 1],
      [OpCode.delete, 0, null, undefined],
    ],
  );
  assert.deepEqual([statAt(tree, '/a').mzxid, statAt(tree, '/a').pzxid], [4, 4]);
});

const FAILED_MULTIS: Readonly<Record<string, readonly SingleTxn[]>> = {
  'with an error for each operation': [
    { type: OpCode.error, err: 0 },
    { type: OpCode.error, err: -110 },
    { type: OpCode.error, err: -2 },
  ],
  'as a leader running Apache code leaves it': [
    createTxn('/a', 1),
    { type: OpCode.error, err: -110 },
    createTxn('/b', 2),
  ],
};
for (const [how, txns] of Object.entries(FAILED_MULTIS)) {
  test(`a failed multi changes nothing, ${how}`, () => {
    const tree = new DataTree();
    const before = Array.from(tree.all(), (node) => node.path);
    const result = tree.apply(header(1), { type: OpCode.multi, txns });
    assert.deepEqual(
      result.results?.map((one) => [one.type, one.err]),
      [
        [-1, 0],
        [-1, -110],
        [-1, -2],
      ],
    );
    assert.deepEqual([result.type, result.err, tree.lastZxid], [OpCode.multi, -110, 1]);
    assert.deepEqual(
      Array.from(tree.all(), (node) => node.path),
      before,
    );
  });
}

test('a listener hears each change after it, in the order of the operations', () => {
  const tree = new DataTree();
  const heard: string[] = [];
  const note =
    (what: string) => (path: string, node: { version: number }, head: { zxid: number }) => {
      heard.push(`${what} ${path} v${node.version} ${head.zxid} ${tree.get(path) !== undefined}`);
    };
  tree.listener = {
    created: note('created'),
    deleted: note('deleted'),
    dataChanged: note('data'),
    aclChanged: note('acl'),
  };
  tree.apply(header(1), {
    type: OpCode.multi,
    txns: [createTxn('/a', 1, true), { type: OpCode.setData, path: '/a', data: null, version: 1 }],
  });
  tree.apply(header(2), { type: OpCode.setAcl, path: '/a', acl: READ_ACL_UNSAFE, aversion: 1 });
  tree.apply(header(3), { type: OpCode.closeSession, paths: ['/a'] });
  assert.deepEqual(heard, [
    'created /a v0 1 true',
    'data /a v1 1 true',
    'acl /a v1 2 true',
    'deleted /a v1 3 false',
  ]);
});

test('setConfig puts the configuration in place with version -1', () => {
  const tree = new DataTree();
  tree.setConfig('server.1=h:1:2;3\nversion=100000000', 0x100000000);
  const node = tree.get('/zookeeper/config');
  assert.equal(
    new TextDecoder().decode(node?.data ?? bytes('')),
    'server.1=h:1:2;3\nversion=100000000',
  );
  assert.deepEqual([node?.version, node?.mzxid, tree.lastZxid], [-1, 0x100000000, 0]);
});

const DIVERGED: Readonly<Record<string, SingleTxn>> = {
  'creates what is there': createTxn('/a', 3),
  'creates under a missing parent': createTxn('/x/y', 1),
  'deletes what is not there': { type: OpCode.delete, path: '/x' },
  'deletes a parent': { type: OpCode.delete, path: '/a' },
  'sets the data of what is not there': {
    type: OpCode.setData,
    path: '/x',
    data: null,
    version: 1,
  },
  'sets the ACL of what is not there': { type: OpCode.setAcl, path: '/x', acl: [], aversion: 1 },
};
for (const [what, txn] of Object.entries(DIVERGED)) {
  test(`a transaction that ${what} is a divergence`, () => {
    const tree = new DataTree();
    tree.apply(header(1), createTxn('/a', 1));
    tree.apply(header(2), createTxn('/a/b', 1));
    assert.throws(() => tree.apply(header(3), txn), InvariantError);
  });
}

test('a transaction is not applied twice', () => {
  const tree = new DataTree();
  tree.apply(header(5), createTxn('/a', 1));
  const before = dump(tree);
  assert.throws(() => tree.apply(header(5), createTxn('/b', 2)), InvariantError);
  assert.deepEqual(dump(tree), before);
});
