/**
 * The quorum port (2888): the leader listens, its learners dial. The port listens for as long as
 * the peer runs and lets connections in only while `accepting`, so a peer that is no leader turns
 * learners away at once instead of keeping them waiting.
 *
 * A link is a number that is never used again. What belongs to a link that was closed reaches
 * nobody: Zab rests on "no message after close".
 */
import net from 'node:net';
import type { Log } from '../core/log-sink.ts';
import type { ZabMessage } from '../core/zab/messages.ts';
import type { Zxid } from '../core/zxid.ts';
import type { SnapshotSink } from '../jute/snapshot-body.ts';
import type { SnapshotSource } from '../jute/snapshot-stream.ts';
import { LogBurst } from './log-burst.ts';
import { QuorumLink } from './quorum-link.ts';
import { closeServer, type HostPort, listen, remoteOf, tune } from './sockets.ts';
import { systemTimers, type Timers } from './timers.ts';

export interface QuorumHandlers {
  /** A learner has connected; it is up. */
  onAccept(link: number): void;
  /** A dialled link is up. */
  onUp(link: number): void;
  onMessage(link: number, message: ZabMessage): void;
  /** A part of a snapshot has come or gone over the link. */
  onActive?(link: number): void;
  /** A link that was not closed from this side has ended, or could not be made. */
  onDown(link: number, reason: string): void;
}

export interface QuorumPortOptions {
  readonly sid: number;
  readonly listenHost: string;
  readonly listenPort: number;
  /** The quorum addresses of the ensemble. Names are resolved at every dial. */
  readonly peers: ReadonlyMap<number, HostPort>;
  /** The most a dial may take. */
  readonly cnxTimeoutMs: number;
  /** The most a packet may take: jute.maxbuffer and room for what goes around a request. */
  readonly packetBytesMax: number;
  /** The most that may wait for a peer to read it. */
  readonly outboundBytesMax: number;
  /** The most learners that may be connected. */
  readonly learnersMax: number;
  /** A place for the tree that comes with a SNAP. */
  readonly newImage: () => SnapshotSink;
  readonly handlers: QuorumHandlers;
  readonly log: Log;
  readonly timers?: Timers;
}

/** A learner introduces itself at once: after this long its place may go to someone else. */
const PLACE_MS = 1000;

export class QuorumPort {
  /** Whether learners are let in. Those that are connected stay when it turns false. */
  accepting = false;
  private readonly options: QuorumPortOptions;
  private readonly timers: Timers;
  private readonly bursts: LogBurst;
  private readonly server: net.Server;
  private readonly links = new Map<number, QuorumLink>();
  private readonly learners = new Set<number>();
  /** Learners that have said nothing yet, oldest first, and since when. */
  private readonly silent = new Map<number, number>();
  private readonly remotes = new Map<number, string>();
  private dirty: QuorumLink[] = [];
  private lastLink = 0;
  private isClosed = false;
  private listeningOn = 0;

  constructor(options: QuorumPortOptions) {
    this.options = options;
    this.timers = options.timers ?? systemTimers;
    this.bursts = new LogBurst(this.timers);
    this.server = net.createServer((socket) => this.accept(socket));
  }

  /** The port listened on. */
  get port(): number {
    return this.listeningOn;
  }

  /** Rejects, naming the port, when it cannot be listened on. */
  async start(): Promise<void> {
    const { listenHost: host, listenPort: port, sid } = this.options;
    this.listeningOn = await listen(this.server, { host, port }, 'quorum', `server.${sid}`);
    this.server.on('error', (error) => {
      this.options.log.error('the quorum port has trouble', { error: error.message });
    });
  }

  /** Begins to connect to the peer; `onUp` or `onDown` follows. What is sent before waits. */
  dial(sid: number): number {
    const address = this.options.peers.get(sid);
    const socket = new net.Socket();
    const link = this.addLink(socket, 'leader');
    tune(socket);
    if (address === undefined) {
      link.fail(`there is no quorum address for server ${sid}`);
      return link.id;
    }
    const { cnxTimeoutMs } = this.options;
    const cancelDeadline = this.timers.after(cnxTimeoutMs, () => {
      link.fail(`no answer from ${address.host}:${address.port} within ${cnxTimeoutMs} ms`);
    });
    socket.once('close', cancelDeadline);
    socket.once('connect', () => {
      cancelDeadline();
      if (this.links.get(link.id) !== link) return;
      this.remotes.set(link.id, remoteOf(socket));
      this.options.handlers.onUp(link.id);
    });
    socket.connect({ host: address.host, port: address.port });
    return link.id;
  }

