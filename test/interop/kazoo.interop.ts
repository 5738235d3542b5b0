/**
 * kazoo (Python) on a three-peer ensemble. The programs that only ask questions share one ensemble;
 * those during which a server is killed come last and leave it whole again.
 */
import assert from 'node:assert/strict';
import { awaitLeader, type Ensemble } from '../helpers/ensemble.ts';
import { interopTest, kazoo, startThree, withEnsemble } from './harness.ts';

const LOOKING_ON: readonly [program: string, args: readonly string[]][] = [
  ['kazoo_nodes.py', ['/nodes']],
  ['kazoo_transaction.py', ['/transaction']],
  ['kazoo_acl.py', ['/acl']],
  ['kazoo_watch.py', ['/watch']],
  ['kazoo_counter.py', ['/counter']],
  ['kazoo_election.py', ['/election']],
  ['kazoo_server.py', []],
];

interopTest('kazoo: znodes, transactions, ACLs, watches and recipes', ['kazoo'], () =>
  withEnsemble(startThree(), async (ensemble) => {
    const hosts = ensemble.connectString;
    for (const [program, args] of LOOKING_ON) await kazoo(program, hosts, ...args).succeeded();
    await kazoo('kazoo_lock.py', 'together', hosts, '/lock').succeeded();
    await killedLockHolder(ensemble);
    await killedServer(ensemble);
    await killedWhileWriting(ensemble, await awaitLeader(ensemble));
    const leader = await awaitLeader(ensemble);
    const follower = ensemble.servers.find((server) => server.sid !== leader);
    await killedWhileWriting(ensemble, follower?.sid ?? 0);
  }),
);

/** The session of a killed process expires, and only then has the next one the lock. */
async function killedLockHolder(ensemble: Ensemble): Promise<void> {
  const hosts = ensemble.connectString;
  const holder = kazoo('kazoo_lock.py', 'contend', hosts, '/killed-lock', 'holder');
  await holder.waitFor(/^ACQUIRED$/m);
  const next = kazoo('kazoo_lock.py', 'contend', hosts, '/killed-lock', 'next');
  await next.waitFor(/^WAITING$/m);
  await holder.stop('SIGKILL');
  assert.doesNotMatch(next.output, /ACQUIRED/, 'two holders at once');
  await next.waitFor(/^ACQUIRED$/m);
  next.write('release\n');
  await next.succeeded();
}

async function killedServer(ensemble: Ensemble): Promise<void> {
  const program = kazoo('kazoo_reconnect.py', ensemble.connectString, '/reconnect');
  const [, port] = await program.waitFor(/^CONNECTED (\d+)$/m);
  const server = ensemble.servers.find(({ clientPort }) => clientPort === Number(port));
  assert.ok(server !== undefined, `a server with client port ${port}`);
  await ensemble.kill(server.sid, 'SIGKILL');
  program.write('killed\n');
  await program.waitFor(/^RECONNECTED (\d+)$/m, 40_000);
  await ensemble.restart(server.sid);
  program.write('restarted\n');
  await program.succeeded();
}

async function killedWhileWriting(ensemble: Ensemble, sid: number): Promise<void> {
  const program = kazoo('kazoo_survival.py', ensemble.connectString, `/survival-${sid}`);
  await program.waitFor(/^WRITING$/m);
  await ensemble.kill(sid, 'SIGKILL');
  await program.waitFor(/^WRITTEN$/m, 60_000);
  await ensemble.restart(sid);
  program.write('restarted\n');
  await program.succeeded();
}
