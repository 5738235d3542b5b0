/** deploy/bin with a real peer: zkServer.sh and zkCli.sh as scripts written for ZooKeeper use them. */
import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { fourLetter } from '../helpers/four-letter.ts';
import { picketMissing, REPO_DIR } from '../helpers/picket.ts';
import { claimPorts, Program, until } from '../helpers/processes.ts';

const BIN = path.join(REPO_DIR, 'deploy/bin');
const ZK_SERVER = path.join(BIN, 'zkServer.sh');
const skip = picketMissing() ?? (spawnSync('bash', ['-c', 'true']).status !== 0 && 'no bash');

interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

let dir: string;
let port: number;
let config: string;

function runScript(
  script: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<Outcome> {
  return new Promise((resolve) => {
    const options = { env: { ...process.env, ...env }, timeout: 60_000 };
    execFile(script, args, options, (error, out, err) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
      resolve({ code, out, err });
    });
  });
}

function zkServer(...args: string[]): Promise<Outcome> {
  return runScript(ZK_SERVER, args);
}

function pidFile(): string {
  return path.join(dir, 'data', 'zookeeper_server.pid');
}

function notedPid(): number {
  return Number(fs.readFileSync(pidFile(), 'utf8'));
}

/** A process that has ended may stand in the table until its new parent waits for it. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  const stat = `/proc/${pid}/stat`;
  return !fs.existsSync(stat) || !/\) Z /.test(fs.readFileSync(stat, 'utf8'));
}

function writeConfig(...more: string[]): void {
  const lines = [
    'tickTime=500',
    `dataDir=${path.join(dir, 'data')}`,
    `clientPort=${port}`,
    'clientPortAddress=127.0.0.1',
    '4lw.commands.whitelist=*',
    ...more,
  ];
  fs.writeFileSync(config, `${lines.join('\n')}\n`);
}

describe('zkServer.sh', { skip, timeout: 120_000 }, () => {
  before(async () => {
    [port = 0] = await claimPorts(1);
    dir = fs.mkdtempSync(path.join(os.tmpdir(), 'picket-zkserver-'));
    config = path.join(dir, 'zoo.cfg');
    writeConfig();
  });
  afterEach(async () => {
    await zkServer('stop', config);
    writeConfig();
  });
  after(() => {
    if (fs.existsSync(pidFile()) && isAlive(notedPid())) {
      process.kill(notedPid(), 'SIGKILL');
    }
    fs.rmSync(dir, { recursive: true, force: true });
  });

  it("starts, shows, restarts and stops a peer in ZooKeeper's words", async () => {
    const using = `Using config: ${config}\n`;
    const found = `Client port found: ${port}. Client address: 127.0.0.1. Client SSL: false.\n`;
    const notRunning = 'Error contacting service. It is probably not running.\n';
    assert.deepEqual(await zkServer('status', config), {
      code: 1,
      out: found + notRunning,
      err: using,
    });
    const start = await zkServer('start', config);
    assert.deepEqual(start, { code: 0, out: 'Starting zookeeper ... STARTED\n', err: using });
    const first = notedPid();
    await until('it to serve', 10_000, async () => (await fourLetter(port, 'isro')) === 'rw');
    assert.deepEqual(await zkServer('status', config), {
      code: 0,
      out: `${found}Mode: standalone\n`,
      err: using,
    });
    assert.deepEqual(await zkServer('start', config), {
      code: 1,
      out: `Starting zookeeper ... already running as process ${first}.\n`,
      err: using,
    });
    const restart = await zkServer('restart', config);
    const both = 'Stopping zookeeper ... STOPPED\nStarting zookeeper ... STARTED\n';
    assert.deepEqual(restart, { code: 0, out: both, err: using });
    const second = notedPid();
    assert.ok(second !== first && isAlive(second) && !isAlive(first));
    assert.deepEqual(await zkServer('stop', config), {
      code: 0,
      out: 'Stopping zookeeper ... STOPPED\n',
      err: using,
    });
    assert.ok(!isAlive(second) && !fs.existsSync(pidFile()));
    assert.deepEqual(await zkServer('stop', config), {
      code: 0,
      out: `Stopping zookeeper ... no zookeeper to stop (could not find file ${pidFile()})\n`,
      err: using,
    });
  });

  it('says what is wrong with a configuration', async () => {
    writeConfig('tickTime=fast');
    const { code, out, err } = await zkServer('start', config);
    assert.deepEqual([code, out], [1, 'Starting zookeeper ... FAILED TO START\n']);
    assert.match(err, /zoo\.cfg:6: tickTime=fast: must be/);
    assert.ok(!fs.existsSync(pidFile()));
    const missing = await zkServer('start', path.join(dir, 'none.cfg'));
    assert.equal(missing.code, 1);
    assert.match(missing.err, /none\.cfg cannot be read/);
  });

  it('shows the end of the log of a peer that did not come up', async () => {
    const other = path.join(dir, 'other');
    const taken = new Program(ZK_SERVER, ['start-foreground', config]);
    await taken.waitFor(/picket is up/);
    fs.mkdirSync(other);
    const second = path.join(other, 'zoo.cfg');
    const text = fs.readFileSync(config, 'utf8').replace(/^dataDir=.*$/m, `dataDir=${other}`);
    fs.writeFileSync(second, text);
    const { code, out, err } = await zkServer('start', second);
    assert.deepEqual([code, out], [1, 'Starting zookeeper ... FAILED TO START\n']);
    assert.match(err, /the client port \d+ on 127\.0\.0\.1 is taken/);
    await taken.stop('SIGTERM');
  });

  it('replaces itself by the peer in the foreground', async () => {
    const peer = new Program(ZK_SERVER, ['start-foreground', config]);
    await peer.waitFor(/picket is up/);
    process.kill(peer.pid, 'SIGTERM');
    assert.deepEqual(await peer.ended, { code: 0, signal: null });
  });

  it('does not end a process that has got the number of its peer', async () => {
    fs.mkdirSync(path.dirname(pidFile()), { recursive: true });
    fs.writeFileSync(pidFile(), String(process.pid));
    const { code, out } = await zkServer('stop', config);
    const gone = `no zookeeper to stop (process ${process.pid} is gone)`;
    assert.deepEqual([code, out], [0, `Stopping zookeeper ... ${gone}\n`]);
    assert.ok(!fs.existsSync(pidFile()));
  });

  it("finds the client port in the server's own line", async () => {
    fs.mkdirSync(path.join(dir, 'data'), { recursive: true });
    fs.writeFileSync(path.join(dir, 'data', 'myid'), '7\n');
    const own = 'server.7=127.0.0.1:1:2:participant;[::1]:2999';
    fs.writeFileSync(config, `dataDir=${path.join(dir, 'data')}\n${own}\n`);
    const { out } = await zkServer('status', config);
    assert.match(out, /^Client port found: 2999\. Client address: ::1\. Client SSL: false\.$/m);
    fs.writeFileSync(config, `dataDir=${path.join(dir, 'data')}\nserver.7=127.0.0.1:1:2\n`);
    const none = await zkServer('status', config);
    assert.equal(none.code, 1);
    assert.match(none.out, /Unable to find either secure or unsecure client port/);
    fs.rmSync(path.join(dir, 'data', 'myid'));
  });

  it('takes a name in the configuration folder', async () => {
    const { err, out } = await zkServer('--config', dir, 'print-cmd');
    assert.match(err, new RegExp(`^Using config: ${config}$`, 'm'));
    assert.match(out, new RegExp(`^"node" ".*main\\.js" server "${config}" > ".*\\.out" 2>&1`));
    const named = await runScript(ZK_SERVER, ['print-cmd', 'zoo.cfg'], { ZOOCFGDIR: dir });
    assert.match(named.err, new RegExp(`^Using config: ${config}$`, 'm'));
  });

  it('explains its use', async () => {
    const { code, err } = await zkServer('begin');
    assert.equal(code, 2);
    assert.match(err, /^Usage: .* \{start\|start-foreground\|stop\|version\|restart\|status\|pr/);
  });
});

describe('the scripts', { skip, timeout: 60_000 }, () => {
  before(async () => {
    [port = 0] = await claimPorts(1);
    dir = fs.mkdtempSync(path.join(os.tmpdir(), 'picket-scripts-'));
    config = path.join(dir, 'zoo.cfg');
    writeConfig();
  });
  after(() => fs.rmSync(dir, { recursive: true, force: true }));

  it('run through links to an installed package', async () => {
    const modules = path.join(dir, 'node_modules');
    fs.mkdirSync(path.join(modules, '.bin'), { recursive: true });
    fs.symlinkSync(REPO_DIR, path.join(modules, 'picket'));
    const link = path.join(modules, '.bin', 'zkServer.sh');
    fs.symlinkSync('../picket/deploy/bin/zkServer.sh', link);
    const { code, out } = await runScript(link, ['version']);
    assert.deepEqual([code, /^Picket, version 3\.\d+\.\d+-picket-\d/.test(out)], [0, true], out);
  });

  it('use the picket in the PATH when they are copied', async () => {
    const copies = path.join(dir, 'bin');
    fs.cpSync(BIN, copies, { recursive: true });
    const script = path.join(copies, 'zkServer.sh');
    const PATH = `${copies}:/usr/bin:/bin`;
    const without = await runScript(script, ['version'], { PATH });
    assert.equal(without.code, 1);
    assert.match(without.err, /not built here, and there is no picket in the PATH/);
    const picket = path.join(copies, 'picket');
    fs.writeFileSync(picket, '#!/bin/sh\necho "called with $*"\n', { mode: 0o755 });
    const { out } = await runScript(script, ['version'], { PATH });
    assert.equal(out, 'Picket, version 3.9.5-picket-called with --version\n');
    const cli = await runScript(path.join(copies, 'zkCli.sh'), ['-server', 'a:1', 'ls', '/'], {
      PATH,
    });
    assert.equal(cli.out, 'called with cli -server a:1 ls /\n');
  });

  it('state the release that the server states', async () => {
    const peer = new Program(ZK_SERVER, ['start-foreground', config]);
    await peer.waitFor(/picket is up/);
    const answer = await until('it to serve', 10_000, async () => {
      const text = await fourLetter(port, 'srvr');
      return text.includes('Mode:') ? text : undefined;
    });
    const { out } = await zkServer('version');
    const [, version = '?'] = /version (\S+)/.exec(out) ?? [];
    assert.ok(answer.startsWith(`Zookeeper version: ${version}, built on`), `${out}${answer}`);
    const script = path.join(BIN, 'zkCli.sh');
    const cli = await runScript(script, ['-server', `127.0.0.1:${port}`, 'ls', '/']);
    assert.deepEqual([cli.code, cli.out.trimEnd().split('\n').at(-1)], [0, '[zookeeper]']);
    await peer.stop('SIGTERM');
  });

  it('are clean to shellcheck', (t) => {
    if (spawnSync('shellcheck', ['--version']).status !== 0) return t.skip('no shellcheck');
    const files = fs.readdirSync(BIN).map((name) => path.join(BIN, name));
    const { stdout } = spawnSync('shellcheck', ['-x', ...files], { cwd: REPO_DIR });
    assert.equal(stdout.toString(), '');
  });
});
