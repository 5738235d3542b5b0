/**
 * `npm run test:versions`: the unit and scenario tests under each Node line we promise to run on.
 * The binaries come from npm, from the platform packages behind npm's `node` package: those carry
 * the binary itself and need no install script, which npm may hold back. They are kept in
 * node_modules/.cache, so only the first run downloads. Exit code 1 when a line fails or is absent.
 */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import process from 'node:process';

const LINES = ['20', '22', '24'] as const;
const SUITES = ['unit', 'scenario'] as const;

const REPO_DIR = path.resolve(import.meta.dirname, '../../..');
const { PATH = '' } = process.env;
const CACHE_DIR = path.join(REPO_DIR, 'node_modules/.cache/picket-node-versions');

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Where npm puts the binary of a line. */
function binaryOf(line: string): string {
  const folder = path.join(CACHE_DIR, 'node_modules', `node${line}`, 'bin');
  return path.join(folder, process.platform === 'win32' ? 'node.exe' : 'node');
}

/** Installs the lines that are not there yet, each under a name of its own. */
function install(): void {
  const absent = LINES.filter((line) => !fs.existsSync(binaryOf(line)));
  if (absent.length === 0) return;
  const system = process.platform === 'win32' ? 'win' : process.platform;
  const wanted = absent.map((line) => `node${line}@npm:node-${system}-${process.arch}@${line}`);
  say(`versions: npm install ${wanted.join(' ')}`);
  fs.mkdirSync(CACHE_DIR, { recursive: true });
  const manifest = path.join(CACHE_DIR, 'package.json');
  if (!fs.existsSync(manifest)) fs.writeFileSync(manifest, '{ "private": true }\n');
  const options = ['--no-audit', '--no-fund', '--ignore-scripts', '--prefix', CACHE_DIR];
  spawnSync('npm', ['install', ...options, ...wanted], { stdio: 'inherit' });
}

function testFiles(): string[] {
  return SUITES.flatMap((suite) => {
    const folder = path.join(REPO_DIR, 'dist/test', suite);
    if (!fs.existsSync(folder)) return [];
    return fs
      .readdirSync(folder)
      .filter((name) => name.endsWith('.test.js'))
      .map((name) => path.join(folder, name));
  });
}

/** Runs the tests under one line; says how it went. */
function passes(line: string, files: readonly string[]): boolean {
  const binary = binaryOf(line);
  const version = spawnSync(binary, ['--version'], { encoding: 'utf8' }).stdout?.trim();
  if (version === undefined || version === '') {
    say(`versions: Node ${line}: ABSENT, npm could not install it`);
    return false;
  }
  const { status } = spawnSync(binary, ['--enable-source-maps', '--test', ...files], {
    stdio: 'inherit',
    cwd: REPO_DIR,
    // Tests that start processes start them under this Node too.
    env: { ...process.env, PATH: [path.dirname(binary), PATH].join(path.delimiter) },
  });
  say(`versions: Node ${version}: ${status === 0 ? 'passed' : 'FAILED'}`);
  return status === 0;
}

install();
const files = testFiles();
if (files.length === 0) {
  say('versions: there are no tests in dist: npm run build');
  process.exitCode = 1;
} else {
  const failed = LINES.filter((line) => !passes(line, files));
  if (failed.length > 0) process.exitCode = 1;
}
