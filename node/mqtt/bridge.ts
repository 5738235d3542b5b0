/**
 * The MQTT bridge: every committed change of the tree, published by the peer that leads, at least
 * once and in zxid order. It reads the commit stream, not watches, so it misses nothing; every peer
 * remembers the last changes, so that a successor resumes where the broker's cursor stands.
 *
 * `observe` and the other calls return at once and never throw because of the broker. With the
 * broker away the bridge keeps a bounded ring of changes and tries again with backoff; when it was
 * away for longer than the ring reaches back, it publishes the whole tree afresh.
 *
 * Call `observe` for all changes of a transaction in one turn of the event loop.
 */

import type { Log } from '../core/log-sink.ts';
import type { Zxid } from '../core/zxid.ts';
import { ChangeRing } from './change-ring.ts';
import { type CommittedChange, isPublishedPath, type TreeSource } from './committed-change.ts';
import { encodePeerState, type PeerRole, stateOfPeer } from './envelope.ts';
import { BRIDGE_LIMITS, type BridgeLimits } from './limits.ts';
import { MqttLink } from './link.ts';
import { type Leadership, Publisher } from './publisher.ts';
import { Suspects } from './suspects.ts';
import { checkBase, DEFAULT_BASE, peerStateTopic } from './topics.ts';

export interface MqttBridgeOptions {
  /** picket.mqtt.url: mqtt://, mqtts://, ws:// or wss://, host and port; no credentials. */
  readonly url: string;
  /** picket.mqtt.topic. */
  readonly base?: string | undefined;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  readonly sid: number;
  /** Makes the client ids of several ensembles on one broker differ; by default the base. */
  readonly clusterName?: string | undefined;
  readonly log: Log;
  readonly source: TreeSource;
  readonly limits?: Partial<BridgeLimits> | undefined;
}

/** For metrics and `picket status`. */
export interface BridgeStatus {
  readonly isConnected: boolean;
  readonly isPublishing: boolean;
  /** Everything up to here has been acknowledged; 0 while this peer has published nothing. */
  readonly publishedTo: Zxid;
  readonly ringCount: number;
  readonly ringBytes: number;
  readonly resyncs: number;
  /** Items given up because the broker closes the connection on them. */
  readonly refused: number;
}

export class MqttBridge {
  private readonly base: string;
  private readonly sid: number;
  private readonly log: Log;
  private readonly source: TreeSource;
  private readonly limits: BridgeLimits;
  private readonly ring: ChangeRing;
  private readonly suspects = new Suspects();
  private readonly link: MqttLink;
  private readonly stateTopic: string;
  private role: PeerRole = 'looking';
  private leadership: Leadership | undefined;
  private publisher: Publisher | undefined;
  private publishedTo: Zxid = 0;
  private resyncs = 0;
  private refused = 0;

  /** Throws an Error that names the configuration key and the remedy. */
  constructor(options: MqttBridgeOptions) {
    const { url, sid, log, base = DEFAULT_BASE, clusterName } = options;
    checkBase(base);
    checkUrl(url);
    this.base = base;
    this.sid = sid;
    this.log = log;
    this.source = options.source;
    this.limits = { ...BRIDGE_LIMITS, ...options.limits };
    this.ring = new ChangeRing(this.limits.ringCountMax, this.limits.ringBytesMax);
    this.stateTopic = peerStateTopic(base, sid);
    this.link = new MqttLink({
      url,
      clientId: `${(clusterName ?? base).replaceAll('/', '-')}-${sid}`,
      username: options.username,
      password: options.password,
      will: { topic: this.stateTopic, payload: encodePeerState('offline', sid) },
      limits: this.limits,
      log,
      onUp: () => this.linkUp(),
      onDown: () => this.linkDown(),
      onMessage: (topic, payload, isRetained) => this.heard(topic, payload, isRetained),
    });
  }

  /** Begins to connect, in the background. */
  start(): void {
    this.link.start();
  }

