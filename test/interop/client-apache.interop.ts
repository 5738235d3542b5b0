/**
 * Our client against real Apache ZooKeeper servers, also while they are killed and come back.
 * Skipped where ZooKeeper is not installed.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ZooKeeperError } from '../../node/client/client-error.ts';
import type { ZooKeeperClientOptions } from '../../node/client/client-options.ts';
import type { SessionEvent } from '../../node/client/client-session.ts';
import { MultiError } from '../../node/client/multi-error.ts';
import type { WatchEvent } from '../../node/client/watch-registry.ts';
import { ZooKeeperClient } from '../../node/client/zookeeper-client.ts';
import { OpCode } from '../../node/core/request/op-code.ts';
import { CreateMode } from '../../node/core/request/requests.ts';
import { ApacheEnsemble, apacheMissing } from '../helpers/apache.ts';

const { PICKET_REQUIRE_INTEROP } = process.env;
const skip = PICKET_REQUIRE_INTEROP === '1' ? false : (apacheMissing() ?? false);
const ALL_U = [{ perms: 31, id: { scheme: 'auth', id: '' } }];

function isNamed(name: string): (error: unknown) => boolean {
  return (error) => error instanceof ZooKeeperError && error.name === name;
}

/** Collects what is passed to `add`; `next` waits for the next one that was not taken. */
class Inbox<T> {
  private readonly items: T[] = [];
  private wake: () => void = () => undefined;

  readonly add = (item: T): void => {
    this.items.push(item);
    this.wake();
  };

