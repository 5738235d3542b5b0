/**
 * The client port (2181): lets connections in, up to a number from each address and in all, and
 * flushes the replies of a turn. Every kind of ending is the connection's own.
 */
import net from 'node:net';
import type { Log } from '../core/log-sink.ts';
import { ClientConnection, type ClientConnectionHandlers } from './client-connection.ts';
import { ConnectionStats, PortStats } from './connection-stats.ts';
import { formatJavaAddress } from './java-address.ts';
import { LogBurst } from './log-burst.ts';
import { closeServer, listen, tune } from './sockets.ts';
import { systemTimers, type Timers } from './timers.ts';

export interface ClientHandlers {
  /** A connection was let in; nothing has been read from it. */
  onOpen?(connection: ClientConnection): void;
  onFrame(connection: ClientConnection, frame: Buffer): void;
  /** `argument`: what came with the word; only stmk has one. */
  onFourLetterWord(connection: ClientConnection, word: string, argument: Buffer): void;
  onClose(connection: ClientConnection, reason: string): void;
}

export interface ClientPortOptions {
  readonly listenHost: string;
  readonly listenPort: number;
  /** -1 for the platform's default. */
  readonly backlog?: number;
  /** Connections from one address; 0 for no limit. */
  readonly maxClientCnxns: number;
  /** Connections in all; 0 for no limit. */
  readonly maxCnxns: number;
  /** jute.maxbuffer. */
  readonly frameBytesMax: number;
  /** The most that may wait for a client to read it. */
  readonly outboundBytesMax: number;
  /** The most a connection may go without a session (10 s in ZooKeeper). */
  readonly handshakeTimeoutMs: number;
  /** The four-letter words that are known, allowed or not. */
  readonly fourLetterWords: ReadonlySet<string>;
  readonly handlers: ClientHandlers;
  readonly log: Log;
  readonly timers?: Timers;
  /** Milliseconds since 1970, for the statistics. */
  readonly wallClockMs?: () => number;
}

export class ClientPort {
  /** Of all connections since the start or the last reset. */
  readonly stats = new PortStats();
  private readonly options: ClientPortOptions;
  private readonly timers: Timers;
  private readonly bursts: LogBurst;
  private readonly server: net.Server;
  private readonly open = new Map<number, ClientConnection>();
  private readonly perAddress = new Map<string, number>();
  private readonly connectionHandlers: ClientConnectionHandlers;
  private dirty: ClientConnection[] = [];
  private lastId = 0;
  private isClosed = false;
  private listeningOn = 0;

  constructor(options: ClientPortOptions) {
    this.options = options;
    this.timers = options.timers ?? systemTimers;
    this.bursts = new LogBurst(this.timers);
    this.server = net.createServer({ allowHalfOpen: true }, (socket) => this.accept(socket));
    const { handlers } = options;
    this.connectionHandlers = {
      onFrame: (connection, frame) => handlers.onFrame(connection, frame),
      onFourLetterWord: (connection, word, argument) =>
        handlers.onFourLetterWord(connection, word, argument),
      onClose: (connection, reason) => handlers.onClose(connection, reason),
      onMisbehaviour: ({ remote }, reason) => this.warn('misbehaviour', remote, reason),
      onDirty: (connection) => this.markDirty(connection),
    };
  }

  /** The port listened on. */
  get port(): number {
    return this.listeningOn;
  }

  /** Open connections, oldest first. */
  get connections(): IterableIterator<ClientConnection> {
    return this.open.values();
  }

  get connectionCount(): number {
    return this.open.size;
  }

  /** Rejects, naming the port, when it cannot be listened on. */
  async start(): Promise<void> {
    const { listenHost: host, listenPort: port, backlog = -1 } = this.options;
    const at = { host, port, backlog };
    this.listeningOn = await listen(this.server, at, 'client', 'clientPort');
    this.server.on('error', (error) => {
      this.options.log.error('the client port has trouble', { error: error.message });
    });
  }

  /** Ends every connection at once; resolves when the port is free. `onClose` is still called. */
  async close(): Promise<void> {
    this.isClosed = true;
    for (const connection of [...this.open.values()]) connection.close('the server stops');
    await closeServer(this.server);
  }

  private accept(socket: net.Socket): void {
    socket.on('error', () => undefined);
    const { remoteAddress: address, remotePort: port } = socket;
    if (this.isClosed || address === undefined || port === undefined) {
      socket.destroy();
      return;
    }
    const remote = formatJavaAddress(address, port);
    const problem = this.tooMany(address);
    if (problem !== null) {
      this.stats.refused += 1;
      this.warn(address, remote, problem);
      socket.destroy();
      return;
    }
    tune(socket);
    this.lastId += 1;
    const id = this.lastId;
    this.perAddress.set(address, (this.perAddress.get(address) ?? 0) + 1);
    const connection = new ClientConnection({
      ...this.options,
      id,
      remote,
      socket,
      stats: new ConnectionStats((this.options.wallClockMs ?? Date.now)()),
      portStats: this.stats,
      words: this.options.fourLetterWords,
      handlers: this.connectionHandlers,
      timers: this.timers,
    });
    socket.on('close', () => this.forget(connection, address));
    this.open.set(id, connection);
    this.options.handlers.onOpen?.(connection);
  }

  private tooMany(address: string): string | null {
    const { maxClientCnxns, maxCnxns } = this.options;
    if (maxCnxns > 0 && this.open.size >= maxCnxns) {
      return `there are ${maxCnxns} connections already; maxCnxns allows more`;
    }
    if (maxClientCnxns > 0 && (this.perAddress.get(address) ?? 0) >= maxClientCnxns) {
      return `it has ${maxClientCnxns} connections already; maxClientCnxns allows more`;
    }
    return null;
  }

  private forget({ id, ending }: ClientConnection, address: string): void {
    this.open.delete(id);
    this.stats.endings[ending] += 1;
    const left = (this.perAddress.get(address) ?? 1) - 1;
    if (left > 0) this.perAddress.set(address, left);
    else this.perAddress.delete(address);
  }

  private markDirty(connection: ClientConnection): void {
    if (this.dirty.push(connection) === 1) setImmediate(this.flushAll);
  }

  private readonly flushAll = (): void => {
    const { dirty } = this;
    this.dirty = [];
    for (const connection of dirty) connection.flush();
  };

  private warn(kind: string, remote: string, reason: string): void {
    const hidden = this.bursts.open(kind);
    if (hidden === null) return;
    this.options.log.warn(`closed the connection from ${remote}: ${reason}`, { hidden });
  }
}
