/**
 * One interactive session of Apache's zkCli.sh: sends a command, collects what it prints up to a
 * marker, and keeps the watch events, which another thread of zkCli prints whenever it likes, in a
 * list of their own. Zxids, times, sessions and ports are replaced by names that say only which are
 * equal, so that two transcripts can be compared line by line.
 */
import { Program, until } from '../helpers/processes.ts';
import { ZKCLI } from './software.ts';

/** zkCli answers `version` without asking the server: what came before it is the answer. */
const MARKER = /^ZooKeeper CLI version: .*\n/m;
/** Head and body of an event are printed apart, so an answer may stand between them. */
const EVENT = /^WatchedEvent state:(\S+) type:(\S+) path:(\S+)\n/gm;
const EVENT_HEAD = /^WATCHER::\n/gm;
const BLANK_LINE = /^\n/gm;

export class ZkCliSession {
  private readonly program: Program;
  private eventsAwaited = 0;
  private readonly names = new Map<string, string>();

  /** Connects to `hosts` (a connect string); resolves when the session is established. */
  static async open(hosts: string): Promise<ZkCliSession> {
    // One pipe for both streams, or errors could overtake answers.
    const program = new Program('sh', ['-c', 'exec "$@" 2>&1', 'sh', ZKCLI, '-server', hosts], {
      env: { CLIENT_JVMFLAGS: '-Xmx64m -XX:TieredStopAtLevel=1 -XX:+UseSerialGC' },
    });
    const session = new ZkCliSession(program);
    await session.event('SyncConnected');
    return session;
  }

  private constructor(program: Program) {
    this.program = program;
  }

  /** Runs a command; its output without watch events, zxids and times as names. */
  async run(command: string): Promise<string> {
    this.program.write(`${command}\nversion\n`);
    const before = this.program.output.length;
    await this.program.waitFor(MARKER);
    const text = this.program.output.slice(before).replace(EVENT, '');
    const answer = text.slice(0, text.search(MARKER)).replace(EVENT_HEAD, '');
    return this.normalised(answer.replace(BLANK_LINE, '').trim());
  }

  /** All watch events so far, `TYPE path`, in the order printed; connection states too. */
  get events(): string[] {
    return [...this.program.output.matchAll(EVENT)].map(([, state, type, path]) =>
      type === 'None' ? `${state}` : `${type} ${path}`,
    );
  }

  /** The last owner of an ephemeral that was printed, as it was printed. */
  get ownerSeenLast(): string | undefined {
    return [...this.program.output.matchAll(/^ephemeralOwner = (0x[0-9a-f]+)$/gm)].at(-1)?.[1];
  }

  /** Waits for an event, as `events` writes it, that came after the one awaited before. */
  async event(expected: string): Promise<void> {
    await until(`the event ${expected} in ${this.program.name}`, 20_000, () => {
      const found = this.events.indexOf(expected, this.eventsAwaited);
      if (found >= 0) this.eventsAwaited = found + 1;
      return found >= 0;
    });
  }

  /** Leaves as a user does, which closes the session. */
  async quit(): Promise<void> {
    this.program.write('quit\n');
    await this.program.succeeded(20_000);
  }

  private normalised(text: string): string {
    return text
      .replace(/^(.Zxid = )(0x[0-9a-f]+)$/gm, (_, label, zxid) => label + this.nameOf('zxid', zxid))
      .replace(/^(.time = )(.*)$/gm, '$1TIME')
      .replace(/^(ephemeralOwner = )(0x[0-9a-f]{2,})$/gm, (_, label, id) => {
        return label + this.nameOf('session', id);
      })
      .replace(/127\.0\.0\.1:\d+/g, (address) => this.nameOf('address', address))
      .replace(/(:address\d+):\d+:participant/g, '$1:PORT:participant')
      .replace(/^version=[0-9a-f]+$/gm, 'version=CONFIG')
      .replace(/^(server\.\d+=address\d+):\d+/gm, '$1:PORT');
  }

  private nameOf(kind: string, value: string): string {
    // The epoch's first zxid and "no zxid" mean something by themselves.
    if (value === '0x0') return value;
    const known = this.names.get(`${kind} ${value}`);
    if (known !== undefined) return known;
    const sameKind = [...this.names.keys()].filter((key) => key.startsWith(`${kind} `)).length;
    const name = `${kind}${sameKind + 1}`;
    this.names.set(`${kind} ${value}`, name);
    return name;
  }
}
