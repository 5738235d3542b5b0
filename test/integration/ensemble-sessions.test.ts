/**
 * Sessions on an ensemble: the handshake, taking a session elsewhere, its end, a change of leader.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { ZooKeeperClient } from '../../node/client/zookeeper-client.ts';
import { ErrorCode } from '../../node/core/request/error-code.ts';
import { OpCode } from '../../node/core/request/op-code.ts';
import { CreateMode, type Request } from '../../node/core/request/requests.ts';
import { SessionId } from '../../node/core/session-id.ts';
import { sessionPassword } from '../../node/core/tree/session-password.ts';
import { WatchEventType } from '../../node/core/tree/watches.ts';
import { decodeWatcherEvent } from '../../node/jute/reply-decoder.ts';
import { Xid } from '../../node/jute/xids.ts';
import { clientOf } from '../helpers/client-tree.ts';
import { awaitLeader } from '../helpers/ensemble.ts';
import { PicketEnsemble } from '../helpers/picket.ts';
import { until } from '../helpers/processes.ts';
import { type Credentials, WireClient, type WireReply } from '../helpers/wire-client.ts';

const WAIT_MS = 20_000;
const TICK_MS = 200;
/** The last is an observer. */
const SIDS = [1, 2, 3, 4];
const OPEN = [{ perms: 31, id: { scheme: 'world', id: 'anyone' } }];
const PING: Request = { type: OpCode.ping };

let ensemble: PicketEnsemble;
let client: ZooKeeperClient;

before(async () => {
  const config = ['maxSessionTimeout=20000'];
  ensemble = await PicketEnsemble.start(4, {
    observers: 1,
    tickTimeMs: TICK_MS,
    syncLimit: 20,
    config,
  });
  client = await clientOf(ensemble, SIDS, 20_000);
});

after(async () => {
  await client.close();
  await ensemble.stop();
});

function portOf(sid: number): number {
  return ensemble.server(sid).clientPort;
}

/** A connection to peer `sid` with a session of its own. */
async function wire(sid: number, timeoutMs = 10_000): Promise<[WireClient, Credentials]> {
  const connection = await WireClient.open(portOf(sid));
  const answer = await connection.hello({ timeoutMs });
  assert.ok(answer !== null && answer.timeoutMs > 0);
  return [connection, { session: answer.session, password: answer.password ?? new Uint8Array() }];
}

function createOf(path: string, flags: number = CreateMode.ephemeral): Request {
  return { type: OpCode.create, path, data: null, acl: OPEN, flags, ttlMs: 0 };
}

async function succeeds(connection: WireClient, xid: number, request: Request): Promise<WireReply> {
  const reply = await connection.call(xid, request);
  assert.ok(reply !== null, 'the connection is open');
  assert.deepEqual([reply.xid, reply.err], [xid, ErrorCode.ok]);
  return reply;
}

/** Waits for the znode to be gone on every peer. */
async function gone(path: string): Promise<void> {
  for (const sid of SIDS) {
    const reader = await clientOf(ensemble, [sid]);
    await until(`${path} to be gone`, WAIT_MS, async () => (await reader.exists(path)) === null);
    await reader.close();
  }
}

test('the timeout is clamped, the password is of the session, readOnly comes back if sent', async () => {
  for (const [asked, granted] of [
    [1, 2 * TICK_MS],
    [5000, 5000],
    [2 ** 31 - 1, 20_000],
    [-5, 2 * TICK_MS],
  ] as const) {
    const connection = await WireClient.open(portOf(2));
    const answer = await connection.hello({ timeoutMs: asked });
    assert.ok(answer !== null);
    assert.equal(answer.timeoutMs, granted);
    assert.equal(answer.hasReadOnly, true);
    assert.equal(answer.readOnly, false);
    assert.deepEqual(answer.password, Buffer.from(sessionPassword(answer.session)));
    assert.equal(answer.session.hi >>> 24, 2, 'the sid of the peer is in the id');
    assert.equal(await connection.call(1, { type: OpCode.closeSession }).then((it) => it?.err), 0);
    await connection.closed();
  }
});

