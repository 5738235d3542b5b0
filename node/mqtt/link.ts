/**
 * The connection to the broker. Each attempt is a fresh MQTT.js client that never reconnects by
 * itself: its own reconnection keeps un-acknowledged packets and replays them (a packet the broker
 * refuses would be replayed for ever), does not retry after a refused CONNACK, and knows neither
 * backoff nor jitter. Here a dead connection is forgotten with all that was in flight; whoever
 * publishes learns it from `onDown` and starts again from what the broker retains.
 *
 * Nothing is queued: what is published while the link is down is dropped.
 */
import type { IClientOptions, MqttClient } from 'mqtt';
import type { Log } from '../core/log-sink.ts';
import type { BridgeLimits } from './limits.ts';

export interface LinkOptions {
  /** mqtt://, mqtts://, ws:// or wss://; without credentials. */
  readonly url: string;
  readonly clientId: string;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /** What the broker publishes, retained, when this peer vanishes. */
  readonly will: { readonly topic: string; readonly payload: string };
  readonly limits: BridgeLimits;
  readonly log: Log;
  readonly onUp: () => void;
  readonly onDown: () => void;
  readonly onMessage: (topic: string, payload: Uint8Array, isRetained: boolean) => void;
}

export class MqttLink {
  private readonly options: LinkOptions;
  private createClient: ((options: IClientOptions) => MqttClient) | undefined;
  private client: MqttClient | undefined;
  private isConnected = false;
  private isStopped = false;
  private isOutageLogged = false;
  private packets = 0;
  private bytes = 0;
  private delayMs: number;
  private upSinceMs = 0;
  private lastProgressMs = 0;
  private retryTimer: NodeJS.Timeout | undefined;
  private watchTimer: NodeJS.Timeout | undefined;

  constructor(options: LinkOptions) {
    this.options = options;
    this.delayMs = options.limits.backoffMinMs;
  }

  get isUp(): boolean {
    return this.isConnected;
  }

  /** True when one more PUBLISH fits into the window. */
  get hasRoom(): boolean {
    const { inFlightMax, inFlightBytesMax } = this.options.limits;
    return this.isConnected && this.packets < inFlightMax && this.bytes < inFlightBytesMax;
  }

  /** Begins to connect, and goes on until `stop`. Loads MQTT.js only now. */
  start(): void {
    import('mqtt').then(
      (mqtt) => {
        this.createClient = (options) => mqtt.connect(this.options.url, options);
        this.connect();
      },
      (error: unknown) => {
        this.options.log.error('MQTT bridge: the mqtt package does not load', {
          reason: String(error),
        });
      },
    );
  }

  /** QoS 1. `onAck` runs at the PUBACK, and never once the connection is gone. */
  publish(topic: string, payload: string, isRetained: boolean, onAck: () => void): void {
    const { client } = this;
    if (client === undefined || !this.isConnected) return;
    const bytes = topic.length + payload.length;
    this.packets += 1;
    this.bytes += bytes;
    if (this.packets === 1) this.lastProgressMs = performance.now();
    try {
      client.publish(topic, payload, { qos: 1, retain: isRetained }, (error) => {
        if (error || this.client !== client) return;
        this.packets -= 1;
        this.bytes -= bytes;
        this.lastProgressMs = performance.now();
        onAck();
      });
    } catch (error) {
      // MQTT.js throws at once for what it cannot encode.
      this.drop(`publish to ${topic.slice(0, 200)} failed: ${String(error)}`);
    }
  }

  /** `onDone` runs when the broker has answered; a refusal is logged and counts as an answer. */
  subscribe(filter: string, qos: 0 | 1, onDone: () => void = () => {}): void {
    const { client } = this;
    if (client === undefined || !this.isConnected) return;
    client.subscribe(filter, { qos }, (error) => {
      if (this.client !== client) return;
      if (error) {
        this.options.log.warn('MQTT broker refuses to subscribe', {
          filter,
          reason: error.message,
        });
      }
      onDone();
    });
  }

