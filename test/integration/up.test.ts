/** `picket up`, with its real peers on loopback. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { after, describe, test } from 'node:test';
import { makePlan, type UpPlan } from '../../node/cli/up/plan.ts';
import { checkPorts } from '../../node/cli/up/ports.ts';
import { runUp } from '../../node/cli/up-command.ts';
import { serverReport } from '../helpers/four-letter.ts';
import { Listener } from '../helpers/mqtt.ts';
import { REPO_DIR } from '../helpers/picket.ts';
import { claimPorts, Program, until } from '../helpers/processes.ts';

const MAIN = path.join(REPO_DIR, 'dist/node/cli/main.js');
const WAIT_MS = 30_000;
const root = fs.mkdtempSync(path.join(os.tmpdir(), 'picket-up-'));
let directories = 0;

after(() => fs.rmSync(root, { recursive: true, force: true }));

/** A plan whose ports are all free at this moment. */
async function freePlan(peers: number): Promise<UpPlan & { basePort: number }> {
  directories += 1;
  const dir = path.join(root, String(directories));
  for (;;) {
    const [basePort = 0] = await claimPorts(1);
    const plan = makePlan({ peers, dir, basePort });
    const isFree = await checkPorts(plan).then(
      () => true,
      () => false,
    );
    if (isFree) return { ...plan, basePort };
  }
}

function up(plan: UpPlan & { basePort: number }): Program {
  const { peers, dir, basePort } = plan;
  const count = ['--peers', String(peers.length)];
  const place = ['--dir', dir, '--base-port', String(basePort)];
  return new Program(process.execPath, ['--enable-source-maps', MAIN, 'up', ...count, ...place]);
}

async function cli(plan: UpPlan, ...words: string[]): Promise<string> {
  const args = ['--enable-source-maps', MAIN, 'cli', '-server', plan.connectString, ...words];
  return await new Program(process.execPath, args).succeeded();
}

/** Runs it in this process where it must refuse to start; what it printed. */
async function refused(
  options: { peers: number; dir: string; basePort: number },
  command?: readonly string[],
): Promise<{ code: number; text: string }> {
  const printed: string[] = [];
  const print = (text: string) => printed.push(text);
  const code = await runUp(
    options,
    command === undefined ? { print } : { print, command: () => command },
  );
  return { code, text: printed.join('\n') };
}