test('a connect request without readOnly, 44 bytes, gets an answer without it', async () => {
  const connection = await WireClient.open(portOf(1));
  const answer = await connection.hello({ hasReadOnly: false });
  assert.ok(answer !== null && answer.timeoutMs > 0);
  assert.equal(answer.hasReadOnly, false);
  await succeeds(connection, Xid.ping, PING);
  connection.drop();
});

test('a session goes on at another peer with its ephemerals, and setWatches misses nothing', async () => {
  await client.create('/resume', '');
  await client.create('/resume/changed', '');
  await client.create('/resume/calm', '');
  const [first, credentials] = await wire(1);
  await succeeds(first, 1, createOf('/resume/mine'));
  for (const path of ['/resume/changed', '/resume/calm']) {
    await succeeds(first, 2, { type: OpCode.getData, path, watch: true });
  }
  const seen = await succeeds(first, 3, { type: OpCode.getData, path: '/resume', watch: false });
  first.drop();
  await client.setData('/resume/changed', 'while nobody was connected');

  const second = await WireClient.open(portOf(2));
  const answer = await second.hello({ ...credentials, lastZxidSeen: seen.zxid });
  assert.ok(answer !== null);
  assert.ok(answer.session.equals(credentials.session), 'the same session');
  assert.deepEqual(answer.password, Buffer.from(credentials.password));
  await succeeds(second, 3, { type: OpCode.sync, path: '/' });
  second.send(Xid.setWatches, {
    type: OpCode.setWatches,
    relativeZxid: seen.zxid,
    dataWatches: ['/resume/changed', '/resume/calm'],
    existWatches: [],
    childWatches: [],
    persistentWatches: [],
    recursiveWatches: [],
  });
  await assertEvent(second, WatchEventType.dataChanged, '/resume/changed');
  const done = await second.reply();
  assert.deepEqual([done?.xid, done?.err], [Xid.setWatches, ErrorCode.ok]);
  const mine = await client.exists('/resume/mine');
  assert.ok(mine?.ephemeralOwner.equals(credentials.session));
  await client.setData('/resume/calm', 'now');
  await assertEvent(second, WatchEventType.dataChanged, '/resume/calm');
  await succeeds(second, 4, { type: OpCode.closeSession });
  await gone('/resume/mine');
});

async function assertEvent(connection: WireClient, type: number, path: string): Promise<void> {
  const event = await connection.reply();
  assert.equal(event?.xid, Xid.notification);
  const { type: got, path: where } = decodeWatcherEvent(event.body);
  assert.deepEqual([got, where], [type, path]);
}

test('a write on the connection that a session has left does nothing but end it', async () => {
  for (const [from, to] of [
    [1, 2],
    [2, 3],
    [3, 4],
    [4, 1],
  ] as const) {
    const [old, credentials] = await wire(from);
    const now = await WireClient.open(portOf(to));
    assert.ok((await now.hello(credentials))?.timeoutMs);
    await succeeds(now, 10, createOf(`/moved-${from}`));
    old.send(1, { type: OpCode.setData, path: `/moved-${from}`, data: null, version: -1 });
    assert.equal(await old.reply(), null, 'no reply, the connection ends');
    assert.equal((await client.exists(`/moved-${from}`))?.version, 0);
    await succeeds(now, 11, { type: OpCode.closeSession });
  }
});

test('on one peer the older connection of a session is closed', async () => {
  const [old, credentials] = await wire(3);
  const now = await WireClient.open(portOf(3));
  assert.ok((await now.hello(credentials))?.timeoutMs);
  await old.closed();
  await succeeds(now, 1, createOf('/same-peer'));
  await succeeds(now, 2, { type: OpCode.closeSession });
});

test('who closes a session finds its ephemerals gone when the answer comes', async () => {
  for (const sid of SIDS) {
    const [connection] = await wire(sid);
    const reader = await clientOf(ensemble, [sid]);
    for (let i = 0; i < 20; i += 1) await succeeds(connection, i, createOf(`/closing-${i}`));
    await reader.sync('/');
    const events: string[] = [];
    await reader.exists('/closing-0', ({ type }) => events.push(type));
    assert.equal(
      (await reader.getChildren('/')).filter((it) => it.startsWith('closing')).length,
      20,
    );
    await succeeds(connection, 21, { type: OpCode.closeSession });
    assert.deepEqual(
      (await reader.getChildren('/')).filter((it) => it.startsWith('closing')),
      [],
    );
    assert.deepEqual(events, ['NodeDeleted']);
    await connection.closed();
    await reader.close();
  }
});

