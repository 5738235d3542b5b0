/**
 * The payloads of the bridge: one JSON object each, so that `mosquitto_sub -v -t '#'` shows what
 * happens to a person and any MQTT consumer can parse it. Data that is text (UTF-8 without control
 * characters) stands as text; other data is base64 with `"encoding":"base64"`. An envelope is never
 * empty, because an empty retained payload means "deleted" to a broker.
 *
 * Zxids and session ids are hexadecimal text, as ZooKeeper prints them: they may exceed what a JSON
 * number holds. Times are milliseconds since 1970.
 */
import { isUtf8 } from 'node:buffer';
import { epochOf, formatZxid, type Zxid } from '../core/zxid.ts';
import type { CommittedChange, ZnodeState } from './committed-change.ts';

export interface Cursor {
  /** Every event up to this transaction has been published, or can no longer be. */
  readonly zxid: Zxid;
  /** The state of the whole tree is being published; until then what is retained is not all. */
  readonly isResyncing: boolean;
  /** The epoch of the leader that wrote the cursor. */
  readonly epoch: number;
  readonly sid: number;
}

export type PeerRole = 'leading' | 'following' | 'observing' | 'looking' | 'offline';

interface DataFields {
  readonly data: string | null;
  readonly encoding?: 'base64';
  /** Present when the data is too long to be published. */
  readonly dataOmitted?: true;
  readonly dataLength?: number;
}

/** What is retained for a znode. `zxid` is that of its last change, as in its events. */
export function encodeState(node: ZnodeState, dataBytesMax: number): string {
  const { path, stat } = node;
  return JSON.stringify({
    path,
    zxid: formatZxid(stat.mzxid),
    czxid: formatZxid(stat.czxid),
    mzxid: formatZxid(stat.mzxid),
    version: stat.version,
    ctime: stat.ctime,
    mtime: stat.mtime,
    ephemeralOwner: stat.ephemeralOwner.toString(),
    ...dataFields(node.data, stat.dataLength, dataBytesMax),
  });
}

export function encodeEvent(change: CommittedChange, dataBytesMax: number): string {
  const { kind, path, zxid, timeMs, session, stat } = change;
  const head = {
    event: kind,
    path,
    zxid: formatZxid(zxid),
    time: timeMs,
    session: session.toString(),
  };
  if (kind === 'deleted' || stat === null) return JSON.stringify(head);
  const data = dataFields(change.data, stat.dataLength, dataBytesMax);
  return JSON.stringify({ ...head, version: stat.version, ...data });
}

/**
 * Says that retained state was published afresh as of `zxid`, because the changes between `from`
 * (the cursor that was found, if any) and `zxid` could not be replayed as events.
 */
export function encodeResync(reason: string, from: Zxid | undefined, zxid: Zxid): string {
  return JSON.stringify({
    event: 'resync',
    reason,
    from: from === undefined ? null : formatZxid(from),
    zxid: formatZxid(zxid),
  });
}

export function encodePeerState(state: PeerRole, sid: number, reason?: string): string {
  return JSON.stringify(reason === undefined ? { state, sid } : { state, sid, reason });
}

export function encodeCursor(cursor: Cursor): string {
  return JSON.stringify({
    zxid: formatZxid(cursor.zxid),
    epoch: cursor.epoch,
    sid: cursor.sid,
    ...(cursor.isResyncing ? { resync: true } : {}),
  });
}

/** Undefined when it is not a cursor that a bridge can have written. */
export function decodeCursor(payload: Uint8Array): Cursor | undefined {
  const value = parseObject(payload);
  const { zxid: text, epoch, sid, resync = false } = value ?? {};
  if (typeof text !== 'string' || !/^0x[0-9a-f]{1,14}$/.test(text)) return undefined;
  const zxid = Number.parseInt(text.slice(2), 16);
  if (!Number.isSafeInteger(zxid) || !isCount(epoch) || !isCount(sid)) return undefined;
  if (epochOf(zxid) > epoch || typeof resync !== 'boolean') return undefined;
  return { zxid, epoch, sid, isResyncing: resync };
}

/** The `path` that an envelope names; undefined when the payload is no envelope. */
export function pathOfEnvelope(payload: Uint8Array): string | undefined {
  const { path } = parseObject(payload) ?? {};
  return typeof path === 'string' ? path : undefined;
}

/** The `state` that a peer's status names; undefined when the payload is none. */
export function stateOfPeer(payload: Uint8Array): string | undefined {
  const { state } = parseObject(payload) ?? {};
  return typeof state === 'string' ? state : undefined;
}

function dataFields(data: Uint8Array | null, length: number, bytesMax: number): DataFields {
  // The ring keeps null in place of data that is too long; the Stat still knows the length.
  if (data === null ? length > 0 : data.length > bytesMax) {
    return { data: null, dataOmitted: true, dataLength: data?.length ?? length };
  }
  if (data === null) return { data: null };
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  if (isText(bytes)) return { data: bytes.toString('utf8') };
  return { data: bytes.toString('base64'), encoding: 'base64' };
}

/**
 * Control characters other than tab, line feed and carriage return make it binary: JSON would
 * write six bytes for each of them.
 */
function isText(bytes: Buffer): boolean {
  for (const byte of bytes) {
    if (byte < 0x20 && byte !== 0x09 && byte !== 0x0a && byte !== 0x0d) return false;
    if (byte === 0x7f) return false;
  }
  return isUtf8(bytes);
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function parseObject(payload: Uint8Array): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(payload).toString('utf8'));
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
    return value as Record<string, unknown>;
  } catch {
    return undefined;
  }
}
