/**
 * Many writes by eight clients while the leader is killed three times: every acknowledged one is
 * there on every peer, each once, and the trees have equal digests. PICKET_WRITES sets how many;
 * `npm run test:durability` runs it with 100,000.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertEqualTrees, clientOf, digestOf } from '../helpers/client-tree.ts';
import { awaitLeader, logsOf } from '../helpers/ensemble.ts';
import { PicketEnsemble } from '../helpers/picket.ts';
import { until } from '../helpers/processes.ts';
import { LOAD, Writer } from '../helpers/writer.ts';

const WRITES_DEFAULT = 8000;
const CLIENTS = 8;
const KILLS = 3;
const WAIT_MS = 300_000;

function writesWanted(): number {
  const { PICKET_WRITES: text = String(WRITES_DEFAULT) } = process.env;
  const wanted = Number(text);
  assert.ok(
    Number.isSafeInteger(wanted) && wanted >= 100,
    `PICKET_WRITES=${text}: a number >= 100`,
  );
  return wanted;
}

const writes = writesWanted();

test(`${writes} writes by ${CLIENTS} clients, the leader killed ${KILLS} times`, async (context) => {
  const ensemble = await PicketEnsemble.start(3);
  context.after(() => ensemble.stop());
  const first = await clientOf(ensemble, [1, 2, 3]);
  await first.create(LOAD, '');
  await first.close();
  const writers = Array.from(
    { length: CLIENTS },
    (_, i) => new Writer(String(i), ensemble.connectString),
  );
  await Promise.all(writers.map((writer) => writer.start()));

  const startMs = performance.now();
  const acknowledged = (): number => writers.reduce((sum, writer) => sum + writer.acknowledged, 0);
  const runs = Promise.all(writers.map((writer) => writer.run(() => acknowledged() < writes)));
  runs.catch(() => undefined);
  for (let kill = 1; kill <= KILLS; kill += 1) {
    const due = Math.floor((writes * kill) / (KILLS + 1));
    await Promise.race([until(`${due} writes`, WAIT_MS, () => acknowledged() >= due), runs]);
    const leader = await awaitLeader(ensemble);
    await ensemble.kill(leader);
    await awaitLeader(ensemble, leader);
    await ensemble.restart(leader);
  }
  await runs;
  const seconds = (performance.now() - startMs) / 1000;
  await Promise.all(writers.map((writer) => writer.client.close()));

  const tree = await assertEqualTrees(ensemble);
  for (const writer of writers) writer.assertIn(tree);
  assert.ok(acknowledged() >= writes, logsOf(ensemble));
  const found = writers.reduce((sum, writer) => sum + writer.found, 0);
  const gapMs = Math.max(...writers.map((writer) => writer.longestGapMs));
  context.diagnostic(
    `${acknowledged()} acknowledged in ${seconds.toFixed(1)} s ` +
      `(${Math.round(acknowledged() / seconds)}/s), ${found} found done after a lost answer, ` +
      `longest pause of a client ${Math.round(gapMs)} ms, ${tree.size} znodes, ` +
      `digest ${digestOf(tree).toString(16)} on every peer`,
  );
});
