/** Every way in which `picket server` refuses to start or ends, with exit code and message. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { ExitCode } from '../../node/runtime/exit-codes.ts';
import { claimPorts, Program } from '../helpers/processes.ts';
import {
  endOf,
  MAIN,
  mountMissing,
  mountTmpfs,
  type ServerEnd,
  ServerHome,
  unmount,
} from '../helpers/server-home.ts';

let home: ServerHome;
let clientPort: number;

beforeEach(async () => {
  home = new ServerHome();
  [clientPort = 0] = await claimPorts(1);
});

afterEach(() => home.remove());

/** Lines of an ensemble of three, of which this peer is the first. */
async function members(own: { quorumPort?: number; electionPort?: number } = {}) {
  const ports = await claimPorts(6);
  const [quorumPort = 0, electionPort = 0, ...others] = ports;
  fs.mkdirSync(home.dataDir, { recursive: true });
  fs.writeFileSync(path.join(home.dataDir, 'myid'), '1\n');
  return [
    'initLimit=10',
    'syncLimit=5',
    `server.1=127.0.0.1:${own.quorumPort ?? quorumPort}:${own.electionPort ?? electionPort}`,
    `server.2=127.0.0.1:${others[0]}:${others[1]}`,
    `server.3=127.0.0.1:${others[2]}:${others[3]}`,
  ];
}

function assertEnd(end: ServerEnd, code: ExitCode, ...says: readonly RegExp[]): void {
  assert.equal(end.code, code, end.output);
  for (const pattern of says) assert.match(end.output, pattern);
  assert.doesNotMatch(end.output, /\n +at |\\n +at /, 'no stack: it is the operator who must act');
}

async function withTaken(port: number, body: () => Promise<void>): Promise<void> {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  try {
    await body();
  } finally {
    server.close();
  }
}

test('SIGTERM and SIGINT end a peer with 0, whatever it is doing', async () => {
  home.configure(clientPort);
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    const program = await home.serve();
    assert.deepEqual(await program.stop(signal), { code: 0, signal: null });
    assert.match(program.output, /"stopped"/);
  }
  assert.ok(!fs.existsSync(path.join(home.dataDir, 'picket.lock')));
  // Two of three are not there: it looks for a leader until it is stopped.
  home.configure(clientPort, await members());
  const lonely = home.start();
  await lonely.waitFor(/looking for a leader/);
  await lonely.waitFor(/picket is up/);
  assert.deepEqual(await lonely.stop('SIGTERM'), { code: 0, signal: null });
});

test('a configuration that is missing or wrong names file, line and remedy', async () => {
  const missing = path.join(home.dir, 'none.cfg');
  assertEnd(await home.end(missing), ExitCode.invalidInvocation, /none\.cfg.*cannot be read/);
  home.configure('abc', ['tickTime=-1']);
  const end = await home.end();
  assertEnd(end, ExitCode.invalidInvocation, /zoo\.cfg:3: clientPort.*abc/, /zoo\.cfg:5: tickTime/);
  home.configure(clientPort);
  const env = { PICKET_LOG_LEVEL: 'loud' };
  assertEnd(await home.end(home.configFile, env), ExitCode.invalidInvocation, /PICKET_LOG_LEVEL/);
});

test('wrong arguments', async () => {
  for (const args of [
    ['server'],
    ['server', 'a', 'b'],
    ['serve'],
    ['server', '--port', '1', 'a'],
  ]) {
    const end = await endOf(new Program(process.execPath, [MAIN, ...args]));
    assertEnd(end, ExitCode.invalidInvocation, /error: /);
  }
});

test('a client port that is taken, alone and in an ensemble', async () => {
  await withTaken(clientPort, async () => {
    const says = new RegExp(`the client port ${clientPort} on 127\\.0\\.0\\.1 is taken`);
    home.configure(clientPort);
    assertEnd(await home.end(), ExitCode.clientPort, says, /clientPort/);
    home.configure(clientPort, await members());
    assertEnd(await home.end(), ExitCode.clientPort, says);
  });
  assert.ok(!fs.existsSync(path.join(home.dataDir, 'picket.lock')), 'the lock is released');
});

