/**
 * One connection of the quorum port, either way round. What is sent in one turn of the event loop
 * leaves in one write; a snapshot is streamed in slices, and what is sent meanwhile waits behind
 * it. The link bounds what waits: a peer that does not read costs its link, not the memory.
 */
import type net from 'node:net';
import { InvariantError, invariant } from '../core/invariant.ts';
import type { ZabMessage } from '../core/zab/messages.ts';
import type { Zxid } from '../core/zxid.ts';
import { encodeMessage } from '../jute/quorum-packet.ts';
import { QuorumStream, type QuorumStreamOptions } from '../jute/quorum-stream.ts';
import { type SnapshotSource, snapshotChunks } from '../jute/snapshot-stream.ts';
import { JuteWriter } from '../jute/writer.ts';

export interface QuorumLinkHandlers {
  onMessage(link: QuorumLink, message: ZabMessage): void;
  /** Once, unless `close` was called. */
  onDown(link: QuorumLink, reason: string): void;
  /** A part of a snapshot has come or gone: the other side is alive, though it says nothing. */
  onActive(link: QuorumLink): void;
  /** The link has something to flush at the end of this turn. */
  onDirty(link: QuorumLink): void;
}

/** A writer that has grown past this is not kept. */
const WRITER_BYTES_KEPT = 256 * 1024;

export class QuorumLink {
  readonly id: number;
  private readonly socket: net.Socket;
  private readonly outboundBytesMax: number;
  private readonly handlers: QuorumLinkHandlers;
  private readonly stream: QuorumStream;
  private writer = new JuteWriter();
  private snapshot: Generator<Buffer, void> | null = null;
  private isDirty = false;
  private isOpen = true;
  private downReason = 'the peer closed the connection';

  constructor(
    id: number,
    socket: net.Socket,
    stream: QuorumStreamOptions,
    outboundBytesMax: number,
    handlers: QuorumLinkHandlers,
  ) {
    this.id = id;
    this.socket = socket;
    this.outboundBytesMax = outboundBytesMax;
    this.handlers = handlers;
    this.stream = new QuorumStream(stream);
    socket.on('error', (error) => {
      this.downReason = error.message;
    });
    socket.on('close', () => this.goDown(this.downReason));
    socket.on('data', (chunk) => this.read(chunk));
  }

  /** False as soon as the end of the link is certain, which is before `onDown`. */
  private get isUsable(): boolean {
    return this.isOpen && !this.socket.destroyed;
  }

  /** Bytes that have been sent and that the kernel has not taken yet. */
  get outboundBytes(): number {
    return this.socket.writableLength + this.writer.length;
  }

  send(message: ZabMessage): void {
    if (!this.isUsable) return;
    invariant(message.type !== 'snap', 'a snapshot is sent with its tree');
    encodeMessage(this.writer, message);
    if (this.outboundBytes > this.outboundBytesMax) {
      this.fail(`more than ${this.outboundBytesMax} bytes wait for the peer to read`);
      return;
    }
    if (this.isDirty) return;
    this.isDirty = true;
    this.handlers.onDirty(this);
  }

  sendSnapshot(zxid: Zxid, source: SnapshotSource): void {
    if (!this.isUsable) {
      source.close();
      return;
    }
    invariant(this.snapshot === null, 'one snapshot at a time goes over a link', { link: this.id });
    encodeMessage(this.writer, { type: 'snap', zxid, image: null });
    this.flush();
    this.snapshot = snapshotChunks(source);
    this.pump();
  }

  /** Hands what was sent to the socket. */
  flush(): void {
    this.isDirty = false;
    if (!this.isUsable || this.snapshot !== null || this.writer.length === 0) return;
    const bytes = this.writer.take();
    if (bytes.length > WRITER_BYTES_KEPT) this.writer = new JuteWriter();
    this.socket.write(bytes);
  }

  /** Nothing is sent or delivered and no handler is called any more. */
  close(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.writer = new JuteWriter(0);
    this.snapshot?.return();
    this.snapshot = null;
    this.socket.destroy();
  }

  /** Destroys the connection; `onDown` follows in a later turn, as with any other end. */
  fail(reason: string): void {
    this.downReason = reason;
    this.socket.destroy();
  }

  /** Writes chunk after chunk for as long as the peer takes them, one a turn. */
  private readonly pump = (): void => {
    const { snapshot } = this;
    if (!this.isUsable || snapshot === null) return;
    this.handlers.onActive(this);
    const step = snapshot.next();
    if (step.done === true) {
      this.snapshot = null;
      this.flush();
    } else if (this.socket.write(step.value)) {
      setImmediate(this.pump);
    } else {
      this.socket.once('drain', this.pump);
    }
  };

  private read(chunk: Buffer): void {
    if (!this.isUsable) return;
    this.stream.push(chunk);
    if (this.stream.isInSnapshot) this.handlers.onActive(this);
    while (this.isUsable) {
      const message = this.parse();
      if (message === null) return;
      this.handlers.onMessage(this, message);
    }
  }

  /** What a stream or the tree in it gets wrong costs this link; only our own bugs cost more. */
  private parse(): ZabMessage | null {
    try {
      return this.stream.next();
    } catch (error) {
      if (error instanceof InvariantError || !(error instanceof Error)) throw error;
      this.fail(`malformed stream: ${error.message}`);
      return null;
    }
  }

  private goDown(reason: string): void {
    if (!this.isOpen) return;
    this.close();
    this.handlers.onDown(this, reason);
  }
}
