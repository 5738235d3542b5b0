/**
 * The handshake of the client port: the first frame each way. It has no request or reply header.
 * The last field, readOnly, is absent in clients before 3.4, and a server sends it back only to a
 * client that sent it.
 */
import { NO_SESSION, type SessionId } from '../core/session-id.ts';
import type { Zxid } from '../core/zxid.ts';
import { JuteReader } from './reader.ts';
import { JuteWriter } from './writer.ts';

/** Bytes of a session password. */
export const PASSWORD_BYTES = 16;

export interface ConnectRequest {
  /** 0 in every client so far. */
  readonly protocolVersion: number;
  /** A server that is behind this zxid must not take the client. */
  readonly lastZxidSeen: Zxid;
  /** The timeout that the client wishes for. */
  readonly timeoutMs: number;
  /** NO_SESSION to begin a new one. */
  readonly session: SessionId;
  /** Null is accepted as ZooKeeper does; a client without a session sends 16 zero bytes. */
  readonly password: Uint8Array | null;
  /** The client accepts a server that has lost its quorum. False when the field is absent. */
  readonly readOnly: boolean;
  readonly hasReadOnly: boolean;
}

export interface ConnectResponse {
  /** What the server grants; 0 says that the session is not valid. */
  readonly timeoutMs: number;
  readonly session: SessionId;
  readonly password: Uint8Array | null;
  /** The server itself is read-only. */
  readonly readOnly: boolean;
  /** Whether the field is written: exactly when the request had it. */
  readonly hasReadOnly: boolean;
}

/** Decodes a frame without its length. The password is a view. Throws JuteError. */
export function decodeConnectRequest(frame: Buffer): ConnectRequest {
  const reader = new JuteReader(frame);
  const protocolVersion = reader.int();
  const lastZxidSeen = reader.long();
  const timeoutMs = reader.int();
  const session = reader.session();
  const password = reader.bufferOrNull();
  const hasReadOnly = reader.remaining > 0;
  const readOnly = hasReadOnly && reader.boolean();
  reader.finish('ConnectRequest');
  return { protocolVersion, lastZxidSeen, timeoutMs, session, password, readOnly, hasReadOnly };
}

/** The frame with its length. */
export function encodeConnectRequest(request: ConnectRequest): Buffer {
  const writer = new JuteWriter(64);
  const start = writer.reserveInt();
  writer.int(request.protocolVersion).long(request.lastZxidSeen).int(request.timeoutMs);
  writer.session(request.session).buffer(request.password);
  if (request.hasReadOnly) writer.boolean(request.readOnly);
  return writer.patchInt(start, writer.length - 4).take();
}

/** The frame with its length. */
export function encodeConnectResponse(response: ConnectResponse): Buffer {
  const writer = new JuteWriter(64);
  const start = writer.reserveInt();
  writer.int(0).int(response.timeoutMs).session(response.session).buffer(response.password);
  if (response.hasReadOnly) writer.boolean(response.readOnly);
  return writer.patchInt(start, writer.length - 4).take();
}

/** The answer to a session that has expired, is unknown or has another password. */
export function encodeConnectRefusal(hasReadOnly: boolean): Buffer {
  const password = new Uint8Array(PASSWORD_BYTES);
  const readOnly = false;
  return encodeConnectResponse({
    timeoutMs: 0,
    session: NO_SESSION,
    password,
    readOnly,
    hasReadOnly,
  });
}

/** Decodes a frame without its length. The password is a view. Throws JuteError. */
export function decodeConnectResponse(frame: Buffer): ConnectResponse {
  const reader = new JuteReader(frame);
  reader.int();
  const timeoutMs = reader.int();
  const session = reader.session();
  const password = reader.bufferOrNull();
  const hasReadOnly = reader.remaining > 0;
  const readOnly = hasReadOnly && reader.boolean();
  reader.finish('ConnectResponse');
  return { timeoutMs, session, password, readOnly, hasReadOnly };
}
