/**
 * The two configurations that the course prints for ZooKeeper: three lines for a server alone, and
 * the same three with a line for each of three servers. They start as they are; only what one
 * machine cannot have three times (ports, hosts, directories) differs here.
 */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { ZooKeeperClient } from '../../node/client/zookeeper-client.ts';
import { serverReport } from '../helpers/four-letter.ts';
import { claimPorts, Program, until } from '../helpers/processes.ts';
import { MAIN } from '../helpers/server-home.ts';

const WAIT_MS = 30_000;

let root: string;
const running: Program[] = [];

beforeEach(() => {
  root = fs.mkdtempSync(path.join(os.tmpdir(), 'picket-course-'));
});

afterEach(async () => {
  await Promise.all(running.splice(0).map((program) => program.stop()));
  fs.rmSync(root, { recursive: true, force: true });
});

function start(name: string, text: string): Program {
  const file = path.join(root, name);
  fs.writeFileSync(file, text);
  const program = new Program(process.execPath, ['--enable-source-maps', MAIN, 'server', file]);
  running.push(program);
  return program;
}

async function clientAt(connectString: string): Promise<ZooKeeperClient> {
  const client = new ZooKeeperClient({ connectString, sessionTimeoutMs: 1000 });
  await client.connect();
  // The bounds of a session timeout are 2 and 20 ticks of 2000 ms.
  assert.equal(client.sessionTimeoutMs, 4000);
  return client;
}

test('the file for a server alone', async () => {
  const [clientPort = 0] = await claimPorts(1);
  const dataDir = path.join(root, 'zookeeper');
  const program = start('zoo.cfg', `tickTime=2000\ndataDir=${dataDir}\nclientPort=${clientPort}\n`);
  await program.waitFor(/picket is up/);
  const client = await clientAt(`127.0.0.1:${clientPort}`);
  await client.create('/zk_test', 'my_data');
  assert.equal(String((await client.getData('/zk_test')).data), 'my_data');
  await client.close();
  assert.equal((await serverReport(clientPort))?.mode, 'standalone');
  assert.deepEqual(await program.stop('SIGTERM'), { code: 0, signal: null });
});

test('the file for three servers, the same on each, without initLimit and syncLimit', async () => {
  const [quorumPort = 0, electionPort = 0, ...clientPorts] = await claimPorts(5);
  // Three hosts of one machine: as on three boards, the ports in the server lines are the same.
  const servers = [1, 2, 3]
    .map((sid) => `server.${sid}=127.0.0.${sid}:${quorumPort}:${electionPort}\n`)
    .join('');
  const programs = [1, 2, 3].map((sid) => {
    const dataDir = path.join(root, String(sid));
    fs.mkdirSync(dataDir);
    // The first has no myid: its line is the one with an address of this machine.
    if (sid !== 1) fs.writeFileSync(path.join(dataDir, 'myid'), `${sid}\n`);
    const lines = `tickTime=2000\ndataDir=${dataDir}\nclientPort=${clientPorts[sid - 1]}\n`;
    return start(`zoo${sid}.cfg`, lines + servers);
  });
  for (const program of programs) await program.waitFor(/picket is up/);
  assert.match(
    programs[0]?.output ?? '',
    /myid is missing; server\.1 \(127\.0\.0\.1\) is this board/,
  );
  assert.match(programs[1]?.output ?? '', /initLimit: is not set; 10 ticks are assumed/);
  assert.match(programs[2]?.output ?? '', /syncLimit: is not set; 5 ticks are assumed/);
  const modes = await until('all to serve', WAIT_MS, async () => {
    const reports = await Promise.all(clientPorts.map(serverReport));
    const all = reports.map((report) => report?.mode);
    return all.includes(undefined) ? undefined : all;
  });
  assert.deepEqual(modes.toSorted(), ['follower', 'follower', 'leader']);

  const list = clientPorts.map((port) => `127.0.0.1:${port}`);
  const writer = await clientAt(list.join(','));
  await writer.create('/zk_test', 'my_data');
  await writer.close();
  for (const server of list) {
    const reader = await clientAt(server);
    await reader.sync('/');
    assert.equal(String((await reader.getData('/zk_test')).data), 'my_data');
    await reader.close();
  }
  for (const program of programs) {
    assert.deepEqual(await program.stop('SIGTERM'), { code: 0, signal: null });
  }
});
