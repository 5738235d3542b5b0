/** The MQTT bridge against real brokers on loopback: aedes, and mosquitto where it is installed. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import { after, beforeEach, describe, test } from 'node:test';
import mqtt from 'mqtt';
import { MqttBridge, type MqttBridgeOptions } from '../../node/mqtt/bridge.ts';
import type { BridgeLimits } from '../../node/mqtt/limits.ts';
import { stateTopic } from '../../node/mqtt/topics.ts';
import {
  FakeTree,
  Listener,
  quietLog,
  retained,
  startMosquitto,
  TestBroker,
} from '../helpers/mqtt.ts';
import { claimPorts, until } from '../helpers/processes.ts';

const WAIT_MS = 15_000;
const QUICK: Partial<BridgeLimits> = {
  cursorWaitMs: 150,
  sweepQuietMs: 150,
  backoffMinMs: 20,
  backoffMaxMs: 100,
  closeTimeoutMs: 500,
};

const cleanups: (() => Promise<void>)[] = [];

async function cleanUp(): Promise<void> {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
}

async function aedes(options: { port?: number } = {}): Promise<TestBroker> {
  const broker = await TestBroker.start(options);
  cleanups.push(() => broker.stop());
  return broker;
}

async function listen(url: string, filter?: string): Promise<Listener> {
  const listener = await Listener.start(url, filter);
  cleanups.push(() => listener.stop());
  return listener;
}

function bridge(
  url: string,
  tree: FakeTree,
  sid: number,
  options: Partial<MqttBridgeOptions> = {},
): MqttBridge {
  const made = new MqttBridge({
    url,
    sid,
    log: quietLog,
    source: tree,
    ...options,
    limits: { ...QUICK, ...options.limits },
  });
  made.restart(tree.zxid);
  tree.observers.add(made);
  made.start();
  cleanups.push(() => made.stop());
  return made;
}

async function published(made: MqttBridge, zxid: number): Promise<void> {
  await until('all to be published', WAIT_MS, () => made.status().publishedTo >= zxid);
}

/** Then everything before it is processed too; aedes sends a PUBACK before it processes. */
async function cursorAt(url: string, zxid: number): Promise<void> {
  await until('the cursor to follow', WAIT_MS, async () => {
    const text = (await retained(url, 'picket/cursor')).get('picket/cursor');
    const { zxid: at, resync = false } = JSON.parse(text ?? '{}');
    return Number(at) === zxid && !resync;
  });
}

/** What the broker retains is exactly the state of `tree`. */
async function assertRetainedEquals(url: string, tree: FakeTree): Promise<void> {
  const topics = await retained(url, 'picket/state/#');
  const expected = [...tree.znodes.keys()].map((path) => stateTopic('picket', path));
  assert.deepEqual([...topics.keys()].sort(), expected.sort());
  for (const node of tree.znodes.values()) {
    const envelope = JSON.parse(topics.get(stateTopic('picket', node.path)) ?? '');
    const text = node.data === null ? null : Buffer.from(node.data).toString('utf8');
    assert.deepEqual([envelope.path, envelope.data], [node.path, text]);
    assert.equal(Number(envelope.zxid), node.stat.mzxid);
  }
}

function assertAscending(zxids: readonly number[]): void {
  for (let i = 1; i < zxids.length; i += 1) {
    assert.ok((zxids[i] ?? 0) >= (zxids[i - 1] ?? 0), `out of order at ${i}: ${zxids.join(' ')}`);
  }
}

