/**
 * Picket peers as real processes on loopback: `picket server zoo.cfg` for each, in a directory of
 * its own under one temporary directory. Same shape as ApacheEnsemble, so that a scenario validated
 * against the original runs here unchanged. `stop` ends what was started here and removes the
 * directory.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Ensemble, EnsembleServer } from './ensemble.ts';
import { serverReport } from './four-letter.ts';
import { claimPorts, endWithUs, until } from './processes.ts';

/** The root of the repository, seen from dist/test/helpers. */
export const REPO_DIR = path.resolve(import.meta.dirname, '../../..');

const MAIN = path.join(REPO_DIR, 'dist/node/cli/main.js');
const SERVING_TIMEOUT_MS = 30_000;

/** A `server.N` line's facts. */
export interface Member {
  readonly sid: number;
  readonly quorumPort: number;
  readonly electionPort: number;
  readonly observer?: boolean;
}

export interface PicketOptions {
  /** Sid of the first peer; the others follow. 1 unless given. */
  readonly firstSid?: number;
  /** How many of the peers, the last ones, are observers. */
  readonly observers?: number;
  /** Members run by someone else, each a `server.N` line in every configuration. */
  readonly foreign?: readonly Member[];
  /** Where given, the peers' own members (ports known beforehand to foreign ones). */
  readonly members?: readonly Member[];
  readonly tickTimeMs?: number;
  readonly initLimit?: number;
  readonly syncLimit?: number;
  /** Further lines of zoo.cfg. */
  readonly config?: readonly string[];
  /** Added to each peer's environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Arguments of node before the program, in place of `--enable-source-maps`. */
  readonly nodeFlags?: readonly string[];
  /** False: return at once, before the peers serve. */
  readonly wait?: boolean;
}

/** Why Picket cannot be run here, or undefined when it can. */
export function picketMissing(): string | undefined {
  return fs.existsSync(MAIN) ? undefined : `there is no ${MAIN}: npm run build`;
}

/** Quorum and election ports for `count` members from `firstSid` on. */
export async function claimMembers(
  count: number,
  firstSid = 1,
  observers = 0,
): Promise<readonly Member[]> {
  const ports = await claimPorts(2 * count);
  return Array.from({ length: count }, (_, i) => ({
    sid: firstSid + i,
    quorumPort: ports[2 * i] ?? 0,
    electionPort: ports[2 * i + 1] ?? 0,
    observer: i >= count - observers,
  }));
}

export class PicketEnsemble implements Ensemble {
  readonly servers: readonly EnsembleServer[];
  private readonly dir: string;
  private readonly options: PicketOptions;
  private readonly running = new Map<number, ChildProcess>();

