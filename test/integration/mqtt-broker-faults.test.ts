/** The MQTT bridge when the broker is away, forgets, refuses or hangs. */
import assert from 'node:assert/strict';
import net from 'node:net';
import { after, beforeEach, describe, test } from 'node:test';
import { FakeTree, TestBroker } from '../helpers/mqtt.ts';
import {
  assertRetainedEquals,
  cleanUp,
  cleanups,
  cursorAt,
  listen,
  published,
  startAedes,
  startBridge,
  WAIT_MS,
} from '../helpers/mqtt-bridge.ts';
import { claimPorts, until } from '../helpers/processes.ts';

describe('MQTT bridge and a broker that fails', () => {
  let tree = new FakeTree();
  beforeEach(async () => {
    await cleanUp();
    tree = new FakeTree();
  });
  after(cleanUp);

  test('the broker goes away and comes back with its state: nothing lost', async () => {
    const broker = await startAedes();
    const ears = await listen(broker.url);
    const one = startBridge(broker.url, tree, 1);
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
    const broker = await startAedes();
    const heard: number[] = [];
    // At the broker itself, which no cut reaches.
    broker.aedes.on('publish', (packet) => {
      if (!packet.topic.startsWith('picket/event/')) return;
      heard.push(Number(JSON.parse(packet.payload.toString()).zxid));
    });
    const one = startBridge(broker.url, tree, 1);
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
    const one = startBridge(broker.url, tree, 1);
    one.lead(1, tree.zxid);
    for (let i = 0; i < 40; i += 1) tree.create(`/n${i}`, `${i}`);
    await published(one, tree.zxid);
    await broker.stop();
    await until('the bridge to notice', WAIT_MS, () => !one.status().isConnected);
    const fresh = await startAedes({ port: broker.port });
    const ears = await listen(fresh.url);
    await cursorAt(fresh.url, tree.zxid);
    await assertRetainedEquals(fresh.url, tree);
    assert.equal(one.status().resyncs, 2);
    // The consumers heard these events before: only their state is new to the broker.
    assert.deepEqual(ears.zxids(), []);
  });

  test('away for longer than the ring: resync, and orphans are cleared', async () => {
    const broker = await startAedes();
    const one = startBridge(broker.url, tree, 1, { limits: { ringCountMax: 20 } });
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

  test('a message on which the broker disconnects does not block the stream', async () => {
    const broker = await startAedes();
    broker.aedes.authorizePublish = (_client, packet, callback) => {
      callback(packet.topic.endsWith('/poison') ? new Error('not authorised') : null);
    };
    const one = startBridge(broker.url, tree, 1);
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

  test('with no broker at all: bounded memory, and stop returns soon', async () => {
    const [port = 0] = await claimPorts(1);
    const one = startBridge(`mqtt://127.0.0.1:${port}`, tree, 1, {
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
    const one = startBridge(`mqtt://127.0.0.1:${port}`, tree, 1, {
      limits: { connectTimeoutMs: 100 },
    });
    one.lead(1, tree.zxid);
    tree.create('/a', '');
    await until('a second attempt', WAIT_MS, () => connections >= 2);
    await one.stop();
    await new Promise((resolve) => server.close(resolve));
  });

  test('a refused login is tried again', async () => {
    const broker = await startAedes();
    let attempts = 0;
    broker.aedes.authenticate = (_client, username, password, done) => {
      attempts += 1;
      done(null, attempts > 2 && username === 'u' && password?.toString() === 'secret');
    };
    const one = startBridge(broker.url, tree, 1, { username: 'u', password: 'secret' });
    one.lead(1, tree.zxid);
    tree.create('/a', '');
    await published(one, tree.zxid);
    assert.ok(attempts > 2);
  });
});