  async next(): Promise<T> {
    for (;;) {
      const item = this.items.shift();
      if (item !== undefined) return item;
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
  }

  get size(): number {
    return this.items.length;
  }
}

describe('the client against one Apache server', { skip, timeout: 120_000 }, () => {
  let apache: ApacheEnsemble;
  let client: ZooKeeperClient;
  before(async () => {
    apache = await ApacheEnsemble.start(1);
    client = await open();
  });
  after(async () => {
    await client?.close();
    await apache?.stop();
  });

  async function open(options: Partial<ZooKeeperClientOptions> = {}): Promise<ZooKeeperClient> {
    const opened = new ZooKeeperClient({
      connectString: apache.connectString,
      sessionTimeoutMs: 4_000,
      ...options,
    });
    await opened.connect();
    return opened;
  }

  test('the six operations', async () => {
    assert.equal(await client.create('/six', 'one'), '/six');
    await assert.rejects(client.create('/six', 'one'), isNamed('NodeExists'));
    const read = await client.getData('/six');
    assert.equal(read.data?.toString(), 'one');
    const set = await client.setData('/six', 'two', 0);
    assert.equal(set.version, 1);
    assert.equal(set.czxid, read.stat.czxid);
    await assert.rejects(client.setData('/six', 'x', 0), isNamed('BadVersion'));
    const { path, stat } = await client.create2('/six/a', null);
    assert.deepEqual([path, stat.dataLength], ['/six/a', 0]);
    assert.equal((await client.getData('/six/a')).data, null);
    assert.deepEqual(await client.getChildren('/six'), ['a']);
    const listed = await client.getChildren2('/six');
    assert.deepEqual([listed.children, listed.stat.numChildren], [['a'], 1]);
    await assert.rejects(client.delete('/six'), isNamed('NotEmpty'));
    await client.delete('/six/a', 0);
    await client.delete('/six');
    assert.equal(await client.exists('/six'), null);
    assert.equal(await client.sync('/'), '/');
  });

  test('sequential, ephemeral and container znodes', async () => {
    const other = await open();
    assert.equal(await client.create('/seq', null), '/seq');
    const modes = [CreateMode.persistentSequential, CreateMode.ephemeralSequential];
    const made = await Promise.all(modes.map((flags) => other.create('/seq/n-', null, { flags })));
    assert.deepEqual(made, ['/seq/n-0000000000', '/seq/n-0000000001']);
    const stat = await client.exists('/seq/n-0000000001');
    assert.equal(stat?.ephemeralOwner.toBigInt(), other.sessionId);
    const gone = new Inbox<WatchEvent>();
    await client.exists('/seq/n-0000000001', gone.add);
    await other.close();
    assert.equal((await gone.next()).type, 'NodeDeleted');
    assert.deepEqual(await client.getChildren('/seq'), ['n-0000000000']);
    const container = { flags: CreateMode.container };
    assert.equal(await client.create('/container', 'c', container), '/container');
    const ttl = { flags: CreateMode.persistentWithTtl, ttlMs: 1000 };
    await assert.rejects(client.create('/ttl', null, ttl), isNamed('Unimplemented'));
  });

  test('watches fire once and name what happened', async () => {
    const events = new Inbox<WatchEvent>();
    const defaults = new Inbox<WatchEvent>();
    const watching = await open({ onWatch: defaults.add });
    await watching.exists('/w', true);
    await client.create('/w', null);
    assert.deepEqual(await defaults.next(), { type: 'NodeCreated', path: '/w' });
    await watching.getData('/w', events.add);
    await watching.getChildren('/w', events.add);
    await client.setData('/w', '1');
    assert.deepEqual(await events.next(), { type: 'NodeDataChanged', path: '/w' });
    await client.setData('/w', '2');
    await client.create('/w/c', null);
    assert.deepEqual(await events.next(), { type: 'NodeChildrenChanged', path: '/w' });
    await watching.sync('/w');
    assert.equal(events.size + defaults.size, 0);
    await watching.close();
  });

  test('multi is all or nothing', async () => {
    const create = (path: string) =>
      ({
        type: OpCode.create,
        path,
        data: null,
        acl: [{ perms: 31, id: { scheme: 'world', id: 'anyone' } }],
        flags: 0,
        ttlMs: 0,
      }) as const;
    const results = await client.multi([
      create('/m'),
      { type: OpCode.setData, path: '/m', data: Buffer.from('x'), version: 0 },
      { type: OpCode.check, path: '/m', version: 1 },
    ]);
    assert.deepEqual(
      results.map(({ type, path }) => [type, path]),
      [
        [1, '/m'],
        [5, null],
        [13, null],
      ],
    );
    await assert.rejects(
      client.multi([
        create('/m2'),
        { type: OpCode.delete, path: '/none', version: -1 },
        create('/m3'),
      ]),
      (error) =>
        error instanceof MultiError &&
        error.name === 'NoNode' &&
        error.path === '/none' &&
        error.results.map(({ err }) => err).join() === '0,-101,-2',
    );
    assert.equal(await client.exists('/m2'), null);
  });

  test('identities and access lists', async () => {
    const owner = await open();
    await assert.rejects(owner.create('/acl', null, { acl: ALL_U }), isNamed('InvalidACL'));
    await owner.addAuth('digest', 'u:p');
    await owner.create('/acl', 'secret', { acl: ALL_U });
    await assert.rejects(client.getData('/acl'), isNamed('NoAuth'));
    const { acl } = await owner.getAcl('/acl');
    assert.equal(acl[0]?.id.scheme, 'digest');
    assert.equal((await owner.setAcl('/acl', [...acl, ...publicRead()], 0)).aversion, 1);
    assert.equal((await client.getData('/acl')).data?.toString(), 'secret');
    await owner.close();
    const states = new Inbox<SessionEvent>();
    const refused = await open({ onState: states.add });
    await assert.rejects(refused.addAuth('nosuch', 'x'), isNamed('AuthFailed'));
    assert.equal(refused.state, 'AUTH_FAILED');
  });

  test('a chroot is all that its client sees', async () => {
    await client.create('/base', null);
    const events = new Inbox<WatchEvent>();
    const inside = await open({ connectString: `${apache.connectString}/base` });
    assert.equal(await inside.create('/a', 'x'), '/a');
    assert.equal((await client.getData('/base/a')).data?.toString(), 'x');
    await inside.getChildren('/', events.add);
    await client.delete('/base/a');
    assert.deepEqual(await events.next(), { type: 'NodeChildrenChanged', path: '/' });
    await assert.rejects(
      inside.getData('/a'),
      (error) => error instanceof ZooKeeperError && error.path === '/a',
    );
    await inside.close();
  });

  test('a thousand pipelined requests are answered in order', async () => {
    await client.create('/many', null);
    const order: number[] = [];
    const paths = await Promise.all(
      Array.from({ length: 1_000 }, async (_, i) => {
        const path = await client.create('/many/n-', null, { flags: 2 });
        order.push(i);
        return path;
      }),
    );
    assert.deepEqual(paths, [...paths].sort());
    assert.deepEqual(
      order,
      [...order].sort((a, b) => a - b),
    );
  });

  function publicRead() {
    return [{ perms: 1, id: { scheme: 'world', id: 'anyone' } }];
  }
});

describe('the client when Apache servers die', { skip, timeout: 120_000 }, () => {
  test('a restarted server finds session, identity and watches again', async () => {
    const apache = await ApacheEnsemble.start(1);
    const states = new Inbox<SessionEvent>();
    const events = new Inbox<WatchEvent>();
    const { connectString } = apache;
    const client = new ZooKeeperClient({
      connectString,
      sessionTimeoutMs: 10_000,
      onState: states.add,
    });
    try {
      await client.connect();
      const id = client.sessionId;
      await client.addAuth('digest', 'u:p');
      await client.create('/secret', '1', { acl: ALL_U });
      await client.create('/eph', null, { flags: CreateMode.ephemeral });
      await client.getData('/secret', events.add);
      await client.exists('/later', events.add);
      await client.getChildren('/', events.add);
      assert.equal(await states.next(), 'SyncConnected');
      await apache.kill(1);
      assert.equal(await states.next(), 'Disconnected');
      const queued = client.setData('/secret', '2');
      await apache.restart(1);
      assert.equal((await queued).version, 1);
      assert.deepEqual(await events.next(), { type: 'NodeDataChanged', path: '/secret' });
      assert.equal(await states.next(), 'SyncConnected');
      assert.equal(client.sessionId, id);
      assert.equal((await client.exists('/eph'))?.ephemeralOwner.toBigInt(), id);
      await client.create('/later', null);
      const fired = [await events.next(), await events.next()];
      assert.deepEqual(fired.map(({ type, path }) => `${type} ${path}`).sort(), [
        'NodeChildrenChanged /',
        'NodeCreated /later',
      ]);
    } finally {
      await client.close();
      await apache.stop();
    }
  });

  test('a client of an ensemble moves to another server and hears what it missed', async () => {
    const apache = await ApacheEnsemble.start(3);
    const events = new Inbox<WatchEvent>();
    const states = new Inbox<SessionEvent>();
    const options = { connectString: apache.connectString, sessionTimeoutMs: 10_000 };
    const writer = new ZooKeeperClient(options);
    const client = new ZooKeeperClient({ ...options, onState: states.add });
    try {
      await Promise.all([writer.connect(), client.connect()]);
      assert.equal(await states.next(), 'SyncConnected');
      await writer.create('/x', null);
      await client.sync('/x');
      await client.getData('/x', events.add);
      const server = client.server;
      const sid = apache.servers.find(({ clientPort }) => server?.endsWith(`:${clientPort}`))?.sid;
      assert.ok(sid !== undefined);
      await apache.kill(sid);
      assert.equal(await states.next(), 'Disconnected');
      // The writer may be on the server that has died, and lose its request with it.
      const retry = async (): Promise<void> => {
        try {
          await writer.setData('/x', 'changed');
        } catch (error) {
          if (!isNamed('ConnectionLoss')(error)) throw error;
          await retry();
        }
      };
      await retry();
      assert.deepEqual(await events.next(), { type: 'NodeDataChanged', path: '/x' });
      assert.equal(await states.next(), 'SyncConnected');
      assert.notEqual(client.server, server);
    } finally {
      await Promise.all([client.close(), writer.close()]);
      await apache.stop();
    }
  });
});
