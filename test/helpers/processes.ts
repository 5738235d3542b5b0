/**
 * Child processes for tests: what they print is kept, a test waits for a line or an end with a
 * limit and never sleeps, and whatever still runs when the test process ends is ended with it, by
 * process id. Ports come from below the kernel's ephemeral range, so that no client's own socket
 * can sit on the port of a server that is down for a moment.
 */
import { type ChildProcess, type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';

const POLL_MS = 25;
const PORT_FIRST = 12_000;
const PORT_LAST = 31_999;
const CLAIMS_DIR = path.join(os.tmpdir(), 'picket-test-ports');

export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface ProcessOptions {
  readonly cwd?: string;
  /** Added to this process's environment. */
  readonly env?: Readonly<Record<string, string>>;
}

const started = new Set<ChildProcess>();
/** Files of the ports this process holds. */
const claims = new Set<string>();

/** Ends every program still running that was started here, as after a failed test. */
export function endAll(): void {
  for (const child of started) signalGroup(child, 'SIGKILL');
}

/** A script's own children share its process group; one that leads none is signalled alone. */
function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    child.kill(signal);
  }
}

process.on('exit', () => {
  endAll();
  for (const file of claims) fs.rmSync(file, { force: true });
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    endAll();
    process.exit(1);
  });
}

/** Ends `child` with this process, should it still run then. */
export function endWithUs(child: ChildProcess): void {
  started.add(child);
  child.once('exit', () => started.delete(child));
}

/** One running program, its output and its input. */
export class Program {
  readonly name: string;
  /** Resolves when the program has ended and all it printed has been read. */
  readonly ended: Promise<ProcessEnd>;
  private readonly child: ChildProcessWithoutNullStreams;
  private text = '';
  /** Output before this offset has been matched by waitFor already. */
  private consumed = 0;
  private end: ProcessEnd | undefined;
  private readonly watchers = new Set<() => void>();

  constructor(command: string, args: readonly string[], options: ProcessOptions = {}) {
    this.name = [path.basename(command), ...args].join(' ').slice(0, 200);
    this.child = spawn(command, args, {
      stdio: 'pipe',
      detached: true,
      env: { ...process.env, ...options.env },
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    });
    endWithUs(this.child);
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream.setEncoding('utf8').on('data', (chunk: string) => {
        this.text += chunk;
        this.wake();
      });
    }
    this.child.stdin.on('error', () => undefined);
    this.ended = new Promise((resolve, reject) => {
      this.child.once('error', reject);
      this.child.once('close', (code, signal) => {
        this.end = { code, signal };
        resolve(this.end);
        this.wake();
      });
    });
    this.ended.catch(() => undefined);
  }

  get pid(): number {
    return this.child.pid ?? -1;
  }

  /** Everything printed so far, standard output and error as they came. */
  get output(): string {
    return this.text;
  }

  write(text: string): void {
    this.child.stdin.write(text);
  }

  closeInput(): void {
    this.child.stdin.end();
  }

  /**
   * Resolves with the first match in what was printed since the last match; rejects with all output
   * when the program ends without printing it, or after `timeoutMs`.
   */
  waitFor(pattern: RegExp, timeoutMs = 20_000): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      const finish = (outcome: RegExpExecArray | string): void => {
        clearTimeout(timer);
        this.watchers.delete(look);
        if (typeof outcome !== 'string') resolve(outcome);
        else reject(new Error(`${this.name}: ${outcome} ${pattern}; it printed:\n${this.text}`));
      };
      const look = (): void => {
        const match = pattern.exec(this.text.slice(this.consumed));
        if (match !== null) {
          this.consumed += match.index + match[0].length;
          finish(match);
        } else if (this.end !== undefined) {
          finish(`ended (${this.end.code ?? this.end.signal}) without printing`);
        }
      };
      const timer = setTimeout(() => finish(`did not print within ${timeoutMs} ms`), timeoutMs);
      this.watchers.add(look);
      look();
    });
  }

  /** Waits for exit code 0; rejects with all output on any other end or after `timeoutMs`. */
  async succeeded(timeoutMs = 60_000): Promise<string> {
    const end = await within(timeoutMs, `the end of ${this.name}`, this.ended, () => this.text);
    if (end.code !== 0) {
      throw new Error(`${this.name} ended with ${end.code ?? end.signal}:\n${this.text}`);
    }
    return this.text;
  }

  /** Sends a signal to the program and its children, and waits for the end. */
  async stop(signal: NodeJS.Signals = 'SIGKILL'): Promise<ProcessEnd> {
    signalGroup(this.child, signal);
    return await this.ended;
  }

  private wake(): void {
    for (const look of [...this.watchers]) look();
  }
}

/** Runs a program to its end; its output when that was exit code 0. */
export function run(
  command: string,
  args: readonly string[],
  options: ProcessOptions & { readonly timeoutMs?: number } = {},
): Promise<string> {
  return new Program(command, args, options).succeeded(options.timeoutMs);
}

/** The promise's value, or a rejection naming `what` after `timeoutMs`. */
export async function within<T>(
  timeoutMs: number,
  what: string,
  promise: Promise<T>,
  facts: () => string = () => '',
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`waited ${timeoutMs} ms for ${what}\n${facts()}`)),
      timeoutMs,
    );
  });
  try {
    return await Promise.race([promise, limit]);
  } finally {
    clearTimeout(timer);
  }
}

/** Asks again and again until `condition` yields something other than undefined or false. */
export async function until<T>(
  what: string,
  timeoutMs: number,
  condition: () => Promise<T | undefined | false> | T | undefined | false,
): Promise<T> {
  const deadlineMs = Date.now() + timeoutMs;
  for (;;) {
    const value = await condition();
    if (value !== undefined && value !== false) return value;
    if (Date.now() > deadlineMs) throw new Error(`waited ${timeoutMs} ms for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/**
 * Ports nobody listens on and no other running test was given. A claim is a file named for the port
 * holding our process id; claims of processes that have ended are taken over.
 */
export async function claimPorts(count: number): Promise<number[]> {
  fs.mkdirSync(CLAIMS_DIR, { recursive: true });
  const range = PORT_LAST - PORT_FIRST + 1;
  let candidate = (process.pid * 37) % range;
  const ports: number[] = [];
  for (let tried = 0; ports.length < count; tried += 1, candidate += 1) {
    if (tried > range) throw new Error(`no ${count} free ports in ${PORT_FIRST}-${PORT_LAST}`);
    const port = PORT_FIRST + (candidate % range);
    if (claim(port) && (await isFree(port))) ports.push(port);
  }
  return ports;
}

function claim(port: number): boolean {
  const file = path.join(CLAIMS_DIR, String(port));
  try {
    fs.writeFileSync(file, String(process.pid), { flag: 'wx' });
    claims.add(file);
    return true;
  } catch {
    const owner = Number(fs.readFileSync(file, 'utf8'));
    if (owner === process.pid || isRunning(owner)) return false;
    fs.writeFileSync(file, String(process.pid));
    claims.add(file);
    return true;
  }
}

function isRunning(pid: number): boolean {
  // An empty claim is being written at this moment by someone else.
  if (pid === 0) return true;
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = net.createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
