/**
 * Run before the interop tests: installs what they need with apt-get where it is absent, and says
 * what stays absent where it cannot. Never fails by itself; the tests that lack something skip, or
 * fail where PICKET_REQUIRE_INTEROP=1.
 */
import { spawnSync } from 'node:child_process';
import process from 'node:process';
import { SOFTWARE } from './software.ts';

function say(line: string): void {
  process.stdout.write(`interop: ${line}\n`);
}

function aptGet(...args: string[]): boolean {
  say(`apt-get ${args.join(' ')}`);
  const { status } = spawnSync('apt-get', args, {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
  return status === 0;
}

function whyNoInstalling(): string | undefined {
  if (spawnSync('apt-get', ['--version']).status !== 0) return 'there is no apt-get here';
  if (process.getuid?.() !== 0) return 'only root may install packages';
  return undefined;
}

function absent(): (typeof SOFTWARE)[keyof typeof SOFTWARE][] {
  return Object.values(SOFTWARE).filter((software) => !software.isPresent());
}

const missing = absent();
if (missing.length > 0) {
  const packages = [...new Set(missing.flatMap((software) => software.packages))];
  const obstacle = whyNoInstalling();
  if (obstacle !== undefined) say(`cannot install ${packages.join(' ')}: ${obstacle}`);
  else if (aptGet('update', '-qq')) {
    aptGet('install', '-y', '-qq', '--no-install-recommends', ...packages);
  }
}
for (const software of Object.values(SOFTWARE)) {
  const state = software.isPresent() ? 'present' : 'ABSENT, its tests will not run';
  say(`${software.what}: ${state}`);
}
