/**
 * What was acknowledged is there after SIGKILL: of every peer at once, with writes in flight, and
 * of one leader after the other.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasCode } from '../../node/client/client-error.ts';
import { ErrorCode } from '../../node/core/request/error-code.ts';
import { assertEqualTrees, clientOf } from '../helpers/client-tree.ts';
import { logsOf } from '../helpers/ensemble.ts';
import { PicketEnsemble } from '../helpers/picket.ts';
import { until, within } from '../helpers/processes.ts';
import { LOAD, Writer } from '../helpers/writer.ts';

const WRITERS = 4;
const WAIT_MS = 60_000;

async function startWriters(ensemble: PicketEnsemble, round: number): Promise<Writer[]> {
  const writers = Array.from(
    { length: WRITERS },
    (_, i) => new Writer(`${round}-${i}`, ensemble.connectString),
  );
  await Promise.all(writers.map((writer) => writer.start()));
  return writers;
}

/** Lets the writers write until they have `count` acknowledgements, and one more each in flight. */
async function cutOff(writers: readonly Writer[], count: number, cut: () => Promise<void>) {
  let isCut = false;
  const runs = writers.map((writer) =>
    writer
      .run(() => !isCut)
      .catch((error: unknown) => {
        // The client gives up what is in flight when it is closed below.
        if (!hasCode(error, ErrorCode.sessionExpired)) throw error;
      }),
  );
  const sum = (): number => writers.reduce((all, writer) => all + writer.acknowledged, 0);
  await until(`${count} acknowledgements`, WAIT_MS, () => sum() >= count);
  isCut = true;
  await cut();
  await Promise.all(writers.map((writer) => writer.client.close()));
  await within(WAIT_MS, 'the writers to end', Promise.all(runs));
}

for (const [peers, rounds] of [
  [1, 2],
  [3, 2],
  [5, 1],
] as const) {
  test(`${peers} peers, all killed at once, ${rounds} times: nothing acknowledged is lost`, async (context) => {
    const ensemble = await PicketEnsemble.start(peers);
    context.after(() => ensemble.stop());
    const sids = ensemble.servers.map((server) => server.sid);
    const first = await clientOf(ensemble, sids);
    await first.create(LOAD, '');
    await first.close();
    const all: Writer[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const writers = await startWriters(ensemble, round);
      all.push(...writers);
      await cutOff(writers, 200, async () => {
        await Promise.all(sids.map((sid) => ensemble.kill(sid)));
      });
      for (const sid of sids) await ensemble.restart(sid, false);
      await ensemble.serving();
      const tree = await assertEqualTrees(ensemble);
      for (const writer of all) writer.assertAcknowledgedIn(tree);
    }
    for (const sid of sids) {
      assert.doesNotMatch(ensemble.log(sid, 10_000), /"level":"error"/, logsOf(ensemble));
    }
  });
}

test('the peer that acknowledged is killed in the same moment, again and again', async (context) => {
  const ensemble = await PicketEnsemble.start(3);
  context.after(() => ensemble.stop());
  const first = await clientOf(ensemble, [1, 2, 3]);
  context.after(() => first.close());
  await first.create(LOAD, '');
  for (let round = 0; round < 4; round += 1) {
    const leader = await until('a leader', WAIT_MS, () => ensemble.leader());
    const client = await clientOf(ensemble, [leader]);
    await client.create(`${LOAD}/${round}`, 'acknowledged');
    await ensemble.kill(leader);
    await client.close();
    // The others alone must know of it.
    const rest = [1, 2, 3].filter((sid) => sid !== leader);
    await until('another leader', WAIT_MS, () => ensemble.leader());
    const reader = await clientOf(ensemble, rest);
    await reader.sync('/');
    assert.equal(String((await reader.getData(`${LOAD}/${round}`)).data), 'acknowledged');
    await reader.close();
    await ensemble.restart(leader);
  }
  const tree = await assertEqualTrees(ensemble);
  assert.equal([...tree.keys()].filter((path) => path.startsWith(`${LOAD}/`)).length, 4);
});

test('a leader whose followers stand still acknowledges nothing alone', async (context) => {
  const ensemble = await PicketEnsemble.start(3, { syncLimit: 4 });
  context.after(() => ensemble.stop());
  const leader = await until('a leader', WAIT_MS, () => ensemble.leader());
  const client = await clientOf(ensemble, [leader]);
  await client.create(LOAD, '');
  const [first = 0, second = 0] = [1, 2, 3].filter((sid) => sid !== leader);
  await ensemble.kill(first, 'SIGSTOP');
  await client.create(`${LOAD}/two-of-three`, '');
  await ensemble.kill(second, 'SIGSTOP');
  // The proposals reach the kernels of both, and no further.
  const outcomes = await Promise.all(
    Array.from({ length: 10 }, (_, i) =>
      client.create(`${LOAD}/alone-${i}`, '').then(
        () => 'acknowledged',
        (error: unknown) => (hasCode(error, ErrorCode.connectionLoss) ? 'lost' : String(error)),
      ),
    ),
  );
  assert.deepEqual(new Set(outcomes), new Set(['lost']));
  await Promise.all([first, second].map((sid) => ensemble.kill(sid, 'SIGCONT')));
  await ensemble.serving();
  await client.create(`${LOAD}/after`, '');
  await client.close();
  const tree = await assertEqualTrees(ensemble);
  assert.ok(tree.has(`${LOAD}/two-of-three`) && tree.has(`${LOAD}/after`));
});

test('a leader that stood still while the others went on follows when it wakes', async (context) => {
  const ensemble = await PicketEnsemble.start(3, { syncLimit: 4 });
  context.after(() => ensemble.stop());
  const leader = await until('a leader', WAIT_MS, () => ensemble.leader());
  const others = [1, 2, 3].filter((sid) => sid !== leader);
  const stale = await clientOf(ensemble, [leader]);
  const client = await clientOf(ensemble, others);
  await client.create(LOAD, '');
  await ensemble.kill(leader, 'SIGSTOP');
  // In its sockets when it wakes: it must not answer them from what it was.
  const unanswered = [0, 1, 2].map((i) =>
    stale.create(`${LOAD}/stale-${i}`, '').then(
      () => 'acknowledged',
      (error: unknown) => (hasCode(error, ErrorCode.connectionLoss) ? 'lost' : String(error)),
    ),
  );
  await until('the others to go on', WAIT_MS, () =>
    client.create(`${LOAD}/on`, '').then(
      () => true,
      (error: unknown) => hasCode(error, ErrorCode.nodeExists),
    ),
  );
  for (let i = 0; i < 50; i += 1) await client.create(`${LOAD}/on/${i}`, '');
  await ensemble.kill(leader, 'SIGCONT');
  assert.deepEqual(new Set(await Promise.all(unanswered)), new Set(['lost']));
  await until('it to follow', WAIT_MS, async () => (await ensemble.mode(leader)) === 'follower');
  await stale.create(`${LOAD}/after`, '');
  await Promise.all([stale.close(), client.close()]);
  const tree = await assertEqualTrees(ensemble);
  assert.ok(tree.has(`${LOAD}/on/49`) && tree.has(`${LOAD}/after`));
  assert.deepEqual(
    [...tree.keys()].filter((path) => path.includes('stale')),
    [],
  );
});
