/** A client's session against a server whose every answer the test decides. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test as nodeTest } from 'node:test';
import { ZooKeeperError } from '../../node/client/client-error.ts';
import type { ZooKeeperClientOptions } from '../../node/client/client-options.ts';
import type { SessionEvent } from '../../node/client/client-session.ts';
import type { WatchEvent } from '../../node/client/watch-registry.ts';
import { ZooKeeperClient } from '../../node/client/zookeeper-client.ts';
import { OpCode } from '../../node/core/request/op-code.ts';
import { NO_SESSION, SessionId } from '../../node/core/session-id.ts';
import { writeGetChildrenReply, writePathReply } from '../../node/jute/replies.ts';
import { Xid } from '../../node/jute/xids.ts';
import { freePorts } from '../helpers/apache.ts';
import { type FakeConnection, FakeZooKeeper } from '../helpers/fake-zookeeper.ts';

/** A promise that never settles fails its test, and does not hang the run. */
function test(name: string, body: () => Promise<void>): void {
  nodeTest(name, { timeout: 30_000 }, body);
}

const SESSION = new SessionId(0x01000000, 7);

let server: FakeZooKeeper;
let clients: ZooKeeperClient[];
let states: SessionEvent[];
let onState: (state: SessionEvent) => void;

beforeEach(async () => {
  server = await FakeZooKeeper.start();
  clients = [];
  states = [];
  onState = () => undefined;
});
afterEach(async () => {
  const closing = clients.map((client) => client.close());
  await server.stop();
  await Promise.all(closing);
});

function open(options: Partial<ZooKeeperClientOptions> = {}): ZooKeeperClient {
  const client = new ZooKeeperClient({
    connectString: server.address,
    sessionTimeoutMs: 10_000,
    onState: (state) => {
      states.push(state);
      onState(state);
    },
    shuffle: (hosts) => hosts,
    ...options,
  });
  clients.push(client);
  return client;
}

async function connected(
  options: Partial<ZooKeeperClientOptions> = {},
): Promise<{ client: ZooKeeperClient; connection: FakeConnection }> {
  const client = open(options);
  const connecting = client.connect();
  const connection = await server.connection();
  await connection.greeting();
  connection.accept(10_000);
  await connecting;
  return { client, connection };
}

/** Cuts the connection and resolves when the client has noticed. */
async function cut(connection: FakeConnection): Promise<void> {
  const noticed = new Promise<void>((resolve) => {
    onState = (state) => state === 'Disconnected' && resolve();
  });
  connection.drop();
  await noticed;
}

function rejectsWith(promise: Promise<unknown>, name: string): Promise<void> {
  return assert.rejects(promise, (error) => error instanceof ZooKeeperError && error.name === name);
}

test('a new client asks for a session and knows what it was granted', async () => {
  const client = open({ sessionTimeoutMs: 7_000, readOnly: true });
  const connecting = client.connect();
  const connection = await server.connection();
  const hello = await connection.greeting();
  assert.deepEqual(
    { ...hello, password: [...(hello.password ?? [])] },
    {
      protocolVersion: 0,
      lastZxidSeen: 0,
      timeoutMs: 7_000,
      session: NO_SESSION,
      password: new Array(16).fill(0),
      readOnly: true,
      hasReadOnly: true,
    },
  );
  assert.equal(client.state, 'CONNECTING');
  connection.accept(9_000, SESSION, true);
  await connecting;
  assert.equal(client.state, 'CONNECTEDREADONLY');
  assert.equal(client.sessionId, SESSION.toBigInt());
  assert.equal(client.sessionTimeoutMs, 9_000);
  assert.equal(client.server, server.address);
  assert.deepEqual(states, ['ConnectedReadOnly']);
});

test('requests are sent without waiting for replies, which are matched in order', async () => {
  const { client, connection } = await connected();
  const results = [client.delete('/a'), client.sync('/b'), client.getChildren('/c')];
  const types: number[] = [];
  for (let xid = 1; xid <= 3; xid += 1) {
    const received = await connection.next();
    assert.equal(received.xid, xid);
    types.push(received.request.type);
  }
  assert.deepEqual(types, [OpCode.delete, OpCode.sync, OpCode.getChildren]);
  connection.reply(1);
  connection.send((writer) => writePathReply(writer, 2, 5, '/b'));
  connection.send((writer) => writeGetChildrenReply(writer, 3, 5, ['x']));
  assert.deepEqual(await Promise.all(results), [undefined, '/b', ['x']]);
});

