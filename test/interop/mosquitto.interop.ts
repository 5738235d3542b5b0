/**
 * What a stock MQTT client hears of what a stock ZooKeeper client does: Mosquitto as the broker,
 * `mosquitto_sub` listening, zkCli and kazoo writing, and the leader killed in the middle.
 * Everything committed is heard, in zxid order, and is retained.
 */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { awaitLeader, hostPort } from '../helpers/ensemble.ts';
import { PicketEnsemble } from '../helpers/picket.ts';
import { claimPorts, Program, until } from '../helpers/processes.ts';
import { interopTest, kazoo, onApache, withEnsemble, withTempDir } from './harness.ts';
import { MOSQUITTO, MOSQUITTO_SUB } from './software.ts';
import { ZkCliSession } from './zkcli-session.ts';

const HEARD_TIMEOUT_MS = 20_000;
const WRITES = 200;

interface Message {
  readonly topic: string;
  /** Undefined for an empty payload, which takes a retained message away. */
  readonly value: Payload | undefined;
}

/** Of the bridge's envelopes, what is asked about here. */
interface Payload {
  readonly event?: unknown;
  readonly zxid?: unknown;
  readonly version?: unknown;
  readonly data?: unknown;
}

async function startBroker(dir: string): Promise<number> {
  const [port = 0] = await claimPorts(1);
  const config = path.join(dir, 'mosquitto.conf');
  const lines = [`listener ${port} 127.0.0.1`, 'allow_anonymous true', 'persistence false'];
  fs.writeFileSync(config, `${[...lines, 'log_dest stderr'].join('\n')}\n`);
  const broker = new Program(MOSQUITTO, ['-c', config]);
  await broker.waitFor(/mosquitto version \S+ running/);
  return port;
}

/** A subscriber to `filter` that has been acknowledged by the broker. */
async function subscribe(port: number, filter: string): Promise<Program> {
  const address = ['-h', '127.0.0.1', '-p', String(port)];
  const options = [...address, '-d', '-v', '-q', '1', '-t', filter];
  // Into a pipe it would print in blocks.
  const subscriber = new Program('stdbuf', ['-oL', MOSQUITTO_SUB, ...options]);
  await subscriber.waitFor(/^Subscribed \(mid/m);
  return subscriber;
}

/** What the subscriber has printed so far, without its own protocol chatter. */
function heardBy(subscriber: Program): Message[] {
  const messages: Message[] = [];
  for (const line of subscriber.output.split('\n').slice(0, -1)) {
    const space = line.indexOf(' ');
    const topic = line.slice(0, space);
    if (!topic.startsWith('picket/')) continue;
    const payload = line.slice(space + 1);
    messages.push({
      topic,
      value: payload === '' || payload === '(null)' ? undefined : parse(payload),
    });
  }
  return messages;
}

function parse(payload: string): Payload {
  const value: unknown = JSON.parse(payload);
  assert.ok(typeof value === 'object' && value !== null, `an object: ${payload}`);
  return value;
}

async function heard(
  subscriber: Program,
  what: string,
  isIt: (message: Message) => boolean,
): Promise<Message> {
  try {
    return await until(what, HEARD_TIMEOUT_MS, () => heardBy(subscriber).find(isIt));
  } catch (error) {
    throw new Error(`${error}; heard:\n${subscriber.output.slice(-4_000)}`);
  }
}

/** Of each event the first hearing: repeats are allowed, going back is not. */
function assertZxidOrder(messages: readonly Message[]): void {
  const known = new Set<string>();
  let last = 0;
  for (const { topic, value } of messages) {
    if (!topic.startsWith('picket/event/') || value === undefined) continue;
    const zxid = Number(value.zxid);
    const key = `${topic} ${zxid} ${value.event}`;
    if (known.has(key)) continue;
    known.add(key);
    assert.ok(zxid >= last, `${key} is heard first after zxid ${last}`);
    last = zxid;
  }
}

/** Each change a user types in zkCli is an event, and the state that stays is retained. */
async function typedInZkCli(hosts: string, port: number, all: Program): Promise<void> {
  const session = await ZkCliSession.open(hosts);
  const event = (kind: string, topic: string) => (message: Message) =>
    message.topic === `picket/event${topic}` && message.value?.event === kind;
  await session.run('create /typed one');
  const created = await heard(all, 'the event of the create', event('created', '/typed'));
  assert.equal(created.value?.data, 'one');
  await session.run('set /typed two');
  const changed = await heard(all, 'the event of the set', event('changed', '/typed'));
  assert.equal(changed.value?.data, 'two');
  await session.run('create -e /typed/mine here');
  await heard(all, 'the event of the ephemeral', event('created', '/typed/mine'));
  await heard(all, 'the state', ({ topic, value }) => {
    return topic === 'picket/state/typed' && value?.data === 'two' && value.version === 1;
  });
  const late = await subscribe(port, 'picket/state/#');
  await heard(late, 'the retained state', ({ topic, value }) => {
    return topic === 'picket/state/typed' && value?.data === 'two';
  });
  await session.quit();
  await heard(all, 'the end of the ephemeral', event('deleted', '/typed/mine'));
  await heard(late, 'the retained ephemeral taken away', ({ topic, value }) => {
    return topic === 'picket/state/typed/mine' && value === undefined;
  });
  await late.stop('SIGTERM');
}

interopTest(
  'mosquitto_sub hears every change, also across a leader kill',
  ['zookeeper', 'kazoo', 'mosquitto'],
  () =>
    withTempDir(async (dir) => {
      // The bridge is ours alone: there is no original to compare with.
      if (onApache) return;
      const port = await startBroker(dir);
      const all = await subscribe(port, '#');
      const config = [`picket.mqtt.url=mqtt://127.0.0.1:${port}`];
      await withEnsemble(PicketEnsemble.start(3, { config }), async (ensemble) => {
        await typedInZkCli(hostPort(ensemble.server(1)), port, all);
        const leader = await awaitLeader(ensemble);
        const writer = kazoo('kazoo_survival.py', ensemble.connectString, '/survival');
        await writer.waitFor(/^WRITING$/m);
        await ensemble.kill(leader, 'SIGKILL');
        await writer.waitFor(/^WRITTEN$/m, 60_000);
        await ensemble.restart(leader);
        writer.write('restarted\n');
        await writer.succeeded();
        const late = await subscribe(port, 'picket/state/survival/#');
        for (let i = 0; i < WRITES; i += 1) {
          const name = `/survival/n-${String(i).padStart(4, '0')}`;
          await heard(all, `the event of ${name}`, ({ topic, value }) => {
            return topic === `picket/event${name}` && value?.data === String(i);
          });
          await heard(late, `the retained state of ${name}`, ({ topic, value }) => {
            return topic === `picket/state${name}` && value?.data === String(i);
          });
        }
        assertZxidOrder(heardBy(all));
      });
    }),
);
