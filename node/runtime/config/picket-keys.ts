/**
 * The keys that are Picket's own: the MQTT bridge and the shape of the journal.
 */
import type { MqttConfig } from './peer-config.ts';
import type { Settings } from './settings.ts';

export const SEGMENT_BYTES_MIN = 65_536;
export const SEGMENT_BYTES_MAX = 2 ** 30;
export const SEGMENT_BYTES_DEFAULT = 4_194_304;
/** Segments are written in whole blocks of the medium. */
const BLOCK_BYTES = 4096;

const PROTOCOLS = new Set(['mqtt:', 'mqtts:', 'ws:', 'wss:']);

export function readSegmentBytes(settings: Settings): number {
  const key = 'picket.journal.segmentBytes';
  const range = { fallback: SEGMENT_BYTES_DEFAULT, min: SEGMENT_BYTES_MIN, max: SEGMENT_BYTES_MAX };
  const bytes = settings.integer(key, range, `a multiple of ${BLOCK_BYTES}`);
  if (bytes % BLOCK_BYTES === 0) return bytes;
  settings.problem(key, `must be a multiple of ${BLOCK_BYTES}, the block of the medium`);
  return SEGMENT_BYTES_DEFAULT;
}

/** Undefined when no broker is configured. `canRead` tells whether the password file is there. */
export function readMqtt(
  settings: Settings,
  canRead: (file: string) => boolean,
): MqttConfig | undefined {
  const url = settings.text('picket.mqtt.url');
  if (url === undefined) {
    for (const key of ['picket.mqtt.topic', 'picket.mqtt.username', 'picket.mqtt.passwordFile']) {
      if (settings.get(key) !== undefined)
        settings.warn(key, 'has no effect without picket.mqtt.url');
    }
    return undefined;
  }
  checkUrl(settings, url);
  const passwordFile = settings.text('picket.mqtt.passwordFile');
  const username = settings.text('picket.mqtt.username');
  if (passwordFile !== undefined) {
    if (!canRead(passwordFile)) settings.problem('picket.mqtt.passwordFile', 'cannot be read');
    if (username === undefined) {
      settings.problem('picket.mqtt.passwordFile', 'needs picket.mqtt.username beside it');
    }
  }
  return { url, topic: readTopic(settings), username, passwordFile };
}

function checkUrl(settings: Settings, text: string): void {
  const key = 'picket.mqtt.url';
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !PROTOCOLS.has(url.protocol) || url.hostname === '') {
    settings.problem(key, 'must be a broker like mqtt://127.0.0.1:1883 (or mqtts:, ws:, wss:)');
  } else if (url.username !== '' || url.password !== '') {
    settings.problemWithoutValue(
      key,
      'must not hold credentials; use picket.mqtt.username and picket.mqtt.passwordFile',
    );
  }
}

function readTopic(settings: Settings): string {
  const key = 'picket.mqtt.topic';
  const topic = settings.text(key) ?? 'picket';
  if (topic === '' || /[+#]/.test(topic) || topic.includes('\0') || /^[/$]|\/$/.test(topic)) {
    settings.problem(
      key,
      'must be a topic without + and #, not beginning with / or $ or ending in /',
    );
    return 'picket';
  }
  return topic;
}