test('a lost connection rejects what was in flight, and the session moves on', async () => {
  const { client, connection } = await connected();
  const lost = client.delete('/a');
  const { xid } = await connection.next();
  connection.reply(xid, 0, 0x500000003);
  await lost;
  const inFlight = client.delete('/b');
  await connection.next();
  connection.drop();
  await rejectsWith(inFlight, 'ConnectionLoss');
  assert.equal(client.state, 'CONNECTING');
  const later = client.delete('/c');
  const second = await server.connection();
  const hello = await second.greeting();
  assert.ok(hello.session.equals(SESSION));
  assert.deepEqual([...(hello.password ?? [])], new Array(16).fill(9));
  assert.equal(hello.lastZxidSeen, 0x500000003);
  second.accept(10_000);
  const received = await second.next();
  assert.equal('path' in received.request && received.request.path, '/c');
  second.reply(received.xid);
  await later;
  assert.deepEqual(states, ['SyncConnected', 'Disconnected', 'SyncConnected']);
});

test('after a reconnect come the identities, then the watches, then the requests', async () => {
  const { client, connection } = await connected({
    connectString: `${server.address}/app`,
  });
  const authenticated = client.addAuth('digest', 'u:p');
  await connection.next();
  connection.reply(Xid.auth);
  await authenticated;
  const children = client.getChildren('/kids', () => undefined);
  const { xid } = await connection.next();
  connection.send((writer) => writeGetChildrenReply(writer, xid, 9, []));
  await children;
  const missing = client.exists('/gone', true);
  connection.reply((await connection.next()).xid, -101, 9);
  assert.equal(await missing, null);
  await cut(connection);
  const later = client.delete('/x');
  const second = await server.connection();
  await second.greeting();
  second.accept(10_000);
  const [auth, watches, request] = [await second.next(), await second.next(), await second.next()];
  assert.equal(auth.xid, Xid.auth);
  assert.equal(auth.request.type, OpCode.auth);
  assert.deepEqual(watches, {
    xid: Xid.setWatches,
    request: {
      type: OpCode.setWatches,
      relativeZxid: 9,
      dataWatches: [],
      existWatches: ['/app/gone'],
      childWatches: ['/app/kids'],
      persistentWatches: [],
      recursiveWatches: [],
    },
  });
  assert.equal('path' in request.request && request.request.path, '/app/x');
  second.reply(Xid.auth);
  second.reply(Xid.setWatches);
  second.reply(request.xid);
  await later;
});

test('a watch fires once, before the reply behind it, with the path under the chroot', async () => {
  const { client, connection } = await connected({ connectString: `${server.address}/app` });
  const order: unknown[] = [];
  const watching = client.getChildren('/', (event) => order.push(event));
  const { xid, request } = await connection.next();
  assert.equal('path' in request && request.path, '/app');
  connection.send((writer) => writeGetChildrenReply(writer, xid, 1, []));
  await watching;
  const next = client.sync('/').then((path) => order.push(path));
  const sync = await connection.next();
  connection.event(4, '/app');
  connection.event(4, '/app');
  connection.send((writer) => writePathReply(writer, sync.xid, 2, '/app'));
  await next;
  const expected: WatchEvent = { type: 'NodeChildrenChanged', path: '/' };
  assert.deepEqual(order, [expected, '/']);
});

test('an expired session rejects everything and is over', async () => {
  const { client, connection } = await connected();
  await cut(connection);
  const waiting = client.delete('/a');
  const second = await server.connection();
  await second.greeting();
  second.expire();
  await rejectsWith(waiting, 'SessionExpired');
  await rejectsWith(client.delete('/b'), 'SessionExpired');
  await rejectsWith(client.connect(), 'SessionExpired');
  assert.equal(client.state, 'CLOSED');
  await client.close();
  assert.deepEqual(states, ['SyncConnected', 'Disconnected', 'Expired']);
});

test('a refused identity ends the session', async () => {
  const { client, connection } = await connected();
  const auth = client.addAuth('digest', 'u:p');
  const inFlight = client.delete('/a');
  await connection.next();
  connection.reply(Xid.auth, -115);
  await rejectsWith(auth, 'AuthFailed');
  await rejectsWith(inFlight, 'AuthFailed');
  await rejectsWith(client.delete('/b'), 'AuthFailed');
  assert.equal(client.state, 'AUTH_FAILED');
  assert.deepEqual(states, ['SyncConnected', 'AuthFailed']);
});

