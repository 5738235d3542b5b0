import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WatcherType } from '../../node/core/request/requests.ts';
import type { AclList } from '../../node/core/tree/acl.ts';
import { WatchEventType, type Watcher, WatchTable } from '../../node/core/tree/watches.ts';
import {
  CLOSE,
  create,
  multi,
  remove,
  setAcl,
  setData,
  TreeDriver,
} from '../helpers/tree-driver.ts';

const NAME_OF = Object.fromEntries(
  Object.entries(WatchEventType).map(([name, type]) => [type, name]),
);

/** A connection that writes down what it hears. */
class Recorder implements Watcher {
  readonly heard: string[] = [];
  /** The lists that guarded what it heard of. */
  readonly lists: (AclList | null)[] = [];

  deliver(type: WatchEventType, path: string, zxid: number, acl: AclList | null): void {
    this.heard.push(`${NAME_OF[type]} ${path} ${zxid}`);
    this.lists.push(acl);
  }
}

function setUp(...paths: readonly string[]) {
  const driver = new TreeDriver();
  for (const path of paths) driver.write(create(path));
  const watches = new WatchTable();
  driver.tree.listener = watches;
  return { driver, watches, client: new Recorder(), next: driver.tree.lastZxid + 1 };
}

test('a data watch on a missing path hears of its creation', () => {
  const { driver, watches, client } = setUp();
  watches.addData('/a', client);
  driver.write(create('/a'));
  assert.deepEqual(client.heard, ['created /a 1']);
});

test('a watch fires once', () => {
  const { driver, watches, client, next } = setUp('/a');
  watches.addData('/a', client);
  driver.write(setData('/a', '1'));
  driver.write(setData('/a', '2'));
  assert.deepEqual(client.heard, [`dataChanged /a ${next}`]);
  assert.equal(watches.count, 0);
});

test('a child watch hears of children that come and go, and of nothing else', () => {
  const { driver, watches, client, next } = setUp('/a');
  watches.addChild('/a', client);
  driver.write(setData('/a', '1'));
  driver.write(create('/a/b'));
  watches.addChild('/a', client);
  driver.write(setData('/a/b', '1'));
  driver.write(remove('/a/b'));
  assert.deepEqual(client.heard, [
    `childrenChanged /a ${next + 1}`,
    `childrenChanged /a ${next + 3}`,
  ]);
});

test('the children of the root can be watched', () => {
  const { driver, watches, client } = setUp();
  watches.addChild('/', client);
  driver.write(create('/a'));
  assert.deepEqual(client.heard, ['childrenChanged / 1']);
});

test('a deletion is told once to a connection with both watches, and uses up both', () => {
  const { driver, watches, client, next } = setUp('/a');
  const childOnly = new Recorder();
  watches.addData('/a', client);
  watches.addChild('/a', client);
  watches.addChild('/a', childOnly);
  driver.write(remove('/a'));
  assert.deepEqual(client.heard, [`deleted /a ${next}`]);
  assert.deepEqual(childOnly.heard, [`deleted /a ${next}`]);
  assert.equal(watches.count, 0);
});

test('a deletion is told to the watchers of the znode before those of the parent', () => {
  const { driver, watches, client, next } = setUp('/a', '/a/b');
  watches.addChild('/a', client);
  watches.addData('/a/b', client);
  driver.write(remove('/a/b'));
  assert.deepEqual(client.heard, [`deleted /a/b ${next}`, `childrenChanged /a ${next}`]);
});

test('setAcl fires nothing', () => {
  const { driver, watches, client } = setUp('/a');
  watches.addData('/a', client);
  driver.write(setAcl('/a', [{ perms: 31, id: { scheme: 'ip', id: '::1' } }]));
  assert.deepEqual(client.heard, []);
});

test('an event comes with the list of the znode that it names', () => {
  const { driver, watches, client } = setUp();
  const [mine, other] = [listOf('127.0.0.1'), listOf('127.0.0.0/8')];
  driver.write(create('/p', 0, mine));
  watches.addPersistent('/p', client, false);
  watches.addPersistent('/p/c', client, false);
  driver.write(create('/p/c', 0, other));
  driver.write(setData('/p/c', 'x'));
  driver.write(remove('/p/c'));
  assert.deepEqual(
    client.heard.map((line) => line.replace(/ \d+$/, '')),
    [
      ...['created /p/c', 'childrenChanged /p', 'dataChanged /p/c'],
      ...['deleted /p/c', 'childrenChanged /p'],
    ],
  );
  assert.deepEqual(client.lists, [other, mine, other, other, mine]);
});

