/**
 * For tests of the MQTT bridge: brokers on loopback, a listener that records what it hears, and a
 * small committed tree whose changes every bridge of a pretended ensemble observes.
 */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import { Aedes } from 'aedes';
import mqtt, { type MqttClient } from 'mqtt';
import type { Log } from '../../node/core/log-sink.ts';
import { NO_SESSION, SessionId } from '../../node/core/session-id.ts';
import type { Stat } from '../../node/core/tree/stat.ts';
import { makeZxid } from '../../node/core/zxid.ts';
import type { CommittedChange, TreeSource, ZnodeState } from '../../node/mqtt/committed-change.ts';
import { claimPorts, endWithUs, until } from './processes.ts';

const WAIT_MS = 15_000;

/**
 * What each aedes broker retains, kept by listening at the broker: a subscriber of aedes cannot
 * tell when it has been given everything. By broker, and by the address where it listens.
 */
const retainedBy = new WeakMap<Aedes, Map<string, string>>();
const retainedAt = new Map<string, Map<string, string>>();

export const quietLog: Log = { debug() {}, info() {}, warn() {}, error() {} };

/** An aedes broker; its retained state lives as long as the object `aedes`. */
export class TestBroker {
  readonly port: number;
  readonly aedes: Aedes;
  private readonly server: net.Server;
  private readonly sockets = new Set<net.Socket>();

  static async start(options: { port?: number; aedes?: Aedes } = {}): Promise<TestBroker> {
    const aedes = options.aedes ?? (await Aedes.createBroker());
    const server = net.createServer();
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(options.port ?? 0, '127.0.0.1', resolve);
    });
    return new TestBroker(aedes, server);
  }

  private constructor(aedes: Aedes, server: net.Server) {
    this.aedes = aedes;
    this.server = server;
    const address = server.address();
    this.port = typeof address === 'object' && address !== null ? address.port : 0;
    retainedAt.set(this.url, retainedOf(aedes));
    server.on('connection', (socket) => {
      this.sockets.add(socket);
      socket.once('close', () => this.sockets.delete(socket));
      aedes.handle(socket);
    });
  }

  get url(): string {
    return `mqtt://127.0.0.1:${this.port}`;
  }

  /** Off the network, all connections cut; `aedes` still holds what is retained. */
  async cut(): Promise<void> {
    const closed = new Promise((resolve) => this.server.close(resolve));
    for (const socket of this.sockets) socket.destroy();
    await closed;
    await until('the broker to notice', WAIT_MS, () => this.aedes.connectedClients === 0);
  }

  async stop(): Promise<void> {
    await this.cut();
    await new Promise<void>((resolve) => this.aedes.close(() => resolve()));
  }
}

function retainedOf(aedes: Aedes): Map<string, string> {
  const known = retainedBy.get(aedes);
  if (known !== undefined) return known;
  const topics = new Map<string, string>();
  retainedBy.set(aedes, topics);
  aedes.on('publish', ({ topic, payload, retain }) => {
    if (!retain) return;
    if (payload.length === 0) topics.delete(topic);
    else topics.set(topic, payload.toString());
  });
  return topics;
}

/** Debian's mosquitto on a claimed port of loopback; undefined where it is not installed. */
export async function startMosquitto(): Promise<
  { url: string; port: number; stop: () => Promise<void> } | undefined
> {
  const program = [
    '/usr/sbin/mosquitto',
    '/usr/bin/mosquitto',
    '/opt/homebrew/sbin/mosquitto',
  ].find((file) => fs.existsSync(file));
  if (program === undefined) return undefined;
  const [port = 0] = await claimPorts(1);
  // With -p alone it listens on loopback only.
  const child = spawn(program, ['-p', String(port)], { stdio: 'ignore' });
  endWithUs(child);
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  await until('mosquitto to listen', WAIT_MS, () => canConnect(port));
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await ended;
  };
  return { url: `mqtt://127.0.0.1:${port}`, port, stop };
}