describe('MQTT bridge with aedes', () => {
  let tree = new FakeTree();
  beforeEach(async () => {
    await cleanUp();
    tree = new FakeTree();
  });
  after(cleanUp);

  test('publishes state and events in order; deletes; keeps empty data', async () => {
    const broker = await aedes();
    const ears = await listen(broker.url);
    const one = bridge(broker.url, tree, 1);
    one.lead(1, tree.zxid);
    tree.create('/osgi', 'hello');
    await cursorAt(broker.url, tree.zxid);
    tree.create('/empty', '');
    tree.create('/null', null);
    tree.create('/a+b', new Uint8Array([0xff, 0x00]));
    for (let i = 0; i < 300; i += 1) tree.set('/osgi', `v${i}`);
    tree.create('/zookeeper', 'not published');
    tree.delete('/empty');
    await published(one, tree.zxid);
    await ears.until('the last event', () => ears.zxids().at(-1) === tree.zxid);

    const log = tree.log.filter((zxid) => zxid !== tree.zxid - 1);
    assert.deepEqual(ears.zxids(), log);
    assert.deepEqual(
      [ears.events()[0]?.event, ears.events()[1]?.path, ears.events()[1]?.data],
      ['resync', '/osgi', 'hello'],
    );
    const cleared = ears.heard.filter((m) => m.topic === 'picket/state/empty');
    assert.deepEqual([cleared.length, cleared.at(-1)?.payload], [2, '']);
    assert.deepEqual(ears.events().at(-1)?.event, 'deleted');
    const state = await retained(broker.url, 'picket/state/#');
    assert.deepEqual([...state.keys()].sort(), [
      'picket/state/a%2Bb',
      'picket/state/null',
      'picket/state/osgi',
    ]);
    assert.equal(JSON.parse(state.get('picket/state/osgi') ?? '').data, 'v299');
    assert.equal(JSON.parse(state.get('picket/state/null') ?? '').data, null);
    assert.equal(JSON.parse(state.get('picket/state/a%2Bb') ?? '').data, '/wA=');
    await cursorAt(broker.url, tree.zxid);
  });

  test('a successor resumes after the cursor: nothing lost, order kept, no resync', async () => {
    const broker = await aedes();
    const ears = await listen(broker.url);
    const one = bridge(broker.url, tree, 1);
    const two = bridge(broker.url, tree, 2);
    one.lead(1, tree.zxid);
    for (const path of ['/a', '/b', '/c']) tree.create(path, '0');
    await published(one, tree.zxid);
    await cursorAt(broker.url, tree.zxid);

    // The leader is cut off: it publishes nothing more, and the ensemble goes on.
    one.unlead();
    for (let i = 0; i < 50; i += 1) tree.multi(['/a', '/b', '/c'], `x${i}`);
    tree.epoch = 2;
    tree.counter = 0;
    two.lead(2, tree.zxid);
    tree.set('/a', 'last');
    await published(two, tree.zxid);
    await ears.until('the last event', () => ears.zxids().at(-1) === tree.zxid);

    assert.equal(two.status().resyncs, 0);
    const zxids = ears.zxids();
    assertAscending(zxids);
    assert.deepEqual([...new Set(zxids)], tree.log);
    assert.equal(zxids.length, 3 + 150 + 1);
    await cursorAt(broker.url, tree.zxid);
    await assertRetainedEquals(broker.url, tree);
  });

  test('a leader that dies during its resync: the successor does it again, and loses no event', async () => {
    const broker = await aedes();
    const ears = await listen(broker.url);
    const one = bridge(broker.url, tree, 1, { limits: { sweepQuietMs: WAIT_MS } });
    const two = bridge(broker.url, tree, 2);
    for (let i = 0; i < 50; i += 1) tree.create(`/n${i}`, 'x');
    one.lead(1, tree.zxid);
    await until('the resync to be under way', WAIT_MS, async () => {
      return (await retained(broker.url, 'picket/cursor')).size > 0;
    });
    one.unlead();
    const led = tree.zxid;
    for (let i = 0; i < 50; i += 1) tree.set(`/n${i}`, 'y');
    const missed = tree.zxid;
    tree.epoch = 2;
    tree.counter = 0;
    two.lead(2, tree.zxid);
    tree.delete('/n7');
    await cursorAt(broker.url, tree.zxid);
    await assertRetainedEquals(broker.url, tree);
    assert.equal(two.status().resyncs, 1);
    const zxids = new Set(ears.zxids());
    for (let zxid = led + 1; zxid <= missed; zxid += 1) assert.ok(zxids.has(zxid), `${zxid}`);
  });

  test('the broker goes away and comes back with its state: nothing lost', async () => {
    const broker = await aedes();
    const ears = await listen(broker.url);
    const one = bridge(broker.url, tree, 1);
    one.lead(1, tree.zxid);
    tree.create('/a', '0');
    await cursorAt(broker.url, tree.zxid);

    await broker.cut();
    await until('the bridge to notice', WAIT_MS, () => !one.status().isConnected);
    for (let i = 0; i < 100; i += 1) tree.set('/a', `away ${i}`);
    const again = await TestBroker.start({ port: broker.port, aedes: broker.aedes });
    cleanups.push(() => again.cut());
    await cursorAt(again.url, tree.zxid);
    // The listener too was away for a moment; what is retained tells.
    await assertRetainedEquals(again.url, tree);
    assert.equal(one.status().resyncs, 1);
    assert.ok(ears.heard.length > 0);
  });

  test('events published while a cut is under way are repeated, not lost', async () => {
    const broker = await aedes();
    const heard: number[] = [];
    // At the broker itself, which no cut reaches.
    broker.aedes.on('publish', (packet) => {
      if (!packet.topic.startsWith('picket/event/')) return;
      heard.push(Number(JSON.parse(packet.payload.toString()).zxid));
    });
    const one = bridge(broker.url, tree, 1);
    one.lead(1, tree.zxid);
    tree.create('/a', '0');
    await published(one, tree.zxid);
    let again = broker;
    for (let round = 0; round < 4; round += 1) {
      for (let i = 0; i < 200; i += 1) tree.set('/a', `${round} ${i}`);
      const seen = heard.length;
      await until('some events', WAIT_MS, () => heard.length > seen + 20);
      await again.cut();
      again = await TestBroker.start({ port: broker.port, aedes: broker.aedes });
      const current = again;
      cleanups.push(() => current.cut());
    }
    await published(one, tree.zxid);
    assert.deepEqual(
      [...new Set(heard)].sort((a, b) => a - b),
      tree.log,
    );
    assert.equal(one.status().refused, 0);
  });

  test('the broker forgot everything: the tree is published afresh', async () => {
    const broker = await TestBroker.start();
    const one = bridge(broker.url, tree, 1);
    one.lead(1, tree.zxid);
    for (let i = 0; i < 40; i += 1) tree.create(`/n${i}`, `${i}`);
    await published(one, tree.zxid);
    await broker.stop();
    await until('the bridge to notice', WAIT_MS, () => !one.status().isConnected);
    const fresh = await aedes({ port: broker.port });
    const ears = await listen(fresh.url);
    await cursorAt(fresh.url, tree.zxid);
    await assertRetainedEquals(fresh.url, tree);
    assert.equal(one.status().resyncs, 2);
    // The consumers heard these events before: only their state is new to the broker.
    assert.deepEqual(ears.zxids(), []);
  });

  test('away for longer than the ring: resync, and orphans are cleared', async () => {
    const broker = await aedes();
    const one = bridge(broker.url, tree, 1, { limits: { ringCountMax: 20 } });
    one.lead(1, tree.zxid);
    const deep = '/d'.repeat(200);
    for (const path of ['/gone', '/stays', '/gone/child', deep, `${deep}/gone`]) {
      tree.create(path, 'x');
    }
    await cursorAt(broker.url, tree.zxid);
    await assertRetainedEquals(broker.url, tree);

    await broker.cut();
    await until('the bridge to notice', WAIT_MS, () => !one.status().isConnected);
    tree.delete('/gone/child', '/gone', `${deep}/gone`);
    for (let i = 0; i < 100; i += 1) tree.set('/stays', `${i}`);
    assert.ok(one.status().ringCount < 20);
    const again = await TestBroker.start({ port: broker.port, aedes: broker.aedes });
    cleanups.push(() => again.cut());
    const ears = await listen(again.url);
    await cursorAt(again.url, tree.zxid);
    await assertRetainedEquals(again.url, tree);
    assert.equal(one.status().resyncs, 2);
    await ears.until('a resync event', () => ears.events().some((e) => e.event === 'resync'));
  });

  test('the ring overruns a resync and the stream: what is retained is right all the same', async () => {
    const broker = await aedes();
    const one = bridge(broker.url, tree, 1, { limits: { ringCountMax: 16 } });
    for (let i = 0; i < 500; i += 1) tree.create(`/n${i}`, 'old');
    one.lead(1, tree.zxid);
    await until('the walk to begin', WAIT_MS, () => one.status().resyncs > 0);
    for (let i = 0; i < 500; i += 1) {
      tree.set(`/n${i}`, 'new');
      if (i % 50 === 0) tree.delete(`/n${i}`);
      if (i % 20 === 0) await new Promise(setImmediate);
    }
    await cursorAt(broker.url, tree.zxid);
    await assertRetainedEquals(broker.url, tree);
    assert.ok(one.status().resyncs > 1);
  });

  test('a cursor of another history is not trusted', async () => {
    const broker = await aedes();
    const client = await mqtt.connectAsync(broker.url);
    const alien = '{"zxid":"0x900000001","epoch":9,"sid":1}';
    await client.publishAsync('picket/cursor', alien, { qos: 1, retain: true });
    await client.publishAsync('picket/state/alien', '{}', { qos: 1, retain: true });
    await client.publishAsync('picket/state/%zz', '{}', { qos: 1, retain: true });
    await client.endAsync();
    tree.create('/mine', 'x');
    const one = bridge(broker.url, tree, 1);
    one.lead(1, tree.zxid);
    await cursorAt(broker.url, tree.zxid);
    await assertRetainedEquals(broker.url, tree);
  });

  test('a deposed leader stops at the cursor of the new one, which repairs the state', async () => {
    const broker = await aedes();
    const old = bridge(broker.url, tree, 1);
    old.lead(1, tree.zxid);
    tree.create('/a', '1');
    await cursorAt(broker.url, tree.zxid);
    // Nobody tells the old leader; it goes on as if nothing had happened.
    tree.epoch = 2;
    tree.counter = 0;
    const next = bridge(broker.url, tree, 2);
    next.lead(2, tree.zxid);
    await until('the old leader to stop', WAIT_MS, () => !old.status().isPublishing);
    for (let i = 0; i < 200; i += 1) tree.set('/a', `next ${i}`);
    await cursorAt(broker.url, tree.zxid);
    await assertRetainedEquals(broker.url, tree);
    assert.ok(old.status().publishedTo < tree.zxid);
  });

  test('state that an older leader overwrote is published afresh', async () => {
    const broker = await aedes();
    const one = bridge(broker.url, tree, 1);
    tree.epoch = 2;
    one.lead(2, tree.zxid);
    tree.create('/a', 'new');
    await cursorAt(broker.url, tree.zxid);
    // What was still in the buffers of a leader that was frozen for a while.
    const client = await mqtt.connectAsync(broker.url);
    const late = JSON.stringify({ zxid: '0x100000009', epoch: 1, sid: 3 });
    await client.publishAsync('picket/state/a', '{"path":"/a","data":"old"}', {
      qos: 1,
      retain: true,
    });
    await client.publishAsync('picket/cursor', late, { qos: 1, retain: true });
    await client.endAsync();
    await cursorAt(broker.url, tree.zxid);
    await assertRetainedEquals(broker.url, tree);
  });

  test('a message on which the broker disconnects does not block the stream', async () => {
    const broker = await aedes();
    broker.aedes.authorizePublish = (_client, packet, callback) => {
      callback(packet.topic.endsWith('/poison') ? new Error('not authorised') : null);
    };
    const one = bridge(broker.url, tree, 1);
    one.lead(1, tree.zxid);
    tree.create('/a', '1');
    await cursorAt(broker.url, tree.zxid);
    tree.create('/b', '1');
    tree.create('/poison', 'x');
    for (let i = 0; i < 30; i += 1) tree.set('/a', `${i}`);
    await cursorAt(broker.url, tree.zxid);
    // State and event of the one znode.
    assert.equal(one.status().refused, 2);
    tree.znodes.delete('/poison');
    await assertRetainedEquals(broker.url, tree);
  });

  test('peer states: role, last will, goodbye with a reason', async () => {
    const broker = await aedes();
    const ears = await listen(broker.url, 'picket/peer/#');
    const one = bridge(broker.url, tree, 1);
    const two = bridge(broker.url, tree, 2);
    const last = (sid: number): string | undefined =>
      ears.heard.filter((m) => m.topic === `picket/peer/${sid}/state`).at(-1)?.payload;
    await ears.until('both', () => last(1) !== undefined && last(2) !== undefined);
    one.setRole('leading');
    two.setRole('following');
    await ears.until('one role', () => last(1) === '{"state":"leading","sid":1}');
    await ears.until('the other', () => last(2) === '{"state":"following","sid":2}');
    await one.stop('halted: voltage');
    await ears.until('goodbye', () => /offline/.test(last(1) ?? ''));
    assert.equal(last(1), '{"state":"offline","sid":1,"reason":"halted: voltage"}');
    await broker.cut();
    const again = await TestBroker.start({ port: broker.port, aedes: broker.aedes });
    cleanups.push(() => again.cut());
    await until('the last will, then the state again', WAIT_MS, async () => {
      const topic = 'picket/peer/2/state';
      return /following/.test((await retained(again.url, topic)).get(topic) ?? '');
    });
  });

  test('with no broker at all: bounded memory, and stop returns soon', async () => {
    const [port = 0] = await claimPorts(1);
    const one = bridge(`mqtt://127.0.0.1:${port}`, tree, 1, {
      limits: { ringCountMax: 100, ringBytesMax: 50_000 },
    });
    one.lead(1, tree.zxid);
    tree.create('/a', '');
    const value = 'x'.repeat(2000);
    for (let i = 0; i < 5000; i += 1) tree.set('/a', value);
    assert.ok(one.status().ringCount < 100 && one.status().ringBytes <= 50_000);
    await one.stop();
  });

  test('a broker that accepts and never answers costs nothing and is given up', async () => {
    let connections = 0;
    const server = net.createServer((socket) => {
      connections += 1;
      socket.on('error', () => undefined);
      socket.resume();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const one = bridge(`mqtt://127.0.0.1:${port}`, tree, 1, { limits: { connectTimeoutMs: 100 } });
    one.lead(1, tree.zxid);
    tree.create('/a', '');
    await until('a second attempt', WAIT_MS, () => connections >= 2);
    await one.stop();
    await new Promise((resolve) => server.close(resolve));
  });

  test('a refused login is tried again', async () => {
    const broker = await aedes();
    let attempts = 0;
    broker.aedes.authenticate = (_client, username, password, done) => {
      attempts += 1;
      done(null, attempts > 2 && username === 'u' && password?.toString() === 'secret');
    };
    const one = bridge(broker.url, tree, 1, { username: 'u', password: 'secret' });
    one.lead(1, tree.zxid);
    tree.create('/a', '');
    await published(one, tree.zxid);
    assert.ok(attempts > 2);
  });

  test('unusable configuration is refused by name, without its secrets', () => {
    const make = (url: string, base?: string) => () =>
      new MqttBridge({ url, base, sid: 1, log: quietLog, source: tree });
    for (const url of ['', 'http://x', 'mqtt://', 'mqtt://u:pw@h']) {
      assert.throws(make(url), (error: Error) => {
        assert.match(error.message, /picket\.mqtt\.url/);
        assert.ok(!error.message.includes('pw@'));
        return true;
      });
    }
    assert.throws(make('mqtt://h', '/x'), /picket\.mqtt\.topic/);
  });
});

describe('MQTT bridge with mosquitto', () => {
  after(cleanUp);

  test('create, change, delete, resume, orphans', async (context) => {
    await cleanUp();
    const broker = await startMosquitto();
    if (broker === undefined) return context.skip('mosquitto is not installed');
    cleanups.push(broker.stop);
    const tree = new FakeTree();
    const ears = await listen(broker.url);
    const one = bridge(broker.url, tree, 1);
    const two = bridge(broker.url, tree, 2);
    one.lead(1, tree.zxid);
    tree.create('/osgi', 'hello');
    tree.create('/\ufdd0\u0416 a/+'.replace('/+', ''), 'noncharacter');
    tree.create('/gone', '');
    for (let i = 0; i < 200; i += 1) tree.set('/osgi', `${i}`);
    tree.delete('/gone');
    await cursorAt(broker.url, tree.zxid);
    one.unlead();
    for (let i = 0; i < 100; i += 1) tree.set('/osgi', `again ${i}`);
    tree.epoch = 2;
    tree.counter = 0;
    two.lead(2, tree.zxid);
    tree.create('/last', 'x');
    await published(two, tree.zxid);
    await cursorAt(broker.url, tree.zxid);
    await ears.until('the last event', () => ears.zxids().at(-1) === tree.zxid);
    assertAscending(ears.zxids());
    assert.deepEqual(ears.zxids(), tree.log);
    await assertRetainedEquals(broker.url, tree);

    if (!fs.existsSync('/usr/bin/mosquitto_sub')) return;
    const shown = execFileSync('/usr/bin/mosquitto_sub', [
      ...['-v', '-h', '127.0.0.1', '-p', String(broker.port)],
      ...['-t', 'picket/state/last', '-C', '1', '-W', '10'],
    ]).toString();
    assert.match(shown, /^picket\/state\/last \{"path":"\/last",.*"data":"x"\}\n$/);
  });
});
