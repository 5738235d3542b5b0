/**
 * A directory for one `picket server` process that a test starts, sees end, and damages in between:
 * its zoo.cfg, its data, its exit code. And a small file system of its own, where this machine lets
 * tests mount one.
 */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { REPO_DIR } from './picket.ts';
import { Program, within } from './processes.ts';

export const MAIN = path.join(REPO_DIR, 'dist/node/cli/main.js');
const END_TIMEOUT_MS = 20_000;

export interface ServerEnd {
  readonly code: number | null;
  readonly output: string;
}

export class ServerHome {
  readonly dir: string;

  constructor() {
    this.dir = fs.mkdtempSync(path.join(os.tmpdir(), 'picket-server-'));
  }

  get dataDir(): string {
    return path.join(this.dir, 'data');
  }

  get configFile(): string {
    return path.join(this.dir, 'zoo.cfg');
  }

  /** Files of a folder of the data directory, with their paths, sorted. */
  files(folder: 'journal' | 'snapshots'): string[] {
    const directory = path.join(this.dataDir, folder);
    return fs
      .readdirSync(directory)
      .sort()
      .map((name) => path.join(directory, name));
  }

  /** Three lines and `more`; without quorum members, a peer alone. */
  configure(clientPort: number | string, more: readonly string[] = [], dataDir = this.dataDir) {
    const lines = ['tickTime=500', `dataDir=${dataDir}`, `clientPort=${clientPort}`];
    lines.push('clientPortAddress=127.0.0.1', ...more);
    fs.writeFileSync(this.configFile, `${lines.join('\n')}\n`);
  }

  start(file = this.configFile, env: Readonly<Record<string, string>> = {}): Program {
    return new Program(process.execPath, ['--enable-source-maps', MAIN, 'server', file], { env });
  }

  /** Starts and waits until the client port is served. */
  async serve(): Promise<Program> {
    const program = this.start();
    await program.waitFor(/picket is up/);
    return program;
  }

  /** Starts what is not to last, and sees it end. */
  async end(
    file = this.configFile,
    env: Readonly<Record<string, string>> = {},
  ): Promise<ServerEnd> {
    return await endOf(this.start(file, env));
  }

  remove(): void {
    fs.rmSync(this.dir, { recursive: true, force: true });
  }
}

/** Waits for a process to end by itself. */
export async function endOf(program: Program): Promise<ServerEnd> {
  try {
    const { code } = await within(END_TIMEOUT_MS, `${program.name} to end`, program.ended, () => {
      return program.output;
    });
    return { code, output: program.output };
  } finally {
    await program.stop();
  }
}

/** Inverts one byte of a file. */
export function flipByte(file: string, offset: number): void {
  const bytes = fs.readFileSync(file);
  bytes[offset] = (bytes[offset] ?? 0) ^ 0xff;
  fs.writeFileSync(file, bytes);
}

/** A file system in memory on `directory`; `options` are those of mount, like `size=1m`. */
export function mountTmpfs(directory: string, options: string): void {
  fs.mkdirSync(directory, { recursive: true });
  execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', directory], { stdio: 'pipe' });
}

export function remount(directory: string, options: string): void {
  execFileSync('mount', ['-o', `remount,${options}`, directory], { stdio: 'pipe' });
}

export function unmount(directory: string): void {
  execFileSync('umount', ['-l', directory], { stdio: 'pipe' });
}

/** Why tests that need a file system of their own cannot run here; false when they can. */
export function mountMissing(): string | false {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'picket-mount-'));
  try {
    mountTmpfs(directory, 'size=64k');
    unmount(directory);
    return false;
  } catch {
    return 'this user may not mount a file system: run as root to test a full and a read-only disk';
  } finally {
    fs.rmSync(directory, { recursive: true, force: true });
  }
}