function canConnect(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

export interface Heard {
  readonly topic: string;
  readonly payload: string;
  readonly isRetained: boolean;
}

export interface HeardEvent {
  readonly event: string;
  readonly path?: string;
  readonly zxid: string;
  readonly data?: string | null;
}

/** Hears everything, in order, from now on (and what the broker retains). */
export class Listener {
  readonly heard: Heard[] = [];
  private readonly client: MqttClient;

  static async start(url: string, filter = '#'): Promise<Listener> {
    const client = await mqtt.connectAsync(url, { reconnectPeriod: 50 });
    const listener = new Listener(client);
    await client.subscribeAsync(filter, { qos: 1 });
    return listener;
  }

  private constructor(client: MqttClient) {
    this.client = client;
    client.on('error', () => undefined);
    client.on('message', (topic, payload, packet) => {
      this.heard.push({ topic, payload: payload.toString('utf8'), isRetained: packet.retain });
    });
  }

  /** The events under `<base>/event`, in the order heard. */
  events(base = 'picket'): HeardEvent[] {
    return this.heard
      .filter(({ topic }) => topic === `${base}/event` || topic.startsWith(`${base}/event/`))
      .map(({ payload }) => JSON.parse(payload) as HeardEvent);
  }

  /** The zxids of the events of changes, in the order heard. */
  zxids(): number[] {
    return this.events()
      .filter(({ event }) => event !== 'resync')
      .map(({ zxid }) => Number(zxid));
  }

  async until(what: string, condition: () => boolean): Promise<void> {
    await until(what, WAIT_MS, condition);
  }

  async stop(): Promise<void> {
    await this.client.endAsync(true);
  }
}

/** What a broker retains at this moment under `filter`, a topic or a prefix and `/#`. */
export async function retained(url: string, filter: string): Promise<Map<string, string>> {
  const prefix = filter.replace(/\/#$/, '');
  const known = retainedAt.get(url);
  if (known === undefined) return await retainedAsSubscribed(url, filter);
  const isMatch = (topic: string) => topic === prefix || topic.startsWith(`${prefix}/`);
  return new Map([...known].filter(([topic]) => isMatch(topic)));
}

async function retainedAsSubscribed(url: string, filter: string): Promise<Map<string, string>> {
  const client = await mqtt.connectAsync(url, { reconnectPeriod: 0 });
  const topics = new Map<string, string>();
  let isEnded = false;
  client.on('message', (topic, payload, packet) => {
    if (topic === 'probe') isEnded = true;
    else if (packet.retain) topics.set(topic, payload.toString('utf8'));
  });
  // mosquitto sends retained messages in the order of the subscriptions: the probe's is the last.
  await client.publishAsync('probe', 'x', { qos: 1, retain: true });
  await client.subscribeAsync(filter, { qos: 1 });
  await client.subscribeAsync('probe', { qos: 1 });
  await until('the probe', WAIT_MS, () => isEnded);
  await client.endAsync(true);
  return topics;
}

export interface Observer {
  observe(change: CommittedChange): void;
}

/** A tree and the stream of its committed changes. Each call is one transaction. */
export class FakeTree implements TreeSource {
  readonly znodes = new Map<string, ZnodeState>();
  readonly observers = new Set<Observer>();
  /** Every transaction that changed a znode, in order. */
  readonly log: number[] = [];
  epoch = 1;
  counter = 0;

  get zxid(): number {
    return makeZxid(this.epoch, this.counter);
  }

  nodes(): Iterable<ZnodeState> {
    return this.znodes.values();
  }

  has(path: string): boolean {
    return this.znodes.has(path);
  }

  create(path: string, data: string | Uint8Array | null = null): void {
    this.transaction((zxid) => [this.put('created', path, data, 0, zxid, 0)]);
  }

  set(path: string, data: string | Uint8Array | null): void {
    this.transaction((zxid) => [this.change(path, data, zxid, 0)]);
  }

  delete(...paths: string[]): void {
    this.transaction((zxid) => paths.map((path, index) => this.remove(path, zxid, index)));
  }

  /** Several sets in one transaction. */
  multi(paths: readonly string[], data: string): void {
    this.transaction((zxid) => paths.map((path, index) => this.change(path, data, zxid, index)));
  }

  /** A transaction that touches no znode. */
  tick(): void {
    this.counter += 1;
  }

  private transaction(run: (zxid: number) => CommittedChange[]): void {
    this.counter += 1;
    this.log.push(this.zxid);
    for (const change of run(this.zxid)) {
      for (const observer of this.observers) observer.observe(change);
    }
  }

  private change(
    path: string,
    data: string | Uint8Array | null,
    zxid: number,
    index: number,
  ): CommittedChange {
    const version = (this.znodes.get(path)?.stat.version ?? 0) + 1;
    return this.put('changed', path, data, version, zxid, index);
  }

  private put(
    kind: 'created' | 'changed',
    path: string,
    data: string | Uint8Array | null,
    version: number,
    zxid: number,
    index: number,
  ): CommittedChange {
    const bytes = typeof data === 'string' ? Buffer.from(data) : data;
    const czxid = this.znodes.get(path)?.stat.czxid ?? zxid;
    const stat: Stat = {
      czxid,
      mzxid: zxid,
      ctime: 1,
      mtime: 2,
      version,
      cversion: 0,
      aversion: 0,
      ephemeralOwner: NO_SESSION,
      dataLength: bytes?.length ?? 0,
      numChildren: 0,
      pzxid: zxid,
    };
    this.znodes.set(path, { path, data: bytes, stat });
    return { ...head(zxid, index), kind, path, data: bytes, stat };
  }

  private remove(path: string, zxid: number, index: number): CommittedChange {
    this.znodes.delete(path);
    return { ...head(zxid, index), kind: 'deleted', path, data: null, stat: null };
  }
}

function head(zxid: number, index: number) {
  return { zxid, index, timeMs: 3, session: new SessionId(1, 2) };
}
