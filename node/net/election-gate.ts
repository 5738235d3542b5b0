/**
 * Connections to the election port whose initial message is not complete yet. Each has until the
 * deadline, and there is only so much room: whoever connects and says nothing keeps nobody out for
 * long.
 */
import type net from 'node:net';
import { JuteError } from '../jute/errors.ts';
import { type InitialMessage, readInitialMessage } from '../jute/initial-message.ts';
import { tune } from './sockets.ts';
import type { Cancel, Timers } from './timers.ts';

export interface ElectionGateHandlers {
  /** `rest` came in behind the message. The socket has an error listener and is not flowing. */
  onInitialMessage(sid: number | null, socket: net.Socket, rest: Buffer): void;
  onRefused(socket: net.Socket, reason: string): void;
}

const WAITING_MAX = 64;

export class ElectionGate {
  private readonly deadlineMs: number;
  private readonly timers: Timers;
  private readonly handlers: ElectionGateHandlers;
  private readonly waiting = new Map<net.Socket, Cancel>();
  private isClosed = false;

  constructor(deadlineMs: number, timers: Timers, handlers: ElectionGateHandlers) {
    this.deadlineMs = deadlineMs;
    this.timers = timers;
    this.handlers = handlers;
  }

  add(socket: net.Socket): void {
    socket.on('error', () => undefined);
    if (this.isClosed) {
      socket.destroy();
      return;
    }
    if (this.waiting.size >= WAITING_MAX) {
      this.refuse(socket, `${WAITING_MAX} connections have not said yet who they are`);
      return;
    }
    tune(socket);
    const cancel = this.timers.after(this.deadlineMs, () => {
      this.refuse(socket, `no initial message within ${this.deadlineMs} ms`);
    });
    this.waiting.set(socket, cancel);
    let bytes = Buffer.alloc(0);
    const onData = (chunk: Buffer): void => {
      bytes = Buffer.concat([bytes, chunk]);
      const message = this.read(socket, bytes);
      if (message === null) return;
      socket.off('data', onData);
      socket.pause();
      this.forget(socket);
      this.handlers.onInitialMessage(message.sid, socket, bytes.subarray(message.bytesUsed));
    };
    socket.on('data', onData);
    socket.on('close', () => this.forget(socket));
  }

  close(): void {
    this.isClosed = true;
    for (const [socket, cancel] of this.waiting) {
      cancel();
      socket.destroy();
    }
    this.waiting.clear();
  }

  private read(socket: net.Socket, bytes: Buffer): InitialMessage | null {
    try {
      return readInitialMessage(bytes);
    } catch (error) {
      if (!(error instanceof JuteError)) throw error;
      this.refuse(socket, error.message);
      return null;
    }
  }

  private refuse(socket: net.Socket, reason: string): void {
    this.forget(socket);
    this.handlers.onRefused(socket, reason);
    socket.destroy();
  }

  private forget(socket: net.Socket): void {
    this.waiting.get(socket)?.();
    this.waiting.delete(socket);
  }
}
