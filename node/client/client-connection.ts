/**
 * One TCP connection to one server: the handshake, frames in and out, and the signs of life. It
 * knows no requests: the session above it matches replies. A connection ends once, with a reason,
 * and a silent server ends it too: after two thirds of the session timeout without a byte there is
 * still a third left to find another server.
 */
import net from 'node:net';
import { OpCode } from '../core/request/op-code.ts';
import {
  type ConnectRequest,
  type ConnectResponse,
  decodeConnectResponse,
  encodeConnectRequest,
} from '../jute/connect.ts';
import { FrameParser } from '../jute/frame-parser.ts';
import { encodeRequestFrame } from '../jute/requests.ts';
import { JuteWriter } from '../jute/writer.ts';
import { Xid } from '../jute/xids.ts';
import { formatHostPort, type HostPort } from './connect-string.ts';

/** A list of children may be longer than any request: this is above the limit of those. */
const REPLY_BYTES_MAX = 16 * 1024 * 1024;
const PING_INTERVAL_MS_MAX = 10_000;
const PING_MARGIN_MS = 1_000;
const PING = encodePing();

export interface ConnectionEvents {
  /** The server's answer to the handshake; timeoutMs 0 says that the session has expired. */
  readonly onHandshake: (response: ConnectResponse) => void;
  /** A frame after the handshake. What it throws ends the connection. */
  readonly onFrame: (frame: Buffer) => void;
  /** Exactly once, also when `end` was called. */
  readonly onEnd: (reason: Error) => void;
}

export class ClientConnection {
  readonly server: string;
  private readonly socket: net.Socket;
  private readonly parser = new FrameParser(REPLY_BYTES_MAX);
  private readonly events: ConnectionEvents;
  private timer: NodeJS.Timeout | undefined;
  private isGreeted = false;
  private isEnded = false;
  private readTimeoutMs = 0;
  private heardAtMs = 0;
  private sentAtMs = 0;

  /** Dials at once. `connectTimeoutMs` covers the dialling and the handshake. */
  constructor(
    host: HostPort,
    connectTimeoutMs: number,
    handshake: ConnectRequest,
    events: ConnectionEvents,
  ) {
    this.server = formatHostPort(host);
    this.events = events;
    this.socket = net.connect({ host: host.host, port: host.port, noDelay: true });
    this.socket.once('connect', () => this.send(encodeConnectRequest(handshake)));
    this.socket.on('data', (chunk) => this.onData(chunk));
    this.socket.once('error', (error) => this.end(error));
    this.socket.once('close', () => this.end(new Error(`${this.server} closed the connection`)));
    this.timer = setTimeout(
      () => this.end(new Error(`${this.server} did not answer within ${connectTimeoutMs} ms`)),
      connectTimeoutMs,
    );
  }

  send(frame: Uint8Array): void {
    if (this.isEnded) return;
    this.sentAtMs = performance.now();
    this.socket.write(frame);
  }

  /** Closes the socket; `onEnd` is called before this returns, if it has not been. */
  end(reason: Error): void {
    if (this.isEnded) return;
    this.isEnded = true;
    clearTimeout(this.timer);
    this.socket.destroy();
    // A socket may still report an error while it is being destroyed.
    this.socket.on('error', () => undefined);
    this.events.onEnd(reason);
  }

  private onData(chunk: Buffer): void {
    this.heardAtMs = performance.now();
    try {
      this.parser.push(chunk);
      for (;;) {
        const frame = this.isEnded ? null : this.parser.next();
        if (frame === null) return;
        if (this.isGreeted) this.events.onFrame(frame);
        else this.greet(frame);
      }
    } catch (error) {
      this.end(error instanceof Error ? error : new Error(String(error)));
    }
  }

  private greet(frame: Buffer): void {
    const response = decodeConnectResponse(frame);
    this.isGreeted = true;
    clearTimeout(this.timer);
    this.readTimeoutMs = Math.floor((response.timeoutMs * 2) / 3);
    if (response.timeoutMs > 0) this.watchOver();
    this.events.onHandshake(response);
  }

  /** Pings when idle, gives up on silence, and sets the timer for whichever is next. */
  private watchOver(): void {
    const nowMs = performance.now();
    const silentMs = nowMs - this.heardAtMs;
    if (silentMs >= this.readTimeoutMs) {
      this.end(new Error(`nothing heard from ${this.server} for ${Math.round(silentMs)} ms`));
      return;
    }
    if (this.pingInMs(nowMs) <= 0) this.send(PING);
    const nextMs = Math.min(this.readTimeoutMs - silentMs, this.pingInMs(nowMs));
    this.timer = setTimeout(() => this.watchOver(), Math.max(1, Math.ceil(nextMs)));
    // The socket keeps the process alive, not this timer.
    this.timer.unref();
  }

  private pingInMs(nowMs: number): number {
    const idleMs = nowMs - this.sentAtMs;
    const marginMs = idleMs > PING_MARGIN_MS ? PING_MARGIN_MS : 0;
    return Math.min(this.readTimeoutMs / 2 - idleMs - marginMs, PING_INTERVAL_MS_MAX - idleMs);
  }
}

function encodePing(): Buffer {
  const writer = new JuteWriter(16);
  encodeRequestFrame(writer, Xid.ping, { type: OpCode.ping });
  return writer.take();
}
