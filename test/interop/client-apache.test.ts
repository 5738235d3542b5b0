/**
 * Our client and `picket cli` against real Apache ZooKeeper: the client because it must work with
 * any server, the command line because its every line is meant to be that of zkCli. Skipped where
 * ZooKeeper is not installed.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ZooKeeperError } from '../../node/client/client-error.ts';
import type { ZooKeeperClientOptions } from '../../node/client/client-options.ts';
import type { SessionEvent } from '../../node/client/client-session.ts';
import { MultiError } from '../../node/client/multi-error.ts';
import type { WatchEvent } from '../../node/client/watch-registry.ts';
import { ZooKeeperClient } from '../../node/client/zookeeper-client.ts';
import { OpCode } from '../../node/core/request/op-code.ts';
import { CreateMode } from '../../node/core/request/requests.ts';
import { ApacheEnsemble, apacheClassPath, apacheMissing } from '../helpers/apache.ts';

const skip = apacheMissing() ?? false;
const MAIN = fileURLToPath(new URL('../../node/cli/main.js', import.meta.url));
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

describe('the client against one Apache server', { skip }, () => {
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
    await client.create('/root', null);
    const events = new Inbox<WatchEvent>();
    const inside = await open({ connectString: `${apache.connectString}/root` });
    assert.equal(await inside.create('/a', 'x'), '/a');
    assert.equal((await client.getData('/root/a')).data?.toString(), 'x');
    await inside.getChildren('/', events.add);
    await client.delete('/root/a');
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

describe('the client when Apache servers die', { skip }, () => {
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

describe('picket cli beside zkCli', { skip }, () => {
  for (const [what, lines] of [
    ['create, read, change and delete', operations()],
    ['flags, quotes and paths', words()],
    ['access lists', lists()],
    ['history and connections', shell()],
  ] as const) {
    test(what, async () => {
      const [theirs, ours] = await Promise.all([run('zkCli', lines), run('picket', lines)]);
      assert.deepEqual(ours, theirs);
    });
  }

  test('a command in the arguments ends with its exit code', async () => {
    const apache = await ApacheEnsemble.start(1);
    try {
      const at = ['-server', apache.connectString];
      assert.equal((await picket([...at, 'create', '/one', 'two words'], '')).code, 0);
      const get = await picket([...at, 'get', '/one'], '');
      assert.deepEqual([get.code, get.stdout.trimEnd().split('\n').at(-1)], [0, 'two words']);
      const missing = await picket([...at, 'get', '/none'], '');
      assert.deepEqual([missing.code, missing.stderr], [1, 'Node does not exist: /none\n']);
      assert.equal((await picket([...at, 'nosuch'], '')).code, 127);
      assert.equal((await picket(at, 'get /none')).code, 1);
      assert.equal((await picket(at, 'get /none\nls /\n')).code, 0);
    } finally {
      await apache.stop();
    }
  });
});

interface Output {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the lines on a fresh server, so that zxids and session ids are those of the other run. */
async function run(who: 'zkCli' | 'picket', lines: readonly string[]): Promise<object> {
  const apache = await ApacheEnsemble.start(1);
  try {
    const argv = ['-server', apache.connectString];
    const input = `${lines.join('\n')}\n`.replaceAll('SERVER', apache.connectString);
    const output = who === 'picket' ? await picket(argv, input) : await zkCli(argv, input);
    return comparable(output, apache.connectString);
  } finally {
    await apache.stop();
  }
}

/**
 * What both must have in common: times and addresses apart, and without the banner, the names of
 * Java's classes and the noise of its logging. Watch events come from a thread of their own in
 * Java, so they are compared in order, but not in their place between the other lines.
 */
function comparable({ code, stdout, stderr }: Output, address: string): object {
  const clean = (text: string) =>
    text
      .replaceAll(address, 'SERVER')
      .replaceAll(/^([cm]time) = .*$/gm, '$1 = TIME')
      .replaceAll('org.apache.commons.cli.UnrecognizedOptionException: ', '')
      .split('\n')
      .filter((line) => line !== '' && !/^(Welcome|JLine|SLF4J|log4j|WATCHER)/.test(line));
  const isEvent = (line: string) => line.startsWith('WatchedEvent');
  const out = clean(stdout);
  return {
    code,
    out: out.filter((line) => !isEvent(line)),
    events: out.filter(isEvent),
    err: clean(stderr),
  };
}

