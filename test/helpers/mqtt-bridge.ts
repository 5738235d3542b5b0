/**
 * What the tests of the MQTT bridge share: brokers, listeners and bridges that are stopped after
 * each test, bounds short enough for a test, and the question whether a broker retains the state of
 * a tree.
 */
import assert from 'node:assert/strict';
import { MqttBridge, type MqttBridgeOptions } from '../../node/mqtt/bridge.ts';
import type { BridgeLimits } from '../../node/mqtt/limits.ts';
import { stateTopic } from '../../node/mqtt/topics.ts';
import { type FakeTree, Listener, quietLog, retained, TestBroker } from './mqtt.ts';
import { until } from './processes.ts';

export const WAIT_MS = 15_000;
const QUICK: Partial<BridgeLimits> = {
  cursorWaitMs: 150,
  sweepQuietMs: 150,
  backoffMinMs: 20,
  backoffMaxMs: 100,
  closeTimeoutMs: 500,
};

export const cleanups: (() => Promise<void>)[] = [];

export async function cleanUp(): Promise<void> {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
}

export async function startAedes(options: { port?: number } = {}): Promise<TestBroker> {
  const broker = await TestBroker.start(options);
  cleanups.push(() => broker.stop());
  return broker;
}

export async function listen(url: string, filter?: string): Promise<Listener> {
  const listener = await Listener.start(url, filter);
  cleanups.push(() => listener.stop());
  return listener;
}

export function startBridge(
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

export async function published(made: MqttBridge, zxid: number): Promise<void> {
  await until('all to be published', WAIT_MS, () => made.status().publishedTo >= zxid);
}

/** Then everything before it is processed too; aedes sends a PUBACK before it processes. */
export async function cursorAt(url: string, zxid: number): Promise<void> {
  await until('the cursor to follow', WAIT_MS, async () => {
    const text = (await retained(url, 'picket/cursor')).get('picket/cursor');
    const { zxid: at, resync = false } = JSON.parse(text ?? '{}');
    return Number(at) === zxid && !resync;
  });
}

/** What the broker retains is exactly the state of `tree`. */
export async function assertRetainedEquals(url: string, tree: FakeTree): Promise<void> {
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

export function assertAscending(zxids: readonly number[]): void {
  for (let i = 1; i < zxids.length; i += 1) {
    assert.ok((zxids[i] ?? 0) >= (zxids[i - 1] ?? 0), `out of order at ${i}: ${zxids.join(' ')}`);
  }
}
