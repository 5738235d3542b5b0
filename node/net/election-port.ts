/**
 * The election port (3888): one TCP connection for each pair of peers, over which they tell each
 * other their votes (QuorumCnxManager of Apache ZooKeeper, which may be at the other end).
 *
 * Of two peers the one with the larger sid dials. A peer with the smaller sid dials only to ask for
 * that: it sends its initial message and hangs up, and the other closes what it took for their
 * connection and dials back. Every `send` leads to at most one dial, and dials keep a distance, so
 * a peer that is away is not stormed. The port keeps the last notification for each peer and sends
 * it again over every new connection; notifications are idempotent.
 */
import net from 'node:net';
import type { Log } from '../core/log-sink.ts';
import type { Notification } from '../core/zab/vote.ts';
import { encodeInitialMessage } from '../jute/initial-message.ts';
import { encodeNotification } from '../jute/notification.ts';
import { ElectionGate } from './election-gate.ts';
import { ElectionLink } from './election-link.ts';
import { LogBurst } from './log-burst.ts';
import { closeServer, type HostPort, listen, remoteOf, tune } from './sockets.ts';
import { type Cancel, systemTimers, type Timers } from './timers.ts';

export interface ElectionHandlers {
  /** `from` is the sender's sid, negative for an observer without one. */
  onNotification(from: number, notification: Notification): void;
  onLinkUp?(sid: number): void;
  onLinkDown?(sid: number): void;
}

export interface ElectionPortOptions {
  readonly sid: number;
  readonly listenHost: string;
  readonly listenPort: number;
  /** `host:port` under which other peers reach this one, IPv6 in brackets. */
  readonly electionAddress: string;
  /** The election addresses of the ensemble. Names are resolved at every dial. */
  readonly peers: ReadonlyMap<number, HostPort>;
  /** The most a dial, and the initial message of a dialling peer, may take. */
  readonly cnxTimeoutMs: number;
  readonly handlers: ElectionHandlers;
  readonly log: Log;
  readonly timers?: Timers;
}

const DIAL_PAUSE_MIN_MS = 100;
const DIAL_PAUSE_MAX_MS = 1000;
const ANONYMOUS_MAX = 64;
const NOTHING = Buffer.alloc(0);

/** What the port knows of one peer. */
interface Lane {
  readonly sid: number;
  link: ElectionLink | null;
  /** A dial that is not connected yet. */
  dialing: net.Socket | null;
  last: Buffer | null;
  pauseMs: number;
  nextDialAtMs: number;
  cancelRetry: Cancel | null;
  hasFailed: boolean;
}

export class ElectionPort {
  private readonly options: ElectionPortOptions;
  private readonly timers: Timers;
  private readonly bursts: LogBurst;
  private readonly server: net.Server;
  private readonly gate: ElectionGate;
  private readonly lanes = new Map<number, Lane>();
  /** Dials that have delivered their initial message and wait for the peer to hang up. */
  private readonly farewells = new Set<net.Socket>();
  private nextAnonymousSid = -1;
  private anonymous = 0;
  private isClosed = false;
  private listeningOn = 0;

  constructor(options: ElectionPortOptions) {
    this.options = options;
    this.timers = options.timers ?? systemTimers;
    this.bursts = new LogBurst(this.timers);
    this.gate = new ElectionGate(options.cnxTimeoutMs, this.timers, {
      onInitialMessage: (sid, socket, rest) => this.admit(sid, socket, rest),
      onRefused: (socket, reason) => this.warnRefused(socket, reason),
    });
    this.server = net.createServer((socket) => this.gate.add(socket));
  }

  /** The port listened on. */
  get port(): number {
    return this.listeningOn;
  }

  /** Rejects, naming the port, when it cannot be listened on. */
  async start(): Promise<void> {
    const { listenHost: host, listenPort: port, sid } = this.options;
    this.listeningOn = await listen(this.server, { host, port }, 'election', `server.${sid}`);
    this.server.on('error', (error) => {
      this.options.log.error('the election port has trouble', { error: error.message });
    });
  }

  /** True while there is a connection to the peer. */
  isUp(sid: number): boolean {
    return this.lanes.get(sid)?.link != null;
  }

  /** Sends now, or as soon as there is a connection unless a newer notification comes first. */
  send(sid: number, notification: Notification): void {
    if (this.isClosed) return;
    const lane = this.laneOf(sid);
    if (lane === null) {
      if (this.bursts.open(`to ${sid}`) === null) return;
      this.options.log.warn(`there is no election address for server ${sid}: it is not told`);
      return;
    }
    lane.last = encodeNotification(notification);
    if (lane.link !== null) lane.link.send(lane.last);
    else this.dialSoon(lane);
  }

  /** Closes every connection at once, calls no handler any more; resolves when the port is free. */
  async close(): Promise<void> {
    this.isClosed = true;
    this.gate.close();
    for (const lane of this.lanes.values()) {
      lane.link?.close();
      lane.dialing?.destroy();
      lane.cancelRetry?.();
    }
    this.lanes.clear();
    for (const socket of this.farewells) socket.destroy();
    await closeServer(this.server);
  }

  /** A peer has dialled and said who it is. */
  private admit(sid: number | null, socket: net.Socket, rest: Buffer): void {
    const self = this.options.sid;
    if (sid === null) {
      this.admitAnonymous(socket, rest);
      return;
    }
    if (sid === self) {
      this.refuse(socket, `it claims this peer's own sid ${sid}; check both myid files`);
      return;
    }
    const lane = this.laneOf(sid);
    if (lane === null) {
      this.refuse(socket, `there is no server.${sid} here; check server.N and myid on both`);
      return;
    }
    if (sid > self) {
      this.adopt(lane, socket, rest);
      return;
    }
    // The smaller sid asks to be dialled. What we take for our connection may be dead at its end.
    socket.destroy();
    this.options.log.debug(`server ${sid} asks to be dialled`);
    this.dropLink(lane);
    this.dial(lane);
  }

