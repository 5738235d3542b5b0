/**
 * Real Apache ZooKeeper servers (Debian's `zookeeper` package) on loopback, for the interop tests:
 * the oracle that our client, our peers and our command line are compared with. Every server has
 * its own directory under one temporary directory; `stop` ends all of them and removes it. Servers
 * are named by their sid, 1..n. A test asks `apacheMissing()` first and skips with its text.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { fourLetter } from './four-letter.ts';

const JARS = [
  ...['zookeeper', 'zookeeper-jute', 'slf4j-api', 'slf4j-log4j12', 'log4j-1.2', 'commons-cli'],
  ...['commons-io', 'netty-handler', 'netty-transport', 'netty-transport-native-epoll'],
  ...['netty-transport-native-unix-common', 'netty-common', 'netty-buffer', 'netty-codec'],
  ...['netty-resolver', 'metrics-core', 'snappy-java', 'jackson-core', 'jackson-databind'],
  'jackson-annotations',
].map((jar) => `/usr/share/java/${jar}.jar`);

const POLL_MS = 50;
const SERVING_TIMEOUT_MS = 60_000;

/** A member of the same ensemble that this helper does not run (a Picket peer, for example). */
export interface ForeignMember {
  readonly sid: number;
  readonly quorumPort: number;
  readonly electionPort: number;
  readonly observer?: boolean;
}

export interface ApacheOptions {
  /** How many of the n servers, the last ones, are observers. */
  readonly observers?: number;
  /** Other members, each a `server.N` line in every configuration. */
  readonly foreign?: readonly ForeignMember[];
  readonly tickTimeMs?: number;
  readonly initLimit?: number;
  readonly syncLimit?: number;
  /** Further lines of zoo.cfg. */
  readonly config?: readonly string[];
  readonly jvmFlags?: readonly string[];
  /** False: return at once, before the servers serve (they may need foreign members). */
  readonly wait?: boolean;
}

export interface ApacheServer {
  readonly sid: number;
  readonly observer: boolean;
  readonly clientPort: number;
  readonly quorumPort: number;
  readonly electionPort: number;
  /** Holds zoo.cfg, data/ and server.log. */
  readonly dir: string;
}

/** Why Apache ZooKeeper cannot be run here, or undefined when it can. */
export function apacheMissing(): string | undefined {
  const jar = JARS.find((file) => !fs.existsSync(file));
  if (jar !== undefined) {
    return `Apache ZooKeeper is not installed (no ${jar}): apt-get install zookeeper`;
  }
  const { PATH = '' } = process.env;
  if (!PATH.split(path.delimiter).some((dir) => fs.existsSync(path.join(dir, 'java')))) {
    return 'there is no java in the PATH: apt-get install default-jre-headless';
  }
  return undefined;
}

/** The class path of Debian's ZooKeeper, for tests that run a Java client themselves. */
export function apacheClassPath(): string {
  return JARS.join(path.delimiter);
}

export class ApacheEnsemble {
  readonly servers: readonly ApacheServer[];
  private readonly dir: string;
  private readonly options: ApacheOptions;
  private readonly running = new Map<number, ChildProcess>();
  private readonly endAll = (): void => {
    for (const child of this.running.values()) child.kill('SIGKILL');
  };

