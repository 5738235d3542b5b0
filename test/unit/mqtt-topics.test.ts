import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Prng } from '../../node/core/prng.ts';
import {
  checkBase,
  eventTopic,
  stateTopic,
  TOPIC_BYTES_MAX,
  TOPIC_LEVELS_MAX,
  topicToPath,
} from '../../node/mqtt/topics.ts';

const BASE = 'site/picket';

/** Characters that a znode path may hold and MQTT, percent-encoding or a broker may trip over. */
const CHARACTERS = [
  ...['a', 'B', '7', '-', '.', '_', ' ', '"', "'", '\\', '@', '$', '%', '+', '#', '&', '=', '?'],
  ...['2', '5', 'F', '\u00e9', '\u0416', '\u6f22', '\ufdd0', '\uf900', '\uffef', '\u2028'],
  ...['\u0001', '\u001f', '\u007f', '\u0085', '\u009f', 'sha256', '@sha256', '%2B', '%'],
];

function randomPath(prng: Prng): string {
  const segments: string[] = [];
  const levels = prng.oneIn(20) ? 90 + prng.below(20) : 1 + prng.below(5);
  for (let i = 0; i < levels; i += 1) {
    let segment = '';
    for (let j = 0; j <= prng.below(4); j += 1) segment += prng.pick(CHARACTERS);
    segments.push(segment);
  }
  return `/${segments.join('/')}`;
}

test('ordinary paths read as they are', () => {
  assert.equal(stateTopic('picket', '/'), 'picket/state');
  assert.equal(eventTopic('picket', '/'), 'picket/event');
  assert.equal(stateTopic('picket', '/osgi/x y'), 'picket/state/osgi/x y');
  assert.equal(eventTopic('picket', '/a/lock-0000000001'), 'picket/event/a/lock-0000000001');
});

test('what MQTT forbids is percent-encoded, and nothing else', () => {
  assert.equal(stateTopic('p', '/a+b/#/50%'), 'p/state/a%2Bb/%23/50%25');
  assert.equal(stateTopic('p', '/\u0085'), 'p/state/%C2%85');
  assert.equal(stateTopic('p', '/$SYS/\u00e9'), 'p/state/$SYS/\u00e9');
  assert.equal(stateTopic('p', '/@sha256/ab'), 'p/state/%40sha256/ab');
  assert.equal(stateTopic('p', '/a/@sha256'), 'p/state/a/@sha256');
});

test('random paths: injective, reversible, legal', () => {
  const prng = new Prng(20260101);
  const seen = new Map<string, string>();
  for (let i = 0; i < 20_000; i += 1) {
    const path = randomPath(prng);
    const topic = stateTopic(BASE, path);
    assert.equal(seen.get(topic) ?? path, path, `two paths with the topic ${topic}`);
    seen.set(topic, path);
    assert.ok(!/[+#\0]/.test(topic), topic);
    assert.ok(topic.split('/').length <= TOPIC_LEVELS_MAX, topic);
    if (topic.startsWith(`${BASE}/state/@sha256/`)) {
      assert.ok(path.split('/').length > TOPIC_LEVELS_MAX - 3, path);
      assert.equal(topicToPath(BASE, topic), undefined);
    } else {
      assert.equal(topicToPath(BASE, topic), path);
      assert.equal(topicToPath(BASE, eventTopic(BASE, path)), path);
    }
  }
});

test('a path too long or too deep becomes a hash; the limits themselves do not', () => {
  const fits = `/${'\u6f22'.repeat((TOPIC_BYTES_MAX - 'p/state/'.length) / 3)}`;
  assert.equal(Buffer.byteLength(stateTopic('p', fits)), TOPIC_BYTES_MAX - 1);
  assert.equal(topicToPath('p', stateTopic('p', fits)), fits);
  assert.match(stateTopic('p', `${fits}xx`), /^p\/state\/@sha256\/[0-9a-f]{64}$/);
  const deep = '/x'.repeat(TOPIC_LEVELS_MAX - 2);
  assert.equal(stateTopic('p', deep), `p/state${deep}`);
  const hashed = stateTopic('p', `${deep}/y`);
  assert.match(hashed, /^p\/state\/@sha256\/[0-9a-f]{64}$/);
  assert.notEqual(hashed, stateTopic('p', `${deep}/z`));
});

test('lone surrogates, which no MQTT string can hold, do not meet', () => {
  assert.notEqual(stateTopic('p', '/\ud800'), stateTopic('p', '/\ud801'));
  assert.match(stateTopic('p', '/\ud800'), /@sha256/);
});

test('a topic that no path has is not taken for one', () => {
  for (const topic of [
    'p/state/',
    'p/state/a%2b',
    'p/state/%zz',
    'p/state/a%2Fb',
    'p/state/%61',
    'p/state/@sha256/00',
    'p/stateful/a',
    'p/cursor',
    'q/state/a',
  ]) {
    assert.equal(topicToPath('p', topic), undefined, topic);
  }
});

test('a base that no topic can begin with is refused by name', () => {
  for (const base of ['', '/a', 'a/', 'a//b', 'a+', '#', '$SYS', 'a\0', 'x'.repeat(257)]) {
    assert.throws(() => checkBase(base), /picket\.mqtt\.topic/, base);
  }
  checkBase('picket');
  checkBase('site 1/cluster/picket');
});