function picket(argv: readonly string[], input: string): Promise<Output> {
  return spawned(process.execPath, [MAIN, 'cli', ...argv], input);
}

function zkCli(argv: readonly string[], input: string): Promise<Output> {
  const java = ['-Xshare:auto', '-XX:TieredStopAtLevel=1', '-cp', apacheClassPath()];
  return spawned('java', [...java, 'org.apache.zookeeper.ZooKeeperMain', ...argv], input);
}

function spawned(command: string, args: readonly string[], input: string): Promise<Output> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { env: { ...process.env, TZ: 'UTC' } });
    const text = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (chunk) => {
        text[name] += chunk;
      });
    }
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, ...text }));
    child.stdin.end(input);
  });
}

function operations(): string[] {
  return [
    ...['create /osgi hello', 'create /osgi', 'create -s /osgi/n- x', 'create -e /eph x'],
    ...['create -e -s /ephs x', 'create /eph/child y', 'create /no/parent y', 'get /osgi'],
    ...['get -s /osgi', 'get /none', 'stat /osgi', 'stat /none', 'ls /', 'ls -s /', 'ls /none'],
    ...[
      'set /osgi world',
      'set -s /osgi w2',
      'set -v 9 /osgi w',
      'set -v 2 /osgi w',
      'set /none x',
    ],
    ...['delete /osgi', 'delete -v 9 /osgi/n-0000000000', 'delete /none', 'delete /', 'set / x'],
    ...['delete /zookeeper', 'create /nodata', 'get /nodata', 'sync /', 'create -c /container x'],
    ...['create -t 1000 /ttl', 'create -t 0 /ttl', 'create -c -e /c', 'create -t 5 -e /t'],
    ...['ls -w /osgi', 'create /osgi/w1', 'get -w /osgi', 'set /osgi changed', 'stat -w /osgi'],
    ...[
      'create /osgi/w1/x',
      'create /osgi/a',
      'create /osgi/a-b',
      'create /osgi/a/z',
      'ls -R /osgi',
    ],
    ...['deleteall /osgi', 'deleteall /none', 'ls /'],
  ];
}

function words(): string[] {
  return [
    ...[`create /q 'single quoted'`, 'get /q', String.raw`create /dq "a \"b\" c"`, 'create bad'],
    ...['create /a/', 'create /a//b', 'create /a/../b', 'create /a/./b', 'get //', 'get relative'],
    ...['create /e ""', 'get -s /e', 'set /q "unmatched', 'get /q -s', 'set /q -5', 'set /q -- -5'],
    ...['get /q', 'ls -x /', 'get -z /', 'ls -sw /q', 'ls', 'get', 'create', 'delete', 'set /x'],
    ...['sync', 'stat', 'getAcl', 'setAcl /q', 'addauth', 'ls / w', 'stat /q w', 'get /q w'],
    ...['set /q a b c', 'get /q', 'create /bin "äöü€"', 'get /bin', 'create -- /dash'],
  ];
}

function lists(): string[] {
  return [
    ...[
      'create /n',
      'getAcl /n',
      'getAcl -s /n',
      'setAcl /n world:anyone:cdrwa',
      'setAcl /n bogus',
    ],
    ...[
      'setAcl -s /n world:anyone:cdrwa',
      'setAcl -v 9 /n world:anyone:cdrwa',
      'create /b x bogus',
    ],
    ...['create /d x digest:u:cdrwa', 'setAcl /n auth::cdrwa', 'addauth digest u:p'],
    ...['create /sec "a b" auth::cdrwa', 'getAcl /sec', 'setAcl /n world:anyone:xyz', 'getAcl /n'],
    ...['create /two x world:anyone:cr,ip:127.0.0.1:wda', 'getAcl /two', 'getAcl /none'],
  ];
}

function shell(): string[] {
  return [
    ...['create /r 1', 'history', 'redo 0', 'redo 100', 'redo 2', 'history', 'printwatches'],
    ...['printwatches off', 'printwatches', 'printwatches on', 'ls -w /', 'create /y'],
    ...['connect SERVER', 'get /r', 'connect', 'get /r', 'ls /', 'get /missing', 'quit', 'ls /'],
  ];
}
