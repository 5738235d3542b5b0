/** Ensembles of every usual size, with and without observers, as real processes on loopback. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasCode } from '../../node/client/client-error.ts';
import { ErrorCode } from '../../node/core/request/error-code.ts';
import { assertEqualTrees, clientOf } from '../helpers/client-tree.ts';
import { PicketEnsemble } from '../helpers/picket.ts';
import { until } from '../helpers/processes.ts';

const WAIT_MS = 30_000;

function sidsOf(ensemble: PicketEnsemble): number[] {
  return ensemble.servers.map((server) => server.sid);
}

for (const [voters, observers] of [
  [1, 0],
  [3, 0],
  [5, 0],
  [7, 0],
  [3, 2],
] as const) {
  const name = observers === 0 ? `${voters} peers` : `${voters} peers and ${observers} observers`;
  test(`${name}: a write through each is read through every other`, async (context) => {
    const ensemble = await PicketEnsemble.start(voters + observers, { observers });
    context.after(() => ensemble.stop());
    const sids = sidsOf(ensemble);
    const modes = await Promise.all(sids.map((sid) => ensemble.mode(sid)));
    const count = (mode: string): number => modes.filter((it) => it === mode).length;
    if (voters === 1) assert.deepEqual(modes, ['standalone']);
    else {
      assert.equal(count('leader'), 1);
      assert.equal(count('follower'), voters - 1);
      assert.equal(count('observer'), observers);
    }
    const clients = await Promise.all(sids.map((sid) => clientOf(ensemble, [sid])));
    await Promise.all(clients.map((client, i) => client.create(`/from-${sids[i]}`, `by ${i}`)));
    for (const client of clients) {
      await client.sync('/');
      for (const [i, sid] of sids.entries()) {
        assert.equal(String((await client.getData(`/from-${sid}`)).data), `by ${i}`);
      }
    }
    await Promise.all(clients.map((client) => client.close()));
    await assertEqualTrees(ensemble);
  });
}

test('observers do not count: three processes of five with one voter serve nobody', async (context) => {
  const ensemble = await PicketEnsemble.start(5, { observers: 2, syncLimit: 4 });
  context.after(() => ensemble.stop());
  const leader = await ensemble.leader();
  const observers = [4, 5];
  const client = await clientOf(ensemble, observers);
  context.after(() => client.close());
  await client.create('/before', '');

  const followers = [1, 2, 3].filter((sid) => sid !== leader);
  await Promise.all(followers.map((sid) => ensemble.kill(sid)));
  // On its way to a leader that has lost its quorum: nobody may answer that it is done.
  const unanswered = client.create('/unanswered', '').then(
    () => 'acknowledged',
    (error: unknown) => (hasCode(error, ErrorCode.connectionLoss) ? 'lost' : String(error)),
  );
  await until('nobody to serve', WAIT_MS, async () => {
    const modes = await Promise.all(sidsOf(ensemble).map((sid) => ensemble.mode(sid)));
    return modes.every((mode) => mode === undefined);
  });
  assert.equal(await unanswered, 'lost');

  const [back = 0, gone = 0] = followers;
  await ensemble.restart(back);
  await ensemble.serving([...observers, leader ?? 0]);
  // The session has outlived the pause.
  await client.create('/after', '');
  await Promise.all(observers.map((sid) => ensemble.kill(sid)));
  const voter = await clientOf(ensemble, [back]);
  await voter.create('/without-observers', '');
  await voter.close();
  await Promise.all([...observers, gone].map((sid) => ensemble.restart(sid)));
  const tree = await assertEqualTrees(ensemble);
  assert.deepEqual(
    ['/before', '/after', '/without-observers'].filter((path) => !tree.has(path)),
    [],
  );
});
