/**
 * Connections to the election port whose initial message is not complete yet. Each has until the
 * deadline, and there is only so much room: where it is full, who has been silent the longest makes
 * room for a newcomer, so whoever connects and says nothing keeps no peer out.
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
/** A peer sends its message at once: after this long a place may go to someone else. */
const PLACE_MS = 1000;

interface Waiting {
  readonly sinceMs: number;
  readonly cancelDeadline: Cancel;
}

export class ElectionGate {
  private readonly deadlineMs: number;
  private readonly timers: Timers;
  private readonly handlers: ElectionGateHandlers;
  /** Oldest first. */
  private readonly waiting = new Map<net.Socket, Waiting>();
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
    if (this.waiting.size >= WAITING_MAX && !this.makeRoom()) {
      this.refuse(socket, `${WAITING_MAX} connections have not said yet who they are`);
      return;
    }
    tune(socket);
    const cancelDeadline = this.timers.after(this.deadlineMs, () => {
      this.refuse(socket, `no initial message within ${this.deadlineMs} ms`);
    });
    this.waiting.set(socket, { sinceMs: this.timers.nowMs(), cancelDeadline });
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
    for (const [socket, { cancelDeadline }] of this.waiting) {
      cancelDeadline();
      socket.destroy();
    }
    this.waiting.clear();
  }

  private makeRoom(): boolean {
    const [oldest] = this.waiting;
    if (oldest === undefined) return false;
    const [socket, { sinceMs }] = oldest;
    if (this.timers.nowMs() - sinceMs < PLACE_MS) return false;
    this.refuse(socket, 'it has not said yet who it is, and others wait');
    return true;
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
    this.waiting.get(socket)?.cancelDeadline();
    this.waiting.delete(socket);
  }
}
