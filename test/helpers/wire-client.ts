/**
 * One connection to a client port, byte by byte: for the handshake with all its quirks, for a
 * session that moves, and for requests that no client library would send. It does nothing by
 * itself, so its session lives from what the test sends.
 */
import net from 'node:net';
import type { Request } from '../../node/core/request/requests.ts';
import { NO_SESSION, type SessionId } from '../../node/core/session-id.ts';
import {
  type ConnectRequest,
  type ConnectResponse,
  decodeConnectResponse,
  encodeConnectRequest,
  PASSWORD_BYTES,
} from '../../node/jute/connect.ts';
import { FrameParser } from '../../node/jute/frame-parser.ts';
import { JuteReader } from '../../node/jute/reader.ts';
import { decodeReplyHeader, type ReplyHeader } from '../../node/jute/reply-decoder.ts';
import { encodeRequestFrame } from '../../node/jute/requests.ts';
import { JuteWriter } from '../../node/jute/writer.ts';
import { within } from './processes.ts';

const WAIT_MS = 20_000;
const FRAME_BYTES_MAX = 16 * 1024 * 1024;

export interface WireReply extends ReplyHeader {
  /** At the record behind the header. */
  readonly body: JuteReader;
}

/** What a client shows to take its session elsewhere. */
export interface Credentials {
  readonly session: SessionId;
  readonly password: Uint8Array;
}

export class WireClient {
  private readonly socket: net.Socket;
  private readonly parser = new FrameParser(FRAME_BYTES_MAX);
  private readonly frames: Buffer[] = [];
  private isClosed = false;
  private wake: () => void = () => undefined;

  static async open(port: number): Promise<WireClient> {
    const socket = net.connect({ port, host: '127.0.0.1', noDelay: true });
    const client = new WireClient(socket);
    await new Promise((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    return client;
  }

  private constructor(socket: net.Socket) {
    this.socket = socket;
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      this.parser.push(chunk);
      for (let frame = this.parser.next(); frame !== null; frame = this.parser.next()) {
        this.frames.push(Buffer.from(frame));
      }
      this.wake();
    });
    socket.on('close', () => {
      this.isClosed = true;
      this.wake();
    });
  }

  get isOpen(): boolean {
    return !this.isClosed;
  }

  /** Sends a connect request; its answer, or null when the connection is closed instead. */
  async hello(request: Partial<ConnectRequest> = {}): Promise<ConnectResponse | null> {
    this.sendRaw(
      encodeConnectRequest({
        protocolVersion: 0,
        lastZxidSeen: 0,
        timeoutMs: 10_000,
        session: NO_SESSION,
        password: new Uint8Array(PASSWORD_BYTES),
        readOnly: false,
        hasReadOnly: true,
        ...request,
      }),
    );
    const frame = await this.frame();
    return frame === null ? null : decodeConnectResponse(frame);
  }

  send(xid: number, request: Request): void {
    const writer = new JuteWriter();
    encodeRequestFrame(writer, xid, request);
    this.sendRaw(writer.take());
  }

  sendRaw(bytes: Uint8Array | string): void {
    this.socket.write(bytes);
  }

  /** The next frame as a reply or an event; null when the connection is closed instead. */
  async reply(): Promise<WireReply | null> {
    const frame = await this.frame();
    if (frame === null) return null;
    const body = new JuteReader(frame);
    return { ...decodeReplyHeader(body), body };
  }

  async call(xid: number, request: Request): Promise<WireReply | null> {
    this.send(xid, request);
    return await this.reply();
  }

  /** The next whole frame, without its length; null when the connection is closed instead. */
  async frame(): Promise<Buffer | null> {
    await this.until('a frame', () => this.frames.length > 0 || this.isClosed);
    return this.frames.shift() ?? null;
  }

  /** Resolves when the other end has closed the connection. */
  async closed(): Promise<void> {
    await this.until('the end of the connection', () => this.isClosed);
  }

  /** Reads no more until `readAgain`: the kernel's buffers fill. */
  pause(): void {
    this.socket.pause();
  }

  readAgain(): void {
    this.socket.resume();
  }

  /** Hangs up without a word, as a client that has died. */
  drop(): void {
    this.socket.destroy();
  }

  private async until(what: string, condition: () => boolean): Promise<void> {
    const look = async (): Promise<void> => {
      while (!condition()) {
        await new Promise<void>((resolve) => {
          this.wake = resolve;
        });
      }
    };
    await within(WAIT_MS, what, look());
  }
}