test('a session whose client has died expires: its ephemerals go, and it cannot come back', async () => {
  for (const sid of SIDS) {
    const [connection, credentials] = await wire(sid, 3 * TICK_MS);
    const startMs = performance.now();
    await succeeds(connection, 1, createOf('/expiring'));
    connection.drop();
    await gone('/expiring');
    assert.ok(performance.now() - startMs >= 3 * TICK_MS - TICK_MS, 'not before its time');
    await refused(sid, credentials);
    await refused((sid % 4) + 1, credentials);
  }
});

test('a client that is connected and silent expires; one that pings does not', async () => {
  const [silent] = await wire(2, 3 * TICK_MS);
  const alive = await clientOf(ensemble, [2], 3 * TICK_MS);
  await succeeds(silent, 1, createOf('/silent'));
  await alive.create('/alive', '', { flags: CreateMode.ephemeral });
  await silent.closed();
  await gone('/silent');
  assert.ok((await client.exists('/alive')) !== null);
  await alive.close();
});

async function refused(sid: number, credentials: Credentials): Promise<void> {
  const connection = await WireClient.open(portOf(sid));
  const answer = await connection.hello(credentials);
  assert.ok(answer !== null, 'it is told');
  assert.equal(answer.timeoutMs, 0);
  assert.ok(answer.session.isNone);
  assert.deepEqual(answer.password, Buffer.alloc(16));
  await connection.closed();
}

test('a wrong password or a session that never was is answered with timeout 0', async () => {
  const [connection, credentials] = await wire(1);
  const { session } = credentials;
  for (const sid of SIDS) {
    await refused(sid, { session, password: new Uint8Array(16) });
    await refused(sid, { session, password: sessionPassword(session).slice(0, 15) });
    const stranger = new SessionId(0x01234567, 0x89abcdef);
    await refused(sid, { session: stranger, password: sessionPassword(stranger) });
  }
  await succeeds(connection, 1, { type: OpCode.closeSession });
});

test('a client that has seen a later zxid than the peer is closed without an answer', async () => {
  for (const sid of SIDS) {
    const connection = await WireClient.open(portOf(sid));
    assert.equal(await connection.hello({ lastZxidSeen: 2 ** 45 }), null);
    const [other, credentials] = await wire(sid);
    const again = await WireClient.open(portOf(sid));
    assert.equal(await again.hello({ ...credentials, lastZxidSeen: 2 ** 45 }), null);
    // The attempt has cost the session nothing.
    await succeeds(other, 1, { type: OpCode.closeSession });
  }
});

test('a change of leader costs no session, no ephemeral and no watch', async (context) => {
  const clients = await Promise.all(
    SIDS.map((sid) => clientOf(ensemble, [sid, (sid % 4) + 1, ((sid + 1) % 4) + 1], 20_000)),
  );
  context.after(() => Promise.all(clients.map((it) => it.close())));
  const events: string[] = [];
  for (const [i, it] of clients.entries()) {
    await it.create(`/owned-${i}`, '', { flags: CreateMode.ephemeral });
    await it.exists('/signal', ({ type }) => events.push(`${i} ${type}`));
  }
  const ids = clients.map((it) => it.sessionId);
  const leader = await awaitLeader(ensemble);
  await ensemble.kill(leader);
  await awaitLeader(ensemble, leader);
  await ensemble.restart(leader);
  // Longer than a write can take: the first to succeed is served by the new leader.
  await until('a write', WAIT_MS, () =>
    client.create('/signal', '').then(
      () => true,
      (error: unknown) => error instanceof Error && error.name === 'NodeExists',
    ),
  );
  await until('every watch', WAIT_MS, () => events.length >= 4);
  assert.deepEqual(events.sort(), [
    '0 NodeCreated',
    '1 NodeCreated',
    '2 NodeCreated',
    '3 NodeCreated',
  ]);
  assert.deepEqual(
    clients.map((it) => it.sessionId),
    ids,
  );
  for (const [i, it] of clients.entries()) {
    const stat = await it.exists(`/owned-${i}`);
    assert.equal(stat?.ephemeralOwner.toBigInt(), ids[i]);
  }
});