  /** Starts `n` peers (one alone and no foreign member: standalone) and waits until each serves. */
  static async start(n: number, options: PicketOptions = {}): Promise<PicketEnsemble> {
    const members =
      options.members ?? (await claimMembers(n, options.firstSid ?? 1, options.observers ?? 0));
    const clientPorts = await claimPorts(n);
    const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'picket-ensemble-'));
    const servers = members.map((member, i) => ({
      ...member,
      observer: member.observer === true,
      clientPort: clientPorts[i] ?? 0,
      dir: path.join(dir, String(member.sid)),
    }));
    const ensemble = new PicketEnsemble(dir, servers, options);
    try {
      for (const server of servers) ensemble.launch(server);
      if (options.wait ?? true) await ensemble.serving();
    } catch (error) {
      await ensemble.stop();
      throw error;
    }
    return ensemble;
  }

  private constructor(dir: string, servers: readonly EnsembleServer[], options: PicketOptions) {
    this.dir = dir;
    this.servers = servers;
    this.options = options;
    for (const server of servers) this.writeFiles(server);
  }

  get clientPorts(): number[] {
    return this.servers.map((server) => server.clientPort);
  }

  get connectString(): string {
    return this.clientPorts.map((port) => `127.0.0.1:${port}`).join(',');
  }

  server(sid: number): EnsembleServer {
    const server = this.servers.find((candidate) => candidate.sid === sid);
    if (server === undefined) throw new Error(`there is no peer ${sid}`);
    return server;
  }

  pid(sid: number): number | undefined {
    return this.running.get(sid)?.pid;
  }

  async kill(sid: number, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.running.get(sid);
    if (child === undefined) return;
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.kill(signal);
    if (signal !== 'SIGSTOP' && signal !== 'SIGCONT') await ended;
  }

  async restart(sid: number, wait = true): Promise<void> {
    if (this.running.has(sid)) throw new Error(`peer ${sid} runs already`);
    this.launch(this.server(sid));
    if (wait) await this.serving([sid]);
  }

  async mode(sid: number): Promise<string | undefined> {
    return (await serverReport(this.server(sid).clientPort))?.mode;
  }

  async leader(): Promise<number | undefined> {
    for (const { sid } of this.servers) {
      const mode = await this.mode(sid);
      if (mode === 'leader' || mode === 'standalone') return sid;
    }
    return undefined;
  }

  async serving(sids = this.servers.map((server) => server.sid)): Promise<void> {
    for (const sid of sids) {
      try {
        await until(`peer ${sid} to serve`, SERVING_TIMEOUT_MS, async () => {
          if (!this.running.has(sid)) throw new Error(`peer ${sid} has ended`);
          return await this.mode(sid);
        });
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        throw new Error(`${message}; it wrote:\n${this.log(sid)}`);
      }
    }
  }

  log(sid: number, lines = 40): string {
    const file = path.join(this.server(sid).dir, 'peer.log');
    if (!fs.existsSync(file)) return '';
    return fs.readFileSync(file, 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
  }

  async stop(): Promise<void> {
    await Promise.all([...this.running.keys()].map((sid) => this.kill(sid, 'SIGKILL')));
    fs.rmSync(this.dir, { recursive: true, force: true });
  }

  private writeFiles(server: EnsembleServer): void {
    const data = path.join(server.dir, 'data');
    fs.mkdirSync(data, { recursive: true });
    fs.writeFileSync(path.join(data, 'myid'), `${server.sid}\n`);
    fs.writeFileSync(path.join(server.dir, 'zoo.cfg'), this.zooCfg(server));
  }

  private zooCfg(server: EnsembleServer): string {
    const members: Member[] = [...this.servers, ...(this.options.foreign ?? [])];
    members.sort((a, b) => a.sid - b.sid);
    const lines = [
      `tickTime=${this.options.tickTimeMs ?? 500}`,
      `initLimit=${this.options.initLimit ?? 20}`,
      `syncLimit=${this.options.syncLimit ?? 10}`,
      `dataDir=${path.join(server.dir, 'data')}`,
      `clientPort=${server.clientPort}`,
      'clientPortAddress=127.0.0.1',
      'maxClientCnxns=0',
      'admin.enableServer=false',
      '4lw.commands.whitelist=*',
      ...(server.observer ? ['peerType=observer'] : []),
      ...(this.options.config ?? []),
    ];
    if (members.length > 1) {
      for (const { sid, quorumPort, electionPort, observer } of members) {
        const role = observer === true ? ':observer' : '';
        lines.push(`server.${sid}=127.0.0.1:${quorumPort}:${electionPort}${role}`);
      }
    }
    return `${lines.join('\n')}\n`;
  }

  private launch(server: EnsembleServer): void {
    const log = fs.openSync(path.join(server.dir, 'peer.log'), 'a');
    const flags = this.options.nodeFlags ?? ['--enable-source-maps'];
    const child = spawn(
      process.execPath,
      [...flags, MAIN, 'server', path.join(server.dir, 'zoo.cfg')],
      {
        stdio: ['ignore', log, log],
        env: { ...process.env, PICKET_LOG_LEVEL: 'info', ...this.options.env },
      },
    );
    fs.closeSync(log);
    endWithUs(child);
    this.running.set(server.sid, child);
    child.once('exit', () => {
      if (this.running.get(server.sid) === child) this.running.delete(server.sid);
    });
  }
}