for (const [what, answer] of [
  ['with another xid', (c: FakeConnection, xid: number) => c.reply(xid + 1)],
  ['that was never asked for', (c: FakeConnection) => c.reply(77)],
  [
    'that is cut short',
    (c: FakeConnection, xid: number) =>
      c.send((writer) => writer.int(20).int(xid).long(1).int(0).int(9)),
  ],
  ['of a negative length', (c: FakeConnection) => c.send((writer) => writer.int(-5))],
] as const) {
  test(`a reply ${what} costs the connection and rejects what was in flight`, async () => {
    const { client, connection } = await connected();
    // The reply of a delete is a header alone, so that only its xid can be wrong.
    const result = what === 'that is cut short' ? client.sync('/') : client.delete('/a');
    answer(connection, (await connection.next()).xid);
    await rejectsWith(result, 'ConnectionLoss');
    await connection.closed();
    await (await server.connection()).greeting();
  });
}

test('an idle client pings; a server that stays silent is left', async () => {
  const client = open();
  const connecting = client.connect();
  const connection = await server.connection();
  await connection.greeting();
  connection.accept(240);
  await connecting;
  const ping = await connection.next();
  assert.deepEqual(ping, { xid: Xid.ping, request: { type: OpCode.ping } });
  connection.reply(Xid.ping);
  // Nothing more is answered: the client goes elsewhere, with its session.
  const second = await server.connection();
  assert.ok((await second.greeting()).session.equals(SESSION));
});

test('close ends the session at the server, after what was asked before', async () => {
  const { client, connection } = await connected();
  const before = client.delete('/a');
  const closing = client.close();
  await rejectsWith(client.delete('/b'), 'SessionExpired');
  const first = await connection.next();
  const second = await connection.next();
  assert.equal(second.request.type, OpCode.closeSession);
  connection.reply(first.xid);
  connection.reply(second.xid);
  await Promise.all([before, closing, client.close()]);
  await connection.closed();
  assert.equal(client.state, 'CLOSED');
  assert.deepEqual(states, ['SyncConnected', 'Closed']);
});

test('close settles when the server does not answer, and rejects what was in flight', async () => {
  const client = open();
  const connecting = client.connect();
  const connection = await server.connection();
  await connection.greeting();
  connection.accept(200);
  await connecting;
  const inFlight = client.delete('/a');
  await Promise.all([rejectsWith(inFlight, 'ConnectionLoss'), client.close()]);
  assert.equal(client.state, 'CLOSED');
});

test('close settles before and during the first connection', async () => {
  const idle = open();
  await idle.close();
  const dialling = open();
  const connecting = dialling.connect();
  await server.connection();
  await Promise.all([dialling.close(), rejectsWith(connecting, 'SessionExpired')]);
});

test('without any server, requests and connect give up after a session timeout', async () => {
  const [port] = await freePorts(1);
  const failures: string[] = [];
  const client = open({
    connectString: `127.0.0.1:${port}`,
    sessionTimeoutMs: 60,
    onConnectFailure: (at, reason) => failures.push(`${at} ${reason.message}`),
  });
  await Promise.all([
    rejectsWith(client.connect(), 'ConnectionLoss'),
    rejectsWith(client.delete('/a'), 'ConnectionLoss'),
  ]);
  assert.equal(client.state, 'CONNECTING');
  assert.match(failures[0] ?? '', new RegExp(`^127.0.0.1:${port} .*ECONNREFUSED`));
});

test('the next server of the list is tried at once', async () => {
  const [port] = await freePorts(1);
  const client = open({ connectString: `127.0.0.1:${port},${server.address}` });
  const connecting = client.connect();
  const connection = await server.connection();
  await connection.greeting();
  connection.accept(10_000);
  await connecting;
});

test('paths are checked before they are sent, also behind a chroot and in a multi', async () => {
  const { client, connection } = await connected({ connectString: `${server.address}/app` });
  await rejectsWith(client.getData('bad'), 'BadArguments');
  await rejectsWith(client.create('/a/', null), 'BadArguments');
  const ops = [{ type: OpCode.delete, path: 'lication', version: -1 }] as const;
  await rejectsWith(client.multi(ops), 'BadArguments');
  const created = client.create('/q/', 'x', { flags: 2 });
  const { xid, request } = await connection.next();
  assert.equal('path' in request && request.path, '/app/q/');
  connection.send((writer) => writePathReply(writer, xid, 1, '/app/q/0000000000'));
  assert.equal(await created, '/q/0000000000');
});

test('more requests than the limit are refused at once', async () => {
  const { client } = await connected();
  const flood = Array.from({ length: 10_000 }, () => client.delete('/a').catch(() => undefined));
  await rejectsWith(client.delete('/b'), 'ThrottledOp');
  await Promise.all([client.close(), server.stop(), ...flood]);
});
