/**
 * A ZooKeeper server of a few lines whose every answer the test decides: for what a client does on
 * silence, refusal, a lost connection or a wrong reply, which a real server does not do on demand.
 */
import net from 'node:net';
import type { Request } from '../../node/core/request/requests.ts';
import { SessionId } from '../../node/core/session-id.ts';
import {
  type ConnectRequest,
  decodeConnectRequest,
  encodeConnectRefusal,
  encodeConnectResponse,
} from '../../node/jute/connect.ts';
import { FrameParser } from '../../node/jute/frame-parser.ts';
import { JuteReader } from '../../node/jute/reader.ts';
import { writeHeaderReply, writeWatcherEvent } from '../../node/jute/replies.ts';
import { decodeRequest, decodeRequestHeader } from '../../node/jute/requests.ts';
import { JuteWriter } from '../../node/jute/writer.ts';

export interface Received {
  readonly xid: number;
  readonly request: Request;
}

/** One client connection, from the server's side. */
export class FakeConnection {
  readonly received: Received[] = [];
  hello: ConnectRequest | undefined;
  private readonly socket: net.Socket;
  private readonly parser = new FrameParser(1 << 20);
  private wake: () => void = () => undefined;
  private isClosed = false;

  constructor(socket: net.Socket) {
    this.socket = socket;
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => this.onData(chunk));
    socket.on('close', () => {
      this.isClosed = true;
      this.wake();
    });
  }

  /** Resolves when `condition` holds; it is looked at after everything that arrives. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      if (this.isClosed) throw new Error('the client has closed the connection');
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
  }

  async closed(): Promise<void> {
    while (!this.isClosed) {
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
  }

  async greeting(): Promise<ConnectRequest> {
    await this.until(() => this.hello !== undefined);
    if (this.hello === undefined) throw new Error('unreachable');
    return this.hello;
  }

  /** The next request that has not been taken yet. */
  async next(): Promise<Received> {
    await this.until(() => this.received.length > 0);
    const received = this.received.shift();
    if (received === undefined) throw new Error('unreachable');
    return received;
  }

  accept(timeoutMs: number, session = new SessionId(0x01000000, 7), readOnly = false): void {
    const password = new Uint8Array(16).fill(9);
    this.socket.write(
      encodeConnectResponse({ timeoutMs, session, password, readOnly, hasReadOnly: true }),
    );
  }

  expire(): void {
    this.socket.write(encodeConnectRefusal(true));
  }

  /** A reply without a record. */
  reply(xid: number, err = 0, zxid = 1): void {
    this.send((writer) => writeHeaderReply(writer, xid, zxid, err));
  }

  event(type: number, path: string): void {
    this.send((writer) => writeWatcherEvent(writer, -1, type, path));
  }

  /** Bytes that `write` appends: a frame with its length. */
  send(write: (writer: JuteWriter) => void): void {
    const writer = new JuteWriter();
    write(writer);
    this.socket.write(writer.take());
  }

  drop(): void {
    this.socket.destroy();
  }

  private onData(chunk: Buffer): void {
    this.parser.push(chunk);
    for (let frame = this.parser.next(); frame !== null; frame = this.parser.next()) {
      if (this.hello === undefined) this.hello = decodeConnectRequest(frame);
      else {
        const reader = new JuteReader(frame);
        const { xid, type } = decodeRequestHeader(reader);
        this.received.push({ xid, request: decodeRequest(type, reader) });
      }
    }
    this.wake();
  }
}

export class FakeZooKeeper {
  private readonly server: net.Server;
  private readonly fresh: FakeConnection[] = [];
  private readonly all: FakeConnection[] = [];
  private wake: () => void = () => undefined;

  static async start(): Promise<FakeZooKeeper> {
    const fake = new FakeZooKeeper();
    await new Promise<void>((resolve) => fake.server.listen(0, '127.0.0.1', resolve));
    return fake;
  }

  private constructor() {
    this.server = net.createServer((socket) => {
      const connection = new FakeConnection(socket);
      this.all.push(connection);
      this.fresh.push(connection);
      this.wake();
    });
  }

  get address(): string {
    const address = this.server.address();
    if (address === null || typeof address === 'string') throw new Error('not listening');
    return `127.0.0.1:${address.port}`;
  }

  /** The next connection that a client makes. */
  async connection(): Promise<FakeConnection> {
    for (;;) {
      const connection = this.fresh.shift();
      if (connection !== undefined) return connection;
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
  }

  async stop(): Promise<void> {
    for (const connection of this.all) connection.drop();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