test('a quorum port or an election port that is taken', async () => {
  const [taken = 0] = await claimPorts(1);
  await withTaken(taken, async () => {
    home.configure(clientPort, await members({ quorumPort: taken }));
    const quorum = new RegExp(`the quorum port ${taken} .* is taken.*server\\.1`);
    assertEnd(await home.end(), ExitCode.quorumPort, quorum);
    home.configure(clientPort, await members({ electionPort: taken }));
    const election = new RegExp(`the election port ${taken} .* is taken.*server\\.1`);
    assertEnd(await home.end(), ExitCode.electionPort, election);
  });
});

test('an address that is not of this board', async () => {
  // 192.0.2.0/24 is kept for documentation: nobody has it.
  const [, , , ...others] = await members();
  const own = 'server.1=192.0.2.1:2888:3888';
  home.configure(clientPort, ['initLimit=10', 'syncLimit=5', own, ...others]);
  assertEnd(await home.end(), ExitCode.electionPort, /not one of this board/);
});

test('a broker that is not there keeps no peer from ending', async () => {
  const [broker = 0] = await claimPorts(1);
  home.configure(clientPort, [`picket.mqtt.url=mqtt://127.0.0.1:${broker}`]);
  await withTaken(clientPort, async () => {
    assertEnd(await home.end(), ExitCode.clientPort, /is taken/);
  });
});

test('a dataDir below a file, that is a file, or whose folders are files', async () => {
  const file = path.join(home.dir, 'file');
  fs.writeFileSync(file, '');
  for (const dataDir of [path.join(file, 'below'), file]) {
    home.configure(clientPort, [], dataDir);
    assertEnd(await home.end(), ExitCode.dataDir, /cannot write .*file/, /no directory/);
  }
  for (const name of ['journal', 'snapshots']) {
    const dataDir = path.join(home.dir, name);
    fs.mkdirSync(dataDir);
    fs.writeFileSync(path.join(dataDir, name), '');
    home.configure(clientPort, [], dataDir);
    assertEnd(await home.end(), ExitCode.dataDir, new RegExp(`cannot write .*${name}`));
  }
});

test('a dataDir on a medium that is mounted read-only', { skip: mountMissing() }, async () => {
  mountTmpfs(home.dataDir, 'size=1m,ro');
  try {
    home.configure(clientPort);
    assertEnd(await home.end(), ExitCode.dataDir, /cannot write/, /EROFS.*read-only/);
  } finally {
    unmount(home.dataDir);
  }
});

test('a dataDir that another process uses; that process goes on', async () => {
  home.configure(clientPort);
  const first = await home.serve();
  assertEnd(await home.end(), ExitCode.dataDirInUse, new RegExp(`process ${first.pid} is using`));
  assert.deepEqual(await first.stop('SIGTERM'), { code: 0, signal: null });
  // A peer that was killed left its lock; nobody has to remove it.
  const killed = await home.serve();
  await killed.stop('SIGKILL');
  const again = await home.serve();
  assert.deepEqual(await again.stop('SIGTERM'), { code: 0, signal: null });
});

test('a dataDir of another peer', async () => {
  home.configure(clientPort, await members());
  const program = home.start();
  await program.waitFor(/picket is up/);
  await program.stop('SIGTERM');
  fs.writeFileSync(path.join(home.dataDir, 'myid'), '2\n');
  assertEnd(
    await home.end(),
    ExitCode.dataDir,
    /belongs to server 1, and this is server 2/,
    /myid/,
  );
});

test('a dataDir of Apache ZooKeeper', async () => {
  home.configure(clientPort);
  const version2 = path.join(home.dataDir, 'version-2');
  fs.mkdirSync(version2, { recursive: true });
  fs.writeFileSync(path.join(version2, 'log.100000001'), 'ZKLG');
  assertEnd(await home.end(), ExitCode.dataDir, /Apache ZooKeeper/, /empty directory/);
  assert.deepEqual(fs.readdirSync(home.dataDir), ['version-2'], 'nothing is added to it');
});
