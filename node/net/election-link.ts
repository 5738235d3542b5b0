/**
 * One established connection of the election port: length-prefixed notifications both ways. What
 * waits to be sent is one notification, the newest: an older one would tell the peer what is no
 * longer so.
 */
import type net from 'node:net';
import type { Notification } from '../core/zab/vote.ts';
import { JuteError } from '../jute/errors.ts';
import { FrameParser } from '../jute/frame-parser.ts';
import { decodeNotification, NOTIFICATION_BYTES_MAX } from '../jute/notification.ts';

export interface ElectionLinkHandlers {
  onNotification(link: ElectionLink, notification: Notification): void;
  /** Once, unless `close` was called. */
  onDown(link: ElectionLink, reason: string): void;
}

export class ElectionLink {
  readonly sid: number;
  private readonly socket: net.Socket;
  private readonly handlers: ElectionLinkHandlers;
  private readonly parser = new FrameParser(NOTIFICATION_BYTES_MAX);
  private waiting: Buffer | null = null;
  private isWriting = false;
  private isOpen = true;

  constructor(sid: number, socket: net.Socket, handlers: ElectionLinkHandlers) {
    this.sid = sid;
    this.socket = socket;
    this.handlers = handlers;
  }

  /** Begins to read; `rest` are bytes that came in behind the initial message. */
  start(rest: Buffer): void {
    const { socket } = this;
    let reason = 'the peer closed the connection';
    socket.on('error', (error) => {
      reason = error.message;
    });
    socket.on('close', () => this.goDown(reason));
    socket.on('data', (chunk) => this.read(chunk));
    if (rest.length > 0) this.read(rest);
    socket.resume();
  }

  /** `body` is an encoded notification; it takes the place of one that still waits. */
  send(body: Buffer): void {
    if (!this.isOpen) return;
    if (this.isWriting) this.waiting = body;
    else this.write(body);
  }

  /** Nothing is delivered and nothing is called any more. */
  close(): void {
    this.isOpen = false;
    this.waiting = null;
    this.socket.destroy();
  }

  private write(body: Buffer): void {
    const frame = Buffer.allocUnsafe(4 + body.length);
    frame.writeInt32BE(body.length, 0);
    body.copy(frame, 4);
    this.isWriting = true;
    this.socket.write(frame, () => {
      this.isWriting = false;
      const { waiting } = this;
      this.waiting = null;
      if (waiting !== null && this.isOpen) this.write(waiting);
    });
  }

  private read(chunk: Buffer): void {
    if (!this.isOpen) return;
    this.parser.push(chunk);
    while (this.isOpen) {
      const notification = this.parse();
      if (notification === null) return;
      this.handlers.onNotification(this, notification);
    }
  }

  private parse(): Notification | null {
    try {
      const frame = this.parser.next();
      return frame === null ? null : decodeNotification(frame);
    } catch (error) {
      if (!(error instanceof JuteError)) throw error;
      this.goDown(`malformed notification: ${error.message}`);
      return null;
    }
  }

  private goDown(reason: string): void {
    if (!this.isOpen) return;
    this.close();
    this.handlers.onDown(this, reason);
  }
}