  unsubscribe(filter: string, onDone: () => void = () => {}): void {
    const { client } = this;
    if (client === undefined || !this.isConnected) return;
    client.unsubscribe(filter, () => {
      if (this.client === client) onDone();
    });
  }

  /** Gives the present connection up; the next attempt follows after the backoff. */
  drop(why: string): void {
    const { client } = this;
    if (client !== undefined) this.lost(client, why);
  }

  /** Says goodbye with a last retained message, within three times `closeTimeoutMs`. */
  async stop(topic: string, payload: string): Promise<void> {
    this.isStopped = true;
    clearTimeout(this.retryTimer);
    const { client } = this;
    if (client === undefined) return;
    const wasUp = this.isConnected;
    if (wasUp) await this.within((done) => this.publish(topic, payload, true, done));
    this.forget();
    // An end(false) with packets in flight never calls back, hence the bound and the end(true).
    if (wasUp) await this.within((done) => client.end(false, {}, () => done()));
    await this.within((done) => client.end(true, {}, () => done()));
  }

  private connect(): void {
    if (this.isStopped || this.createClient === undefined) return;
    const { limits, will, clientId, username, password } = this.options;
    const client = this.createClient({
      protocolVersion: 4,
      clientId,
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { password }),
      will: { topic: will.topic, payload: Buffer.from(will.payload), qos: 1, retain: true },
      clean: true,
      keepalive: limits.keepaliveS,
      connectTimeout: limits.connectTimeoutMs,
      reconnectPeriod: 0,
      resubscribe: false,
      queueQoSZero: false,
    });
    this.client = client;
    // A listener that stays: an `error` after the end would otherwise end the process.
    client.on('error', (error) => this.lost(client, error.message));
    client.on('close', () => this.lost(client, 'connection closed'));
    client.on('connect', () => this.connected(client));
    client.on('message', (topic, payload, packet) => {
      if (this.client === client) this.options.onMessage(topic, payload, packet.retain);
    });
    // In case that neither error nor close ever comes (a TLS handshake that hangs).
    this.watchTimer = setTimeout(
      () => this.lost(client, 'no answer from the broker'),
      limits.connectTimeoutMs + limits.closeTimeoutMs,
    );
  }

  private connected(client: MqttClient): void {
    if (this.client !== client || this.isStopped) return;
    clearTimeout(this.watchTimer);
    this.isConnected = true;
    this.isOutageLogged = false;
    this.upSinceMs = performance.now();
    this.watchTimer = setInterval(() => this.watch(), this.options.limits.ackTimeoutMs / 4);
    this.options.log.info('MQTT broker connected', { url: this.options.url });
    this.options.onUp();
  }

  private watch(): void {
    if (this.packets === 0) return;
    const stalledMs = performance.now() - this.lastProgressMs;
    if (stalledMs > this.options.limits.ackTimeoutMs) this.drop('no PUBACK from the broker');
  }

  private lost(client: MqttClient, why: string): void {
    if (this.client !== client) return;
    const { limits, log, url } = this.options;
    const wasUp = this.isConnected;
    this.forget();
    client.end(true);
    if (this.isStopped) return;
    if (wasUp && performance.now() - this.upSinceMs > limits.stableAfterMs) {
      this.delayMs = limits.backoffMinMs;
    }
    if (!this.isOutageLogged) {
      this.isOutageLogged = true;
      log.warn('MQTT broker not reachable; the peer goes on without it', { url, reason: why });
    }
    this.retryTimer = setTimeout(() => this.connect(), this.delayMs * (0.5 + Math.random() / 2));
    this.delayMs = Math.min(this.delayMs * 2, limits.backoffMaxMs);
    if (wasUp) this.options.onDown();
  }

  private forget(): void {
    this.client = undefined;
    this.isConnected = false;
    this.packets = 0;
    this.bytes = 0;
    clearTimeout(this.watchTimer);
  }

  private within(run: (done: () => void) => void): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, this.options.limits.closeTimeoutMs);
      run(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
}