  /** An observer without a sid cannot be dialled back: its own connection has to do. */
  private admitAnonymous(socket: net.Socket, rest: Buffer): void {
    if (this.anonymous >= ANONYMOUS_MAX) {
      this.refuse(socket, `there are ${ANONYMOUS_MAX} observers without a sid already`);
      return;
    }
    this.anonymous += 1;
    const lane = newLane(this.nextAnonymousSid);
    this.nextAnonymousSid -= 1;
    this.lanes.set(lane.sid, lane);
    socket.on('close', () => {
      this.anonymous -= 1;
      this.lanes.delete(lane.sid);
    });
    this.adopt(lane, socket, rest);
  }

  private refuse(socket: net.Socket, reason: string): void {
    this.warnRefused(socket, reason);
    socket.destroy();
  }

  private dialSoon(lane: Lane): void {
    if (lane.dialing !== null || lane.cancelRetry !== null) return;
    const waitMs = lane.nextDialAtMs - this.timers.nowMs();
    if (waitMs <= 0) {
      this.dial(lane);
      return;
    }
    lane.cancelRetry = this.timers.after(waitMs, () => {
      lane.cancelRetry = null;
      if (lane.link === null) this.dial(lane);
    });
  }

  private dial(lane: Lane): void {
    const address = this.options.peers.get(lane.sid);
    if (address === undefined) return;
    lane.cancelRetry?.();
    lane.cancelRetry = null;
    // A dial still under way may be one to a peer that was off when it began.
    lane.dialing?.destroy();
    lane.nextDialAtMs = this.timers.nowMs() + lane.pauseMs;
    lane.pauseMs = Math.min(lane.pauseMs * 2, DIAL_PAUSE_MAX_MS);
    const socket = net.connect({ host: address.host, port: address.port });
    lane.dialing = socket;
    tune(socket);
    const cancelDeadline = this.timers.after(this.options.cnxTimeoutMs, () => {
      socket.destroy(new Error(`no answer within ${this.options.cnxTimeoutMs} ms`));
    });
    const onError = (error: Error): void => {
      if (lane.dialing === socket) this.noteFailedDial(lane, address, error);
    };
    socket.on('error', onError);
    socket.on('close', () => {
      cancelDeadline();
      if (lane.dialing === socket) lane.dialing = null;
    });
    socket.once('connect', () => {
      if (lane.dialing !== socket) return;
      lane.dialing = null;
      lane.hasFailed = false;
      socket.write(encodeInitialMessage(this.options.sid, this.options.electionAddress));
      if (lane.sid > this.options.sid) {
        this.farewell(socket);
        return;
      }
      cancelDeadline();
      socket.off('error', onError);
      this.adopt(lane, socket, NOTHING);
    });
  }

  /** The initial message is all that a smaller sid has to say; the deadline of the dial stands. */
  private farewell(socket: net.Socket): void {
    this.farewells.add(socket);
    socket.on('close', () => this.farewells.delete(socket));
    socket.resume();
    socket.end();
  }

  private adopt(lane: Lane, socket: net.Socket, rest: Buffer): void {
    // One connection takes the place of the other: the peer was not lost.
    lane.link?.close();
    lane.link = null;
    lane.cancelRetry?.();
    lane.cancelRetry = null;
    // Our request to be dialled is answered; arriving later it would cost this connection.
    lane.dialing?.destroy();
    lane.dialing = null;
    const link = new ElectionLink(lane.sid, socket, {
      onNotification: (_, notification) => {
        lane.pauseMs = DIAL_PAUSE_MIN_MS;
        this.options.handlers.onNotification(lane.sid, notification);
      },
      onDown: (_, reason) => {
        this.options.log.info(`election connection to server ${lane.sid} is down`, { reason });
        lane.link = null;
        this.options.handlers.onLinkDown?.(lane.sid);
      },
    });
    lane.link = link;
    this.options.log.info(`election connection to server ${lane.sid} is up`);
    if (lane.last !== null) link.send(lane.last);
    this.options.handlers.onLinkUp?.(lane.sid);
    link.start(rest);
  }

  private dropLink(lane: Lane): void {
    if (lane.link === null) return;
    lane.link.close();
    lane.link = null;
    this.options.handlers.onLinkDown?.(lane.sid);
  }

  private laneOf(sid: number): Lane | null {
    let lane = this.lanes.get(sid);
    if (lane === undefined) {
      if (sid === this.options.sid || !this.options.peers.has(sid)) return null;
      lane = newLane(sid);
      this.lanes.set(sid, lane);
    }
    return lane;
  }

  private noteFailedDial(lane: Lane, address: HostPort, error: Error): void {
    const { log } = this.options;
    const text = `cannot reach server ${lane.sid} at ${address.host}:${address.port}`;
    if (lane.hasFailed) log.debug(text, { error: error.message });
    else log.warn(`${text}; trying again whenever there is a vote`, { error: error.message });
    lane.hasFailed = true;
  }

  private warnRefused(socket: net.Socket, reason: string): void {
    const hidden = this.bursts.open(`${socket.remoteAddress} ${reason}`);
    if (hidden === null) return;
    const from = remoteOf(socket);
    this.options.log.warn(`refused an election connection from ${from}: ${reason}`, { hidden });
  }
}

function newLane(sid: number): Lane {
  return {
    sid,
    link: null,
    dialing: null,
    last: null,
    pauseMs: DIAL_PAUSE_MIN_MS,
    nextDialAtMs: 0,
    cancelRetry: null,
    hasFailed: false,
  };
}