test('what setWatches tells is not guarded', () => {
  const { driver, watches, client } = setUp('/a');
  const nothing = {
    existWatches: [],
    childWatches: [],
    persistentWatches: [],
    recursiveWatches: [],
  };
  const dataWatches = ['/a', '/gone'];
  watches.setWatches({ relativeZxid: 0, dataWatches, ...nothing }, driver.tree, client);
  assert.deepEqual(client.lists, [null, null]);
});

function listOf(address: string): AclList {
  return [{ perms: 31, id: { scheme: 'ip', id: address } }];
}

test('a multi fires for each effect', () => {
  const { driver, watches, client, next } = setUp();
  watches.addData('/a', client);
  watches.addChild('/', client);
  driver.write(multi(create('/a'), setData('/a', 'x')));
  assert.deepEqual(client.heard, [`created /a ${next}`, `childrenChanged / ${next}`]);
});

test('the end of a session fires for its ephemerals', () => {
  const { driver, watches, client } = setUp();
  driver.write(create('/e', 1));
  watches.addData('/e', client);
  driver.write(CLOSE);
  assert.deepEqual(client.heard, ['deleted /e 2']);
});

test('a closed connection hears nothing more and others still do', () => {
  const { driver, watches, client, next } = setUp('/a');
  const other = new Recorder();
  for (const watcher of [client, other]) {
    watches.addData('/a', watcher);
    watches.addChild('/', watcher);
  }
  watches.addData('/b', client);
  assert.equal(watches.count, 5);
  watches.removeWatcher(client);
  assert.equal(watches.count, 2);
  driver.write(setData('/a', 'x'));
  assert.deepEqual([client.heard, other.heard], [[], [`dataChanged /a ${next}`]]);
});

test('the same watch set twice counts once', () => {
  const { watches, client } = setUp();
  watches.addData('/a', client);
  watches.addData('/a', client);
  watches.addData('/b', client);
  assert.deepEqual(watches.summary, { connections: 1, paths: 2, watches: 2 });
});

test('setWatches tells what changed meanwhile and sets the rest', () => {
  const { driver, watches, client } = setUp('/same', '/changed', '/children', '/quiet');
  const relativeZxid = driver.tree.lastZxid;
  driver.write(setData('/changed', 'x'));
  driver.write(create('/children/new'));
  watches.setWatches(
    {
      relativeZxid,
      dataWatches: ['/gone', '/changed', '/same'],
      existWatches: ['/same', '/future'],
      childWatches: ['/gone', '/children', '/quiet'],
      persistentWatches: [],
      recursiveWatches: [],
    },
    driver.tree,
    client,
  );
  assert.deepEqual(client.heard, [
    'deleted /gone -1',
    'dataChanged /changed -1',
    'created /same -1',
    'deleted /gone -1',
    'childrenChanged /children -1',
  ]);
  assert.equal(watches.count, 3);
  client.heard.length = 0;
  const next = driver.tree.lastZxid + 1;
  driver.write(setData('/same', 'x'));
  driver.write(create('/future'));
  driver.write(create('/quiet/new'));
  assert.deepEqual(client.heard, [
    `dataChanged /same ${next}`,
    `created /future ${next + 1}`,
    `childrenChanged /quiet ${next + 2}`,
  ]);
});

test('a persistent watch stays and hears of data and children', () => {
  const { driver, watches, client, next } = setUp('/a');
  watches.addPersistent('/a', client, false);
  driver.write(setData('/a', '1'));
  driver.write(setData('/a', '2'));
  driver.write(create('/a/b'));
  driver.write(setData('/a/b', '1'));
  assert.deepEqual(client.heard, [
    `dataChanged /a ${next}`,
    `dataChanged /a ${next + 1}`,
    `childrenChanged /a ${next + 2}`,
  ]);
});