  /** A change was committed and applied to this peer's tree; in zxid order, on every peer. */
  observe(change: CommittedChange): void {
    if (!isPublishedPath(change.path)) return;
    this.ring.push(this.kept(change));
    this.publisher?.wake();
  }

  /**
   * The tree stands at `zxid` without the changes before it having been observed: after the
   * recovery at start, and after a snapshot from the leader.
   */
  restart(zxid: Zxid): void {
    this.ring.reset(zxid);
    this.publisher?.wake();
  }

  /** This peer leads `epoch` from now on; `zxid` is the last transaction in its tree. */
  lead(epoch: number, zxid: Zxid): void {
    this.unlead();
    if (this.ring.coveredAfter === undefined) this.ring.reset(zxid);
    this.leadership = { epoch, zxid };
    this.publishedTo = 0;
    this.publish();
  }

  unlead(): void {
    this.leadership = undefined;
    this.publisher?.end();
    this.publisher = undefined;
  }

  /** What this peer does, for its retained status topic. */
  setRole(role: PeerRole): void {
    if (role === this.role) return;
    this.role = role;
    this.publishRole();
  }

  status(): BridgeStatus {
    return {
      isConnected: this.link.isUp,
      isPublishing: this.publisher?.hasEnded === false,
      publishedTo: this.publishedTo,
      ringCount: this.ring.end - this.ring.first,
      ringBytes: this.ring.byteCount,
      resyncs: this.resyncs,
      refused: this.refused,
    };
  }

  /** Says `offline` with a reason and disconnects, within a few seconds at most. */
  async stop(reason = 'stopped'): Promise<void> {
    this.unlead();
    await this.link.stop(this.stateTopic, encodePeerState('offline', this.sid, reason));
  }

  private linkUp(): void {
    // Its own topic, in case that the will of the connection before arrives after this one's state.
    this.link.subscribe(this.stateTopic, 1);
    this.publishRole();
    this.publish();
  }

  private linkDown(): void {
    const inFlight = this.publisher?.end() ?? [];
    this.publisher = undefined;
    const refused = this.suspects.lost(inFlight);
    if (refused === undefined) return;
    this.refused += 1;
    this.log.error('MQTT broker disconnects on this message; it is skipped', { item: refused });
  }

  private heard(topic: string, payload: Uint8Array, isRetained: boolean): void {
    if (topic !== this.stateTopic) this.publisher?.heard(topic, payload, isRetained);
    else if (stateOfPeer(payload) === 'offline') this.publishRole();
  }

  private publishRole(): void {
    this.link.publish(this.stateTopic, encodePeerState(this.role, this.sid), true, () => {});
  }

  private publish(): void {
    if (this.leadership === undefined || !this.link.isUp) return;
    this.publisher = new Publisher({
      base: this.base,
      sid: this.sid,
      leadership: this.leadership,
      publishedTo: this.publishedTo,
      link: this.link,
      ring: this.ring,
      source: this.source,
      suspects: this.suspects,
      limits: this.limits,
      log: this.log,
      onPublished: (zxid) => {
        this.publishedTo = Math.max(this.publishedTo, zxid);
      },
      onResync: () => {
        this.resyncs += 1;
      },
    });
    this.publisher.start();
  }

  /** The change as the ring may keep it: not too long, and not pinning a larger buffer. */
  private kept(change: CommittedChange): CommittedChange {
    const { data } = change;
    if (data === null) return change;
    if (data.length > this.limits.dataBytesMax) return { ...change, data: null };
    if (data.length === data.buffer.byteLength) return change;
    return { ...change, data: Buffer.from(data) };
  }
}

/**
 * The configuration has been checked already; this guards other callers, and never echoes a secret.
 */
function checkUrl(text: string): void {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isBroker =
    url !== undefined && url.hostname !== '' && /^(mqtts?|wss?):$/.test(url.protocol);
  if (isBroker && url.username === '' && url.password === '') return;
  throw new Error(
    'picket.mqtt.url must be mqtt://, mqtts://, ws:// or wss:// with host and port and without ' +
      'credentials, for example mqtt://127.0.0.1:1883',
  );
}
