/**
 * One connection to the client port: frames in order, replies in one write a turn, or a four-letter
 * word and its answer. It knows nothing of sessions but that there is one.
 *
 * Reading stops while the owner asks for it, and while the client does not read its replies; frames
 * that have been parsed by then are held. A client for which more waits than the limit is closed.
 */
import type net from 'node:net';
import { JuteError } from '../jute/errors.ts';
import { FrameParser } from '../jute/frame-parser.ts';
import { JuteWriter } from '../jute/writer.ts';
import type { ConnectionEnding, ConnectionStats, PortStats } from './connection-stats.ts';
import type { Cancel, Timers } from './timers.ts';

export interface ClientConnectionHandlers {
  /** Frames without their length, one after the other; the bytes are a view. */
  onFrame(connection: ClientConnection, frame: Buffer): void;
  /**
   * The first four bytes were a known word. Answer with `answer`. `argument` is what came with it:
   * only stmk has one.
   */
  onFourLetterWord(connection: ClientConnection, word: string, argument: Buffer): void;
  /** Once for every connection that was opened, whoever ended it, in a later turn. */
  onClose(connection: ClientConnection, reason: string): void;
  /** A frame has a length that is out of range, or the client does not read. */
  onMisbehaviour(connection: ClientConnection, reason: string): void;
  /** There is something to flush at the end of this turn. */
  onDirty(connection: ClientConnection): void;
}

export interface ClientConnectionOptions {
  readonly id: number;
  /** `/ip:port`, as ZooKeeper prints it. */
  readonly remote: string;
  readonly socket: net.Socket;
  readonly stats: ConnectionStats;
  /** Of the port, counted beside those of the connection. */
  readonly portStats: PortStats;
  readonly words: ReadonlySet<string>;
  readonly frameBytesMax: number;
  readonly outboundBytesMax: number;
  /** The most that may pass until `settle`. */
  readonly handshakeTimeoutMs: number;
  readonly handlers: ClientConnectionHandlers;
  readonly timers: Timers;
}

const WORD_BYTES = 4;
const LENGTH_BYTES = 4;
/** How long a client may take to hang up after `end`. */
const LINGER_MS = 2000;
/** A writer that has grown past this is not kept. */
const WRITER_BYTES_KEPT = 16 * 1024;
/** Reading stops when this part of the outbound limit waits for the client. */
const HOLD_PART = 1 / 4;

export class ClientConnection {
  readonly id: number;
  readonly remote: string;
  readonly stats: ConnectionStats;
  private readonly options: ClientConnectionOptions;
  private readonly socket: net.Socket;
  private readonly parser: FrameParser;
  private writer = new JuteWriter(64);
  private mode: 'opening' | 'frames' | 'word' = 'opening';
  private opening: Buffer = Buffer.alloc(0);
  private isOpen = true;
  private isDirty = false;
  private isPaused = false;
  private isHeld = false;
  private closeReason = 'the client closed the connection';
  private endedBy: ConnectionEnding = 'client';
  private cancelDeadline: Cancel;

  constructor(options: ClientConnectionOptions) {
    const { socket, timers, handshakeTimeoutMs } = options;
    this.id = options.id;
    this.remote = options.remote;
    this.stats = options.stats;
    this.options = options;
    this.socket = socket;
    this.parser = new FrameParser(options.frameBytesMax);
    this.cancelDeadline = timers.after(handshakeTimeoutMs, () => {
      this.close(`no session within ${handshakeTimeoutMs} ms`, 'noSession');
    });
    socket.on('error', (error) => {
      if (this.isOpen) this.closeReason = error.message;
    });
    socket.on('close', () => {
      this.isOpen = false;
      this.cancelDeadline();
      options.handlers.onClose(this, this.closeReason);
    });
    socket.on('data', (chunk) => this.read(chunk));
    // A client that has sent its word and shut its side down still gets the answer.
    socket.on('end', () => {
      if (this.isOpen && this.mode !== 'word') this.close(this.closeReason, 'client');
    });
  }

  /** False once `end` or `close` was called or the client is gone: `send` does nothing then. */
  get isUsable(): boolean {
    return this.isOpen;
  }

  /** Means something once it is closed. */
  get ending(): ConnectionEnding {
    return this.endedBy;
  }

  /** False while frames are held back. */
  get isReading(): boolean {
    return this.mode !== 'word' && !this.isPaused && !this.isHeld;
  }

  /** Bytes that have been sent and that the kernel has not taken yet. */
  get outboundBytes(): number {
    return this.socket.writableLength + this.writer.length;
  }

  /** The connection has its session: the deadline for the handshake is off. */
  settle(): void {
    this.cancelDeadline();
  }

  /** Sends one frame, its length included. */
  send(frame: Uint8Array): void {
    this.write((writer) => writer.raw(frame));
  }

