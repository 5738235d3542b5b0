/** What the tests of the ports share: time that passes when told, a log that can be read. */
import net from 'node:net';
import type { Log } from '../../node/core/log-sink.ts';
import type { Cancel, Timers } from '../../node/net/timers.ts';
import { until } from './processes.ts';

const PATIENCE_MS = 10_000;

/** Resolves when `condition` holds; rejects, naming it, after ten seconds. */
export async function eventually(what: string, condition: () => boolean): Promise<void> {
  await until(what, PATIENCE_MS, condition);
}

/** Lets the event loop turn often enough for anything under way on loopback to show. */
export async function turns(count = 50): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await new Promise((next) => setImmediate(next));
}

/** Time stands still until `advance`. */
export class ManualTimers implements Timers {
  private now = 0;
  private readonly pending = new Set<{ atMs: number; action: () => void }>();

  get pendingCount(): number {
    return this.pending.size;
  }

  nowMs(): number {
    return this.now;
  }

  after(delayMs: number, action: () => void): Cancel {
    const timer = { atMs: this.now + delayMs, action };
    this.pending.add(timer);
    return () => this.pending.delete(timer);
  }

  advance(byMs: number): void {
    this.now += byMs;
    for (const timer of [...this.pending].sort((a, b) => a.atMs - b.atMs)) {
      if (timer.atMs <= this.now && this.pending.delete(timer)) timer.action();
    }
  }
}

/** Keeps `level: message` lines. */
export class RecordingLog implements Log {
  readonly lines: string[] = [];

  debug(message: string): void {
    this.lines.push(`debug: ${message}`);
  }

  info(message: string): void {
    this.lines.push(`info: ${message}`);
  }

  warn(message: string): void {
    this.lines.push(`warn: ${message}`);
  }

  error(message: string): void {
    this.lines.push(`error: ${message}`);
  }

  /** How many lines match. */
  count(pattern: RegExp): number {
    return this.lines.filter((line) => pattern.test(line)).length;
  }
}

/** A socket under the test's control: what came in, and whether it has ended. */
export class RawSocket {
  readonly socket: net.Socket;
  received = Buffer.alloc(0);
  isEnded = false;
  isClosed = false;

  constructor(socket: net.Socket) {
    this.socket = socket;
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      this.received = Buffer.concat([this.received, chunk]);
    });
    socket.on('end', () => {
      this.isEnded = true;
    });
    socket.on('close', () => {
      this.isClosed = true;
    });
  }

  static async connect(port: number, allowHalfOpen = false): Promise<RawSocket> {
    const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen });
    const raw = new RawSocket(socket);
    await new Promise((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    return raw;
  }

  write(bytes: Uint8Array | string): void {
    this.socket.write(bytes);
  }

  async closed(what = 'the socket to be closed'): Promise<void> {
    await eventually(what, () => this.isClosed);
  }
}

/** A bare TCP server on a free port that keeps what connects to it. */
export class RawServer {
  readonly accepted: RawSocket[] = [];
  private readonly server: net.Server;

  private constructor(server: net.Server) {
    this.server = server;
    server.on('connection', (socket) => this.accepted.push(new RawSocket(socket)));
  }

  static async listen(): Promise<RawServer> {
    const server = net.createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new RawServer(server);
  }

  get port(): number {
    const address = this.server.address();
    return address !== null && typeof address === 'object' ? address.port : 0;
  }

  async close(): Promise<void> {
    for (const { socket } of this.accepted) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

/** An int32 length and the bytes. */
export function framed(bytes: Uint8Array): Buffer {
  const frame = Buffer.alloc(4 + bytes.length);
  frame.writeInt32BE(bytes.length, 0);
  frame.set(bytes, 4);
  return frame;
}