describe('picket up', () => {
  test('three peers: banner, events, a killed leader, back by hand, Ctrl-C, data stays', async (context) => {
    const plan = await freePlan(3);
    const first = up(plan);
    context.after(() => first.stop());
    const [, , pidText = ''] = await first.waitFor(/peer (\d) {2}leads .* pid (\d+)/, WAIT_MS);
    await first.waitFor(/Ctrl-C/);
    assert.ok(first.output.includes(`Clients connect to  ${plan.connectString}`));
    assert.ok(first.output.includes(`mosquitto_sub -v -h 127.0.0.1 -p ${plan.mqttPort} -t '#'`));

    const ears = await Listener.start(plan.mqttUrl);
    context.after(() => ears.stop());
    await cli(plan, 'create', '/osgi', 'hello');
    await ears.until('the event', () => ears.events().some((e) => e.path === '/osgi'));

    process.kill(Number(pidText), 'SIGKILL');
    const died = await first.waitFor(
      /peer (\d) \(pid (\d+)\) was killed by SIGKILL; peers (\d), (\d) go on/,
    );
    assert.equal(died[2], pidText);
    const dead = plan.peers.find(({ sid }) => String(sid) === died[1]);
    assert.ok(dead !== undefined);
    await first.waitFor(/restart it with: .* server .*zoo\.cfg/);
    await first.waitFor(/peer \d leads now/, WAIT_MS);
    await cli(plan, 'set', '/osgi', 'again');
    await ears.until('the event', () => ears.events().some((e) => e.data === 'again'));

    const byHand = new Program(process.execPath, [MAIN, 'server', dead.configFile]);
    context.after(() => byHand.stop());
    await first.waitFor(new RegExp(`peer ${dead.sid} is back`), WAIT_MS);
    assert.deepEqual(await first.stop('SIGINT'), { code: 0, signal: null });
    assert.match(
      first.output,
      new RegExp(`peer ${dead.sid} was started by hand and is left running`),
    );
    for (const peer of plan.peers) {
      if (peer !== dead) assert.equal(await serverReport(peer.clientPort), undefined);
    }
    assert.deepEqual(await byHand.stop('SIGTERM'), { code: 0, signal: null });

    const second = up(plan);
    context.after(() => second.stop());
    await second.waitFor(/Ctrl-C/, WAIT_MS);
    assert.match(await cli(plan, 'get', '/osgi'), /again/);
    assert.deepEqual(await second.stop('SIGTERM'), { code: 0, signal: null });
    assert.ok(!fs.existsSync(path.join(plan.dir, 'up.json')));
  });

  test('one peer alone', async (context) => {
    const plan = await freePlan(1);
    const running = up(plan);
    context.after(() => running.stop());
    await running.waitFor(/peer 1 {2}leads/, WAIT_MS);
    await running.waitFor(/Ctrl-C/);
    const ears = await Listener.start(plan.mqttUrl);
    context.after(() => ears.stop());
    await cli(plan, 'create', '/a', 'x');
    await ears.until('the event', () => ears.events().some((e) => e.path === '/a'));
    assert.deepEqual(await running.stop('SIGINT'), { code: 0, signal: null });
  });

  test('peers left behind by a killed `picket up` are found', async (context) => {
    const plan = await freePlan(1);
    const running = up(plan);
    const [, pidText = ''] = await running.waitFor(/pid (\d+)/, WAIT_MS);
    context.after(() => {
      process.kill(Number(pidText), 'SIGKILL');
    });
    await running.waitFor(/Ctrl-C/);
    await running.stop('SIGKILL');
    const again = await refused({
      peers: 1,
      dir: plan.dir,
      basePort: (await freePlan(1)).basePort,
    });
    assert.equal(again.code, 2);
    assert.match(again.text, new RegExp(`peer 1 \\(pid ${pidText}\\) .*kill ${pidText}`));
  });

  test('taken ports are named, and nothing is started', async (context) => {
    const plan = await freePlan(3);
    const server = net.createServer();
    context.after(() => server.close());
    const port = plan.peers[1]?.electionPort;
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    const { code, text } = await refused({ peers: 3, dir: plan.dir, basePort: plan.basePort });
    assert.equal(code, 2);
    assert.match(text, new RegExp(`port ${port} \\(election port of peer 2\\) is in use`));
    assert.match(text, /--base-port/);
    assert.ok(!fs.existsSync(plan.dir));
  });

  test('another number of peers over old data is refused', async () => {
    const plan = await freePlan(3);
    for (const { dataDir, sid } of plan.peers) {
      fs.mkdirSync(dataDir, { recursive: true });
      fs.writeFileSync(path.join(dataDir, 'myid'), String(sid));
    }
    const { code, text } = await refused({ peers: 5, dir: plan.dir, basePort: plan.basePort });
    assert.equal(code, 2);
    assert.match(text, /holds the data of 3 peers, not of 5.*--peers 3/);
  });

  test('a peer that ends at once: its log is shown, the others are stopped', async () => {
    const plan = await freePlan(2);
    const failing = [process.execPath, '-e', 'console.error("no such card"); process.exit(22)'];
    const { code, text } = await refused(
      { peers: 2, dir: plan.dir, basePort: plan.basePort },
      failing,
    );
    assert.equal(code, 1);
    assert.match(text, /2 peers survive no more failures than 1/);
    assert.match(text, /peer \d ended with exit code 22 \(another process uses/);
    assert.match(text, /no such card/);
  });

  test('stopped while starting, a peer that does not stop: the second Ctrl-C kills', async () => {
    const plan = await freePlan(1);
    const deaf = 'process.on("SIGTERM", () => {}); console.log("deaf"); setInterval(() => {}, 1e6)';
    const printed: string[] = [];
    const stop = new AbortController();
    const kill = new AbortController();
    const ended = runUp(
      { peers: 1, dir: plan.dir, basePort: plan.basePort },
      {
        command: () => [process.execPath, '-e', deaf],
        print: (text) => printed.push(text),
        stop: stop.signal,
        kill: kill.signal,
      },
    );
    const [peer] = plan.peers;
    assert.ok(peer !== undefined);
    const isDeaf = () => fs.existsSync(peer.logFile) && fs.readFileSync(peer.logFile).length > 0;
    await until('the peer to be deaf', WAIT_MS, isDeaf);
    stop.abort();
    await until('the first attempt', WAIT_MS, () => printed.some((line) => /Stopping/.test(line)));
    kill.abort();
    assert.equal(await ended, 0);
    assert.ok(printed.includes('peer 1 does not stop: SIGKILL'));
  });
});