  /**
   * Sends what `append` puts into the writer: one frame, its length included. Returns the bytes of
   * the frame without its length; 0 when the connection is not usable.
   */
  write(append: (writer: JuteWriter) => void): number {
    if (!this.isOpen) return 0;
    const before = this.writer.length;
    append(this.writer);
    const bytes = this.writer.length - before - LENGTH_BYTES;
    const { outboundBytesMax, handlers, portStats } = this.options;
    this.stats.sent += 1;
    portStats.sent += 1;
    const waiting = this.outboundBytes;
    if (waiting > outboundBytesMax) {
      this.misbehave(`it does not read: more than ${outboundBytesMax} bytes wait`, 'slowReader');
      return bytes;
    }
    if (waiting > outboundBytesMax * HOLD_PART) this.hold();
    if (this.isDirty) return bytes;
    this.isDirty = true;
    handlers.onDirty(this);
    return bytes;
  }

  /** The answer to a four-letter word; the connection ends with it. */
  answer(text: string): void {
    if (!this.isOpen) return;
    this.writer.raw(Buffer.from(text, 'utf8'));
    this.options.portStats.sent += 1;
    this.end();
  }

  /** Hands what was sent to the socket. */
  flush(): void {
    this.isDirty = false;
    if (this.writer.length === 0 || this.socket.destroyed) return;
    const bytes = this.writer.take();
    if (bytes.length > WRITER_BYTES_KEPT) this.writer = new JuteWriter(64);
    this.socket.write(bytes, this.onWritten);
  }

  /** No frame is delivered until `resume`. */
  pause(): void {
    this.isPaused = true;
    this.socket.pause();
  }

  /** Frames come again, those held first, from the next microtask on. */
  resume(): void {
    if (!this.isPaused) return;
    this.isPaused = false;
    queueMicrotask(() => this.continueReading());
  }

  /** Sends what waits, then ends; frames that still arrive are dropped. */
  end(): void {
    if (!this.isOpen) return;
    this.flush();
    this.isOpen = false;
    this.closeReason = 'ended by this server';
    this.endedBy = 'server';
    this.cancelDeadline();
    this.cancelDeadline = this.options.timers.after(LINGER_MS, () => this.socket.destroy());
    this.socket.end();
    // Not read, they would make the kernel reset the connection under the last reply.
    this.socket.resume();
  }

  /** Ends at once; what waits to be sent is lost. */
  close(reason: string, ending: ConnectionEnding = 'server'): void {
    if (this.isOpen) {
      this.closeReason = reason;
      this.endedBy = ending;
    }
    this.isOpen = false;
    this.socket.destroy();
  }

  private read(chunk: Buffer): void {
    if (!this.isOpen || this.mode === 'word') return;
    if (this.mode === 'frames') this.parser.push(chunk);
    else if (!this.open(chunk)) return;
    this.deliver();
  }

  /** The first four bytes are a word or a length. True when frames may follow. */
  private open(chunk: Buffer): boolean {
    this.opening = this.opening.length === 0 ? chunk : Buffer.concat([this.opening, chunk]);
    if (this.opening.length < WORD_BYTES) return false;
    const { words, handlers, portStats } = this.options;
    const word = this.opening.toString('latin1', 0, WORD_BYTES);
    if (words.has(word)) {
      this.mode = 'word';
      this.stats.received += 1;
      portStats.received += 1;
      portStats.bytesReceived += WORD_BYTES;
      handlers.onFourLetterWord(this, word, this.opening.subarray(WORD_BYTES));
      return false;
    }
    this.mode = 'frames';
    this.parser.push(this.opening);
    this.opening = Buffer.alloc(0);
    return true;
  }

  private deliver(): void {
    while (this.isOpen && !this.isPaused && !this.isHeld) {
      const frame = this.parse();
      if (frame === null) return;
      const { handlers, portStats } = this.options;
      this.stats.received += 1;
      portStats.received += 1;
      portStats.bytesReceived += frame.length + LENGTH_BYTES;
      handlers.onFrame(this, frame);
    }
  }

  private parse(): Buffer | null {
    try {
      return this.parser.next();
    } catch (error) {
      if (!(error instanceof JuteError)) throw error;
      this.misbehave(error.message, 'badFrame');
      return null;
    }
  }

  private readonly onWritten = (): void => {
    const { outboundBytesMax } = this.options;
    if (!this.isHeld || this.outboundBytes > outboundBytesMax * HOLD_PART) return;
    this.isHeld = false;
    this.continueReading();
  };

  private hold(): void {
    if (this.isHeld) return;
    this.isHeld = true;
    this.socket.pause();
  }

  private continueReading(): void {
    if (!this.isOpen || this.isPaused || this.isHeld) return;
    this.deliver();
    if (!this.isPaused && !this.isHeld) this.socket.resume();
  }

  private misbehave(reason: string, ending: ConnectionEnding): void {
    if (!this.isOpen) return;
    this.options.handlers.onMisbehaviour(this, reason);
    this.close(reason, ending);
  }
}