test('a recursive watch hears of everything below it but never of children', () => {
  const { driver, watches, client, next } = setUp('/a');
  watches.addPersistent('/a', client, true);
  driver.write(create('/a/b'));
  driver.write(create('/a/b/c'));
  driver.write(setData('/a', '1'));
  driver.write(remove('/a/b/c'));
  driver.write(create('/ab'));
  assert.deepEqual(client.heard, [
    `created /a/b ${next}`,
    `created /a/b/c ${next + 1}`,
    `dataChanged /a ${next + 2}`,
    `deleted /a/b/c ${next + 3}`,
  ]);
});

test('one event for a connection whose watches in several modes match', () => {
  const { driver, watches, client, next } = setUp('/a');
  watches.addData('/a', client);
  watches.addPersistent('/a', client, false);
  watches.addPersistent('/', client, true);
  driver.write(setData('/a', '1'));
  driver.write(setData('/a', '2'));
  assert.deepEqual(client.heard, [`dataChanged /a ${next}`, `dataChanged /a ${next + 1}`]);
  watches.removeWatcher(client);
  driver.write(setData('/a', '3'));
  assert.equal(client.heard.length, 2);
  assert.equal(watches.count, 0);
});

test('setWatches2 keeps persistent watches set and replays nothing', () => {
  const { driver, watches, client } = setUp('/p', '/r');
  watches.setWatches(
    {
      relativeZxid: 0,
      dataWatches: [],
      existWatches: [],
      childWatches: [],
      persistentWatches: ['/p'],
      recursiveWatches: ['/r'],
    },
    driver.tree,
    client,
  );
  const before = driver.tree.lastZxid;
  driver.write(setData('/p', 'x'));
  driver.write(setData('/p', 'y'));
  driver.write(create('/r/below'));
  assert.deepEqual(client.heard, [
    `dataChanged /p ${before + 1}`,
    `dataChanged /p ${before + 2}`,
    `created /r/below ${before + 3}`,
  ]);
});

test('a watch is removed by its kind, and only that', () => {
  const { driver, watches, client } = setUp('/a');
  watches.addData('/a', client);
  watches.addChild('/a', client);
  watches.addPersistent('/a', client, false);
  watches.addPersistent('/a', client, true);
  const { children, data, any, persistent, persistentRecursive } = WatcherType;
  assert.equal(watches.hasWatch('/a', data, client), true);
  assert.equal(watches.removeWatch('/a', data, client), true);
  assert.equal(watches.removeWatch('/a', data, client), false);
  assert.equal(watches.hasWatch('/a', children, client), true);
  assert.equal(watches.removeWatch('/a', persistentRecursive, client), true);
  assert.equal(watches.hasWatch('/a', persistentRecursive, client), false);
  assert.equal(watches.hasWatch('/a', persistent, client), true);
  assert.equal(watches.removeWatch('/a', any, client), true);
  assert.equal(watches.removeWatch('/a', any, client), false);
  assert.equal(watches.hasWatch('/b', any, client), false);
  driver.write(setData('/a', 'x'));
  driver.write(create('/a/b'));
  assert.deepEqual(client.heard, []);
  assert.equal(watches.count, 0);
});

test('reports name data watches by path and by connection, and no watches on children', () => {
  const { watches, client } = setUp('/a', '/b');
  const other = new Recorder();
  watches.addData('/a', client);
  watches.addData('/b', client);
  watches.addPersistent('/a', other, true);
  watches.addChild('/b', other);
  const byPath = Array.from(watches.byPath(), ([path, watchers]) => [path, [...watchers]]);
  assert.deepEqual(byPath, [
    ['/a', [client, other]],
    ['/b', [client]],
  ]);
  const byWatcher = Array.from(watches.byWatcher(), ([watcher, paths]) => [watcher, [...paths]]);
  assert.deepEqual(byWatcher, [
    [client, ['/a', '/b']],
    [other, ['/a']],
  ]);
});

test('the table tells how many watchers each change has hit, and of no change that hit none', () => {
  const driver = new TreeDriver();
  const fired: (readonly [string | undefined, number])[] = [];
  const watches = new WatchTable((type, watchers) => fired.push([NAME_OF[type], watchers]));
  driver.tree.listener = watches;
  const client = new Recorder();
  driver.write(create('/a'));
  watches.addData('/a', client);
  watches.addData('/a', new Recorder());
  watches.addChild('/a', client);
  driver.write(remove('/a'));
  assert.deepEqual(fired, [
    ['deleted', 2],
    ['deleted', 1],
  ]);
});
