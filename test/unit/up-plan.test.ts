import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { howItEnded } from '../../node/cli/up/messages.ts';
import { makePlan, portsOf, zooCfg } from '../../node/cli/up/plan.ts';
import { loadConfigFile } from '../../node/runtime/config/load-config.ts';

const ARGUMENTS = { peers: 3, dir: '.picket', basePort: 2181 };

test('the usual ports with the usual base port', () => {
  const plan = makePlan(ARGUMENTS);
  assert.equal(plan.connectString, '127.0.0.1:2181,127.0.0.1:2182,127.0.0.1:2183');
  assert.deepEqual(
    portsOf(plan).map(({ port }) => port),
    [1883, 2181, 2888, 3888, 2182, 2889, 3889, 2183, 2890, 3890],
  );
});

test('ports of two ensembles side by side do not meet', () => {
  const ports = [2181, 2191, 12_181].flatMap((basePort) =>
    portsOf(makePlan({ ...ARGUMENTS, peers: 7, basePort })).map(({ port }) => port),
  );
  assert.equal(new Set(ports).size, ports.length);
});

test('what cannot be run is refused by name', () => {
  for (const peers of [0, 8, 1.5]) {
    assert.throws(() => makePlan({ ...ARGUMENTS, peers }), /--peers .* try 3 or 5/);
  }
  for (const basePort of [80, 1321, 64_000, 2181.5]) {
    assert.throws(() => makePlan({ ...ARGUMENTS, basePort }), /--base-port .* try 2181/);
  }
});

test('the server reads the configuration without a warning, in any directory', (context) => {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'picket-'));
  context.after(() => fs.rmSync(root, { recursive: true, force: true }));
  const dir = path.join(root, 'a \u00e9\u6f22#=b');
  for (const peers of [1, 3, 5]) {
    const plan = makePlan({ ...ARGUMENTS, dir, peers });
    for (const peer of plan.peers) {
      fs.mkdirSync(peer.dataDir, { recursive: true });
      fs.writeFileSync(path.join(peer.dataDir, 'myid'), `${peer.sid}\n`);
      fs.writeFileSync(peer.configFile, zooCfg(plan, peer));
      const { config, warnings } = loadConfigFile(peer.configFile);
      // Said of any directory under /tmp, where this test has to work.
      const unexpected = warnings.filter((warning) => !/lost at a reboot/.test(warning));
      assert.deepEqual(unexpected, []);
      assert.deepEqual(
        [config.sid, config.dataDir, config.mode, config.servers.length, config.mqtt?.url],
        [
          peer.sid,
          peer.dataDir,
          peers === 1 ? 'standalone' : 'replicated',
          peers === 1 ? 0 : peers,
          'mqtt://127.0.0.1:1883',
        ],
      );
    }
  }
});

test('how a process ended, in words', () => {
  assert.equal(howItEnded({ code: null, signal: 'SIGKILL' }), 'was killed by SIGKILL');
  assert.match(howItEnded({ code: 22, signal: null }), /exit code 22 \(another process uses/);
  assert.equal(howItEnded({ code: 99, signal: null }), 'ended with exit code 99');
});
