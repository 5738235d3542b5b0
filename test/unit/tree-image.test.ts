import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NO_SESSION, SessionId } from '../../node/core/session-id.ts';
import { OPEN_ACL_UNSAFE } from '../../node/core/tree/acl.ts';
import { DataTree } from '../../node/core/tree/data-tree.ts';
import { BadTreeImageError, TreeImage } from '../../node/core/tree/tree-image.ts';
import { recordOf, type ZnodeRecord } from '../../node/core/tree/znode.ts';
import {
  create,
  dump,
  OTHER_SESSION,
  SESSION,
  setData,
  TreeDriver,
} from '../helpers/tree-driver.ts';

function record(path: string, ephemeralOwner = NO_SESSION): ZnodeRecord {
  return {
    path,
    data: null,
    acl: OPEN_ACL_UNSAFE,
    czxid: 1,
    mzxid: 2,
    pzxid: 3,
    ctime: 4,
    mtime: 5,
    version: 6,
    cversion: 7,
    aversion: 8,
    ephemeralOwner,
  };
}

test('the image of a tree is that tree', () => {
  const driver = new TreeDriver();
  driver.write({ type: -10, timeoutMs: 5000 });
  driver.write(create('/a'));
  driver.write(create('/a/b', 1));
  driver.write(setData('/zookeeper/quota', 'x'));
  const image = new TreeImage();
  for (const [id, timeoutMs] of driver.tree.sessions.entries()) image.addSession(id, timeoutMs);
  for (const node of driver.tree.all()) image.addNode(recordOf(node));
  const loaded = image.finish(driver.tree.lastZxid);
  assert.deepEqual(dump(loaded), dump(driver.tree));
  assert.deepEqual(loaded.ephemeralsOf(SESSION), ['/a/b']);
});

test('a loaded tree goes on from its zxid', () => {
  const image = new TreeImage();
  image.addNode(record('/'));
  const driver = new TreeDriver(image.finish(100));
  driver.write(create('/a'));
  assert.equal(driver.tree.lastZxid, 101);
  assert.equal(driver.tree.get('/')?.cversion, 8);
});

test('znodes of ZooKeeper itself that the image lacks are as in a fresh tree', () => {
  const image = new TreeImage();
  image.addNode(record('/'));
  image.addNode(record('/zookeeper'));
  const tree = image.finish(1);
  assert.equal(tree.get('/zookeeper')?.version, 6);
  const fresh = new DataTree().get('/zookeeper/config');
  assert.deepEqual(tree.get('/zookeeper/config')?.acl, fresh?.acl);
});

const BAD: Readonly<Record<string, readonly [RegExp, (image: TreeImage) => void]>> = {
  'a znode before its parent': [/parent/, (image) => image.addNode(record('/a/b'))],
  'a znode twice': [/twice/, (image) => image.addNode(record('/'))],
  'a path that is none': [/relative/, (image) => image.addNode(record('/..'))],
  'an empty path': [/empty/, (image) => image.addNode(record(''))],
  'a child of an ephemeral': [
    /child of an ephemeral/,
    (image) => {
      image.addNode(record('/e', SESSION));
      image.addNode(record('/e/f'));
    },
  ],
  'a session twice': [
    /twice/,
    (image) => {
      image.addSession(OTHER_SESSION, 1);
      image.addSession(OTHER_SESSION, 1);
    },
  ],
  'session 0': [/id 0/, (image) => image.addSession(new SessionId(0, 0), 1)],
  'a negative timeout': [/timeout/, (image) => image.addSession(SESSION, -1)],
  'a negative zxid': [/zxid/, (image) => image.finish(-1)],
};
for (const [what, [message, build]] of Object.entries(BAD)) {
  test(`an image with ${what} is refused`, () => {
    const image = new TreeImage();
    image.addNode(record('/'));
    assert.throws(
      () => build(image),
      (error) => error instanceof BadTreeImageError && message.test(error.message),
    );
  });
}

test('an image without a root is refused', () => {
  assert.throws(() => new TreeImage().finish(1), BadTreeImageError);
});

test('a finished image takes nothing more', () => {
  const image = new TreeImage();
  image.addNode(record('/'));
  image.finish(1);
  assert.throws(() => image.addNode(record('/a')), BadTreeImageError);
});
