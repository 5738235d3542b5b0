/** The MQTT bridge against a stock mosquitto, where it is installed. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { after, describe, test } from 'node:test';
import { FakeTree, startMosquitto } from '../helpers/mqtt.ts';
import {
  assertAscending,
  assertRetainedEquals,
  cleanUp,
  cleanups,
  cursorAt,
  listen,
  published,
  startBridge,
} from '../helpers/mqtt-bridge.ts';

describe('MQTT bridge with mosquitto', () => {
  after(cleanUp);

  test('create, change, delete, resume, orphans', async (context) => {
    await cleanUp();
    const broker = await startMosquitto();
    if (broker === undefined) return context.skip('mosquitto is not installed');
    cleanups.push(broker.stop);
    const tree = new FakeTree();
    const ears = await listen(broker.url);
    const one = startBridge(broker.url, tree, 1);
    const two = startBridge(broker.url, tree, 2);
    one.lead(1, tree.zxid);
    tree.create('/osgi', 'hello');
    tree.create('/\ufdd0\u0416 a', 'noncharacter');
    tree.create('/gone', '');
    for (let i = 0; i < 200; i += 1) tree.set('/osgi', `${i}`);
    tree.delete('/gone');
    await cursorAt(broker.url, tree.zxid);
    one.unlead();
    for (let i = 0; i < 100; i += 1) tree.set('/osgi', `again ${i}`);
    tree.epoch = 2;
    tree.counter = 0;
    two.lead(2, tree.zxid);
    tree.create('/last', 'x');
    await published(two, tree.zxid);
    await cursorAt(broker.url, tree.zxid);
    await ears.until('the last event', () => ears.zxids().at(-1) === tree.zxid);
    assertAscending(ears.zxids());
    assert.deepEqual(ears.zxids(), tree.log);
    await assertRetainedEquals(broker.url, tree);

    if (!fs.existsSync('/usr/bin/mosquitto_sub')) return;
    const shown = execFileSync('/usr/bin/mosquitto_sub', [
      ...['-v', '-h', '127.0.0.1', '-p', String(broker.port)],
      ...['-t', 'picket/state/last', '-C', '1', '-W', '10'],
    ]).toString();
    assert.match(shown, /^picket\/state\/last \{"path":"\/last",.*"data":"x"\}\n$/);
  });
});