  /** Starts servers 1..n (one alone is a standalone server) and waits until each serves. */
  static async start(n: number, options: ApacheOptions = {}): Promise<ApacheEnsemble> {
    const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'picket-apache-'));
    const ports = await freePorts(3 * n);
    const servers: ApacheServer[] = [];
    for (let sid = 1; sid <= n; sid += 1) {
      const [clientPort, quorumPort, electionPort] = ports.splice(0, 3);
      if (clientPort === undefined || quorumPort === undefined || electionPort === undefined) {
        throw new Error('too few free ports');
      }
      const observer = sid > n - (options.observers ?? 0);
      const home = path.join(dir, String(sid));
      servers.push({ sid, observer, clientPort, quorumPort, electionPort, dir: home });
    }
    const ensemble = new ApacheEnsemble(dir, servers, options);
    try {
      for (const server of servers) ensemble.launch(server);
      if (options.wait ?? true) await ensemble.serving();
    } catch (error) {
      await ensemble.stop();
      throw error;
    }
    return ensemble;
  }

  private constructor(dir: string, servers: readonly ApacheServer[], options: ApacheOptions) {
    this.dir = dir;
    this.servers = servers;
    this.options = options;
    for (const server of servers) this.writeFiles(server);
    process.on('exit', this.endAll);
  }

  get clientPorts(): number[] {
    return this.servers.map((server) => server.clientPort);
  }

  /** `127.0.0.1:port,...` in the order of sids. */
  get connectString(): string {
    return this.clientPorts.map((port) => `127.0.0.1:${port}`).join(',');
  }

  server(sid: number): ApacheServer {
    const server = this.servers[sid - 1];
    if (server === undefined) throw new Error(`there is no server ${sid}`);
    return server;
  }

  /** The process id of a running server. */
  pid(sid: number): number | undefined {
    return this.running.get(sid)?.pid;
  }

  /** Sends a signal; resolves when the process has ended (SIGSTOP and SIGCONT: at once). */
  async kill(sid: number, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.running.get(sid);
    if (child === undefined) return;
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.kill(signal);
    if (signal !== 'SIGSTOP' && signal !== 'SIGCONT') await ended;
  }

  /** Starts an ended server again on its data and ports, and waits until it serves. */
  async restart(sid: number, wait = true): Promise<void> {
    if (this.running.has(sid)) throw new Error(`server ${sid} runs already`);
    this.launch(this.server(sid));
    if (wait) await this.serving([sid]);
  }

  /** The answer to a four-letter word, or '' when the server is not there. */
  fourLetterWord(sid: number, word: string): Promise<string> {
    return fourLetter(this.server(sid).clientPort, word);
  }

  /** `standalone`, `leader`, `follower`, `observer`, or undefined while it does not serve. */
  async mode(sid: number): Promise<string | undefined> {
    return /^Mode: (\S+)/m.exec(await this.fourLetterWord(sid, 'srvr'))?.[1];
  }

  /** The sid of the server that leads (or stands alone), or undefined. */
  async leader(): Promise<number | undefined> {
    for (const { sid } of this.servers) {
      const mode = await this.mode(sid);
      if (mode === 'leader' || mode === 'standalone') return sid;
    }
    return undefined;
  }

  /** Resolves when each of `sids` (default: all) serves; rejects when a process has ended. */
  async serving(sids = this.servers.map((server) => server.sid)): Promise<void> {
    const deadlineMs = Date.now() + SERVING_TIMEOUT_MS;
    for (const sid of sids) {
      while ((await this.mode(sid)) === undefined) {
        const ended = !this.running.has(sid);
        if (ended || Date.now() > deadlineMs) {
          throw new Error(
            `server ${sid} ${ended ? 'has ended' : 'does not serve'}:\n${this.log(sid)}`,
          );
        }
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      }
    }
  }

  /** The last lines of what a server wrote. */
  log(sid: number, lines = 40): string {
    const { dir } = this.server(sid);
    return ['console.log', 'server.log']
      .map((name) => path.join(dir, name))
      .filter((file) => fs.existsSync(file))
      .flatMap((file) => fs.readFileSync(file, 'utf8').trimEnd().split('\n').slice(-lines))
      .join('\n');
  }

  /** Ends every server and removes the directory. */
  async stop(): Promise<void> {
    await Promise.all([...this.running.keys()].map((sid) => this.kill(sid, 'SIGKILL')));
    process.off('exit', this.endAll);
    fs.rmSync(this.dir, { recursive: true, force: true });
  }

  private writeFiles(server: ApacheServer): void {
    const data = path.join(server.dir, 'data');
    fs.mkdirSync(data, { recursive: true });
    fs.writeFileSync(path.join(data, 'myid'), `${server.sid}\n`);
    fs.writeFileSync(path.join(server.dir, 'zoo.cfg'), this.zooCfg(server));
    fs.writeFileSync(
      path.join(server.dir, 'log4j.properties'),
      [
        'log4j.rootLogger=INFO, FILE',
        'log4j.appender.FILE=org.apache.log4j.FileAppender',
        `log4j.appender.FILE.File=${path.join(server.dir, 'server.log')}`,
        'log4j.appender.FILE.layout=org.apache.log4j.PatternLayout',
        'log4j.appender.FILE.layout.ConversionPattern=%d{ISO8601} %-5p [%t:%C{1}] %m%n',
        '',
      ].join('\n'),
    );
  }

  private zooCfg(server: ApacheServer): string {
    const members: ForeignMember[] = [...this.servers, ...(this.options.foreign ?? [])];
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

  private launch(server: ApacheServer): void {
    const console = fs.openSync(path.join(server.dir, 'console.log'), 'a');
    const child = spawn(
      'java',
      [
        ...['-Xmx160m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xshare:auto'],
        ...['-Djava.net.preferIPv4Stack=true', '-Dzookeeper.jmx.log4j.disable=true'],
        `-Dzookeeper.log.dir=${server.dir}`,
        `-Dlog4j.configuration=file:${path.join(server.dir, 'log4j.properties')}`,
        ...(this.options.jvmFlags ?? []),
        ...['-cp', [server.dir, ...JARS].join(path.delimiter)],
        'org.apache.zookeeper.server.quorum.QuorumPeerMain',
        path.join(server.dir, 'zoo.cfg'),
      ],
      { stdio: ['ignore', console, console] },
    );
    fs.closeSync(console);
    this.running.set(server.sid, child);
    child.once('exit', () => {
      if (this.running.get(server.sid) === child) this.running.delete(server.sid);
    });
  }
}

/**
 * Ports that were free a moment ago, all different. Another process may take one before it is
 * used, which shows as a server that cannot bind; only listening on port 0 has no such gap.
 */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise<net.Server>((resolve, reject) => {
          const server = net.createServer();
          server.once('error', reject);
          server.listen(0, '127.0.0.1', () => resolve(server));
        }),
    ),
  );
  const ports = servers.map((server) => {
    const address = server.address();
    return address !== null && typeof address === 'object' ? address.port : 0;
  });
  await Promise.all(servers.map((server) => new Promise((done) => server.close(done))));
  return ports;
}
