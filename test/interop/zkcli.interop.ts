/**
 * Apache's zkCli.sh on a three-peer ensemble: one scripted session printed line by line as on
 * Apache's own servers, commands through every member, and watches set by one session and fired by
 * another.
 */
import assert from 'node:assert/strict';
import { ApacheEnsemble } from '../helpers/apache.ts';
import { awaitLeader, type Ensemble, hostPort } from '../helpers/ensemble.ts';
import { fourLetter } from '../helpers/four-letter.ts';
import { Program } from '../helpers/processes.ts';
import { interopTest, startThree, withEnsemble } from './harness.ts';
import { ZKCLI } from './software.ts';
import { ZkCliSession } from './zkcli-session.ts';

/** What the user types; errors included, because their wording comes from the error codes. */
const SCRIPT = [
  'ls /',
  'ls -R /zookeeper',
  'get -s /zookeeper/quota',
  'config',
  'create /a one',
  'create /a again',
  'create /none/x data',
  'create /bad/ data',
  'create /zookeeper/x data',
  'get /a',
  'get -s /a',
  'stat /a',
  'stat /none',
  'set /a two',
  'set -s /a three',
  'set -v 0 /a four',
  'set -s -v 2 /a four',
  'create /empty',
  'get -s /empty',
  'create -s /a/s- x',
  'create -s /a/s- y',
  'create -e /a/e mine',
  'create -e -s /a/es- mine',
  'create /a/e/child no',
  'create -c /container',
  'create /container/child',
  'create -t 60000 /ttl x',
  'get -s /a/e',
  'ls /a',
  'ls -s /a',
  'ls -R /a',
  'getEphemerals',
  'getEphemerals /a',
  'getAllChildrenNumber /a',
  'getAllChildrenNumber /',
  'get -w /a',
  'set /a watched',
  'ls -w /a',
  'create /a/new',
  'stat -w /a/new',
  'delete /a/new',
  'addWatch -m PERSISTENT_RECURSIVE /a',
  'create /a/r',
  'create /a/r/s',
  'set /a/r/s x',
  'delete /a/r/s',
  'delete /a/r',
  'removewatches /a',
  'create /a/unwatched',
  'getAcl /a',
  'getAcl -s /a',
  'whoami',
  'addauth digest user:secret',
  'whoami',
  'create /private x auth::cdrwa',
  'getAcl /private',
  'setAcl -s /a world:anyone:cdrw',
  'setAcl /a world:anyone:cdrwa',
  'setAcl /a nosuch:x:r',
  'create /readonly x world:anyone:r',
  'set /readonly y',
  'setAcl /readonly world:anyone:r',
  'create /readonly/x y',
  'getAcl -s /readonly',
  'setquota -n 3 /a/unwatched',
  'listquota /a/unwatched',
  'create /a/unwatched/1',
  'listquota /a/unwatched',
  'delquota /a/unwatched',
  'delete /a',
  'delete -v 7 /empty',
  'delete /empty',
  'delete /empty',
  'deleteall /a',
  'ls -R /',
  'reconfig -remove 3',
  'sync /',
  'sync /none',
];

interface Transcript {
  readonly lines: string[];
  readonly events: string[];
}

async function transcript(ensemble: Ensemble): Promise<Transcript> {
  const session = await ZkCliSession.open(hostPort(ensemble.server(1)));
  const lines: string[] = [];
  for (const command of SCRIPT)
    lines.push(`] ${command}`, ...(await session.run(command)).split('\n'));
  await session.quit();
  return { lines, events: session.events };
}

interopTest('zkCli: a session prints what it prints on Apache', ['zookeeper'], async () => {
  let expected: Transcript = { lines: [], events: [] };
  // TTL znodes are on in Picket unless switched off, and off in ZooKeeper unless switched on.
  const ttl = { config: ['extendedTypesEnabled=true'] };
  await withEnsemble(ApacheEnsemble.start(3, ttl), async (apache) => {
    expected = await transcript(apache);
  });
  assert.ok(
    expected.lines.some((line) => line.startsWith('Created /a')) && expected.events.length > 8,
    `the session on Apache did its work:\n${expected.lines.join('\n')}`,
  );
  await withEnsemble(startThree(), async (ensemble) => {
    const actual = await transcript(ensemble);
    assert.deepEqual(actual.lines, expected.lines);
    assert.deepEqual(actual.events, expected.events);
  });
});

/** One command as a program of its own, with the status it ends with. */
async function once(ensemble: Ensemble, sid: number, ...command: string[]): Promise<string> {
  const program = new Program(ZKCLI, ['-server', hostPort(ensemble.server(sid)), ...command]);
  return await program.succeeded(30_000);
}

interopTest('zkCli: every member, watches and a killed server', ['zookeeper'], () =>
  withEnsemble(startThree(), async (ensemble) => {
    await once(ensemble, 1, 'create', '/one', 'first');
    const leader = await awaitLeader(ensemble);
    const others = ensemble.servers.map(({ sid }) => sid).filter((sid) => sid !== leader);
    const [near = 0, far = 0] = others;
    const hosts = [near, far, leader].map((sid) => hostPort(ensemble.server(sid))).join(',');
    const watching = await ZkCliSession.open(hosts);
    await watching.run('sync /');
    assert.equal(await watching.run('get -w /one'), 'first');
    assert.equal(await watching.run('ls -w /one'), '[]');
    assert.equal(await watching.run('create -e /one/mine x'), 'Created /one/mine');
    await watching.event('NodeChildrenChanged /one');
    await once(ensemble, far, 'set', '/one', 'second');
    await watching.event('NodeDataChanged /one');
    assert.match(await once(ensemble, leader, 'get', '/one'), /^second$/m);

    assert.equal(await watching.run('get -w /one'), 'second');
    // The client shuffles its list: end whichever server it sits on.
    const home = await homeOf(ensemble, watching);
    await ensemble.kill(home, 'SIGKILL');
    await watching.event('Disconnected');
    await watching.event('SyncConnected');
    await awaitLeader(ensemble, home);
    const rest = ensemble.servers.map(({ sid }) => sid).filter((sid) => sid !== home);
    // The watch moved with the session (setWatches), and so did the ephemeral.
    await once(ensemble, rest[0] ?? 0, 'set', '/one', 'third');
    await watching.event('NodeDataChanged /one');
    assert.equal(await watching.run('get /one/mine'), 'x');
    await watching.quit();
    await ensemble.restart(home);
    assert.match(await once(ensemble, home, 'ls', '/one'), /^\[\]$/m);
  }),
);

/** The server that holds the connection of the session that owns /one/mine, by `cons`. */
async function homeOf(ensemble: Ensemble, session: ZkCliSession): Promise<number> {
  await session.run('stat /one/mine');
  for (const server of ensemble.servers) {
    const connections = await fourLetter(server.clientPort, 'cons');
    if (connections.includes(`sid=${session.ownerSeenLast},`)) return server.sid;
  }
  throw new Error('no server names the session of zkCli');
}
