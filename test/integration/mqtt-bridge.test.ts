/** The MQTT bridge against aedes on loopback: what it publishes, and how leaders take turns. */
import assert from 'node:assert/strict';
import { after, beforeEach, describe, test } from 'node:test';
import mqtt from 'mqtt';
import { MqttBridge } from '../../node/mqtt/bridge.ts';
import { FakeTree, quietLog, retained, TestBroker } from '../helpers/mqtt.ts';
import {
  assertAscending,
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
import { until } from '../helpers/processes.ts';

describe('MQTT bridge', () => {
  let tree = new FakeTree();
  beforeEach(async () => {
    await cleanUp();
    tree = new FakeTree();
  });
  after(cleanUp);

  test('publishes state and events in order; deletes; keeps empty data', async () => {
    const broker = await startAedes();
    const ears = await listen(broker.url);
    const one = startBridge(broker.url, tree, 1);
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
    const broker = await startAedes();
    const ears = await listen(broker.url);
    const one = startBridge(broker.url, tree, 1);
    const two = startBridge(broker.url, tree, 2);
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
    const broker = await startAedes();
    const ears = await listen(broker.url);
    const one = startBridge(broker.url, tree, 1, { limits: { sweepQuietMs: WAIT_MS } });
    const two = startBridge(broker.url, tree, 2);
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

  test('the ring overruns a resync and the stream: what is retained is right all the same', async () => {
    const broker = await startAedes();
    const one = startBridge(broker.url, tree, 1, { limits: { ringCountMax: 16 } });
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
    const broker = await startAedes();
    const client = await mqtt.connectAsync(broker.url);
    const alien = '{"zxid":"0x900000001","epoch":9,"sid":1}';
    await client.publishAsync('picket/cursor', alien, { qos: 1, retain: true });
    await client.publishAsync('picket/state/alien', '{}', { qos: 1, retain: true });
    await client.publishAsync('picket/state/%zz', '{}', { qos: 1, retain: true });
    await client.endAsync();
    tree.create('/mine', 'x');
    const one = startBridge(broker.url, tree, 1);
    one.lead(1, tree.zxid);
    await cursorAt(broker.url, tree.zxid);
    await assertRetainedEquals(broker.url, tree);
  });

  test('a deposed leader stops at the cursor of the new one, which repairs the state', async () => {
    const broker = await startAedes();
    const old = startBridge(broker.url, tree, 1);
    old.lead(1, tree.zxid);
    tree.create('/a', '1');
    await cursorAt(broker.url, tree.zxid);
    // Nobody tells the old leader; it goes on as if nothing had happened.
    tree.epoch = 2;
    tree.counter = 0;
    const next = startBridge(broker.url, tree, 2);
    next.lead(2, tree.zxid);
    await until('the old leader to stop', WAIT_MS, () => !old.status().isPublishing);
    for (let i = 0; i < 200; i += 1) tree.set('/a', `next ${i}`);
    await cursorAt(broker.url, tree.zxid);
    await assertRetainedEquals(broker.url, tree);
    assert.ok(old.status().publishedTo < tree.zxid);
  });

  test('state that an older leader overwrote is published afresh', async () => {
    const broker = await startAedes();
    const one = startBridge(broker.url, tree, 1);
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

  test('peer states: role, last will, goodbye with a reason', async () => {
    const broker = await startAedes();
    const ears = await listen(broker.url, 'picket/peer/#');
    const one = startBridge(broker.url, tree, 1);
    const two = startBridge(broker.url, tree, 2);
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
