/** The picket command from outside: what it prints where, and what it exits with. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../node/cli/main.js', import.meta.url));

function picket(...argv: string[]): { code: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...argv], {
    encoding: 'utf8',
    input: '',
    timeout: 30_000,
  });
  return { code: status, stdout, stderr };
}

test('--version is that of the package', () => {
  const { code, stdout } = picket('--version');
  assert.equal(code, 0);
  assert.match(stdout, /^\d+\.\d+\.\d+\n$/);
});

test('help names every subcommand', () => {
  const { code, stdout } = picket('--help');
  assert.equal(code, 0);
  for (const name of ['server', 'up', 'cli']) assert.match(stdout, new RegExp(`^  ${name} `, 'm'));
});

for (const [argv, message] of [
  [['nosuch'], /unknown command 'nosuch'/],
  [['server'], /missing required argument 'file'/],
  [['up', '--peers', '0'], /whole number from 1 to 9/],
  [['up', '--base-port', '70000'], /whole number from 1 to 65535/],
  [['cli', '-nosuch'], /unknown option -nosuch/],
  [['cli', '-server', 'a:b:c', 'ls', '/'], /write an IPv6 address as/],
] as const) {
  test(`picket ${argv.join(' ')} says what is wrong and exits with 2`, () => {
    const { code, stderr } = picket(...argv);
    assert.equal(code, 2);
    assert.match(stderr, message);
  });
}

test('the options of cli are its own, single dash and all', () => {
  const { code, stdout, stderr } = picket('cli', '-timeout', '50', '-server', '127.0.0.1:1', 'ls');
  assert.equal(code, 1);
  assert.equal(stdout, 'Connecting to 127.0.0.1:1\n');
  assert.match(stderr, /^ls \[-s\] \[-w\] \[-R\] path$/m);
});

test('without a server, a command says why and gives up after the timeout', () => {
  const { code, stderr } = picket('cli', '-server', '127.0.0.1:1', '-timeout', '100', 'ls', '/');
  assert.equal(code, 1);
  assert.match(stderr, /Cannot connect to 127\.0\.0\.1:1: .*ECONNREFUSED/);
  assert.match(stderr, /KeeperErrorCode = ConnectionLoss for \/$/m);
});