  /** Encodes now, writes at the end of this turn. A link that has ended takes no notice. */
  send(link: number, message: ZabMessage): void {
    this.links.get(link)?.send(message);
  }

  /**
   * Streams SNAP and the tree; what is sent on the link meanwhile follows, in order. The source is
   * closed when it is through, or when the link ends.
   */
  sendSnapshot(link: number, zxid: Zxid, source: SnapshotSource): void {
    const target = this.links.get(link);
    if (target === undefined) source.close();
    else target.sendSnapshot(zxid, source);
  }

  /** Ends a link: from here on nothing of it is delivered, and `onDown` is not called. */
  close(link: number): void {
    this.links.get(link)?.close();
    this.forget(link);
  }

  /** `host:port` of the other end, for people. */
  remoteOf(link: number): string {
    return this.remotes.get(link) ?? 'a closed connection';
  }

  /** Ends every link at once, calls no handler any more; resolves when the port is free. */
  async closeAll(): Promise<void> {
    this.isClosed = true;
    this.accepting = false;
    for (const link of [...this.links.keys()]) this.close(link);
    await closeServer(this.server);
  }

  private accept(socket: net.Socket): void {
    socket.on('error', () => undefined);
    if (this.isClosed || !this.accepting) {
      socket.destroy();
      return;
    }
    if (this.learners.size >= this.options.learnersMax && !this.makeRoom()) {
      this.warnFull(socket);
      socket.destroy();
      return;
    }
    tune(socket);
    const link = this.addLink(socket, 'learner');
    this.learners.add(link.id);
    this.silent.set(link.id, this.timers.nowMs());
    this.remotes.set(link.id, remoteOf(socket));
    this.options.handlers.onAccept(link.id);
  }

  /** Who connects and says nothing must not keep a learner out. */
  private makeRoom(): boolean {
    const [oldest] = this.silent;
    if (oldest === undefined) return false;
    const [id, sinceMs] = oldest;
    if (this.timers.nowMs() - sinceMs < PLACE_MS) return false;
    // Its end is reported in a later turn, as every other; its place is free now.
    this.learners.delete(id);
    this.silent.delete(id);
    this.links.get(id)?.fail('it said nothing, and its place was needed');
    return true;
  }

  private addLink(socket: net.Socket, from: 'leader' | 'learner'): QuorumLink {
    const { packetBytesMax, newImage, outboundBytesMax } = this.options;
    this.lastLink += 1;
    const stream = { from, packetBytesMax, newImage };
    const link = new QuorumLink(this.lastLink, socket, stream, outboundBytesMax, {
      onMessage: ({ id }, message) => {
        this.silent.delete(id);
        this.options.handlers.onMessage(id, message);
      },
      onDown: ({ id }, reason) => {
        this.forget(id);
        this.options.handlers.onDown(id, reason);
      },
      onActive: ({ id }) => this.options.handlers.onActive?.(id),
      onDirty: (dirty) => this.markDirty(dirty),
    });
    this.links.set(link.id, link);
    return link;
  }

  private forget(link: number): void {
    this.links.delete(link);
    this.learners.delete(link);
    this.silent.delete(link);
    this.remotes.delete(link);
  }

  private markDirty(link: QuorumLink): void {
    if (this.dirty.push(link) === 1) setImmediate(this.flushAll);
  }

  private readonly flushAll = (): void => {
    const { dirty } = this;
    this.dirty = [];
    for (const link of dirty) link.flush();
  };

  private warnFull(socket: net.Socket): void {
    const hidden = this.bursts.open('full');
    if (hidden === null) return;
    const text = `refused a learner from ${remoteOf(socket)}: ${this.learners.size} are connected`;
    this.options.log.warn(text, { hidden });
  }
}
