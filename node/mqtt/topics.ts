/**
 * Znode paths as MQTT topics: `<base>/state<path>` (retained) and `<base>/event<path>`; the root is
 * `<base>/state` itself. The mapping is injective and reversible. `%`, `+`, `#`, control characters
 * and Unicode noncharacters (which brokers refuse) are percent-encoded as UTF-8, nothing else, so
 * ordinary paths read as they are. A path too long or too deep for MQTT becomes
 * `<base>/state/@sha256/<hex of the path's UTF-8>`; its payload still names the path.
 */
import { createHash } from 'node:crypto';

/** MQTT 3.1.1, 1.5.3: a string is at most 65,535 bytes. */
export const TOPIC_BYTES_MAX = 65_535;
/** aedes stops at 100 levels, EMQX at 128, mosquitto at 200. */
export const TOPIC_LEVELS_MAX = 100;
export const BASE_BYTES_MAX = 256;
export const DEFAULT_BASE = 'picket';

export type TopicKind = 'state' | 'event';

const HASH_LEVEL = '@sha256';
const UNUSABLE = '+#\\u0000-\\u001f\\u007f-\\u009f\\ufdd0-\\ufdef\\ufffe\\uffff';
const NEEDS_ESCAPE = new RegExp(`[%${UNUSABLE}]`, 'u');
const ESCAPE_EACH = new RegExp(`[%${UNUSABLE}]`, 'gu');
const UNUSABLE_IN_BASE = new RegExp(`[${UNUSABLE}]`, 'u');
const ILL_FORMED = /\p{Surrogate}/u;

export function stateTopic(base: string, path: string): string {
  return pathToTopic(base, 'state', path);
}

export function eventTopic(base: string, path: string): string {
  return pathToTopic(base, 'event', path);
}

/** Where a leader's progress is retained. */
export function cursorTopic(base: string): string {
  return `${base}/cursor`;
}

/** Where what peer `sid` does is retained; its last will is `offline`. */
export function peerStateTopic(base: string, sid: number): string {
  return `${base}/peer/${sid}/state`;
}

/** Matches the state of every znode, the root included. */
export function stateFilter(base: string): string {
  return `${base}/state/#`;
}

export function pathToTopic(base: string, kind: TopicKind, path: string): string {
  const prefix = `${base}/${kind}`;
  if (path === '/') return prefix;
  if (ILL_FORMED.test(path)) return hashTopic(prefix, Buffer.from(path, 'utf16le'));
  const topic = prefix + escapePath(path);
  return isTooBig(topic) ? hashTopic(prefix, Buffer.from(path, 'utf8')) : topic;
}

/**
 * The path behind a state or event topic; undefined when no path has exactly this topic, and for a
 * hashed topic, whose path stands in the payload only.
 */
export function topicToPath(base: string, topic: string): string | undefined {
  const kind = topicKind(base, topic);
  if (kind === undefined) return undefined;
  const rest = topic.slice(base.length + 1 + kind.length);
  const path = rest === '' ? '/' : decode(rest);
  if (path === undefined || pathToTopic(base, kind, path) !== topic) return undefined;
  return path;
}

/** Throws an Error that names what is wrong with a configured base, and what would be right. */
export function checkBase(base: string): void {
  const bytes = Buffer.byteLength(base);
  const isWrong =
    bytes === 0 ||
    bytes > BASE_BYTES_MAX ||
    UNUSABLE_IN_BASE.test(base) ||
    ILL_FORMED.test(base) ||
    base.startsWith('$') ||
    base.split('/').some((level) => level === '') ||
    base.split('/').length > TOPIC_LEVELS_MAX / 2;
  if (!isWrong) return;
  throw new Error(
    `picket.mqtt.topic is ${JSON.stringify(base)}: it must be 1 to ${BASE_BYTES_MAX} bytes, no ` +
      '+, # and control characters, without empty levels, and not start with $; ' +
      `for example ${DEFAULT_BASE} or site1/${DEFAULT_BASE}`,
  );
}

function topicKind(base: string, topic: string): TopicKind | undefined {
  for (const kind of ['state', 'event'] as const) {
    const prefix = `${base}/${kind}`;
    if (topic === prefix || topic.startsWith(`${prefix}/`)) return kind;
  }
  return undefined;
}

function escapePath(path: string): string {
  const escaped = NEEDS_ESCAPE.test(path) ? path.replace(ESCAPE_EACH, encodeURIComponent) : path;
  // A znode really called @sha256 must not meet the hashed topics.
  return isUnderHashLevel(escaped) ? `/%40${escaped.slice(2)}` : escaped;
}

function isUnderHashLevel(path: string): boolean {
  return path === `/${HASH_LEVEL}` || path.startsWith(`/${HASH_LEVEL}/`);
}

function isTooBig(topic: string): boolean {
  // Three bytes a UTF-16 unit is the worst of UTF-8.
  if (topic.length * 3 > TOPIC_BYTES_MAX && Buffer.byteLength(topic) > TOPIC_BYTES_MAX) return true;
  let levels = 1;
  for (let at = topic.indexOf('/'); at >= 0; at = topic.indexOf('/', at + 1)) levels += 1;
  return levels > TOPIC_LEVELS_MAX;
}

function hashTopic(prefix: string, bytes: Uint8Array): string {
  return `${prefix}/${HASH_LEVEL}/${createHash('sha256').update(bytes).digest('hex')}`;
}

function decode(escaped: string): string | undefined {
  try {
    return decodeURIComponent(escaped);
  } catch {
    return undefined;
  }
}
