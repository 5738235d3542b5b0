/**
 * The shell behind `picket cli`: one line in, one command run, with a numbered history and a client
 * that `connect` and `close` replace. It knows nothing of terminals; lines come from the prompt,
 * from a pipe or from the arguments of the process.
 */
import type { SessionEvent } from '../../client/client-session.ts';
import type { WatchEventType } from '../../client/watch-registry.ts';
import { ZooKeeperClient } from '../../client/zookeeper-client.ts';
import { packageVersion } from '../package-version.ts';
import { CliError, EXIT_NOT_FOUND, errorText } from './cli-error.ts';
import { type CliOutput, type Command, runCommand } from './command.ts';
import { CLI_USAGE, type CliOptions } from './options.ts';
import { READ_COMMANDS } from './read-commands.ts';
import { splitWords } from './words.ts';
import { WRITE_COMMANDS } from './write-commands.ts';

/** `history` shows this many before the present one. */
const HISTORY_SHOWN = 10;
/** Older lines can no longer be redone. */
const HISTORY_MAX = 10_000;

const COMMANDS = new Map(
  [...READ_COMMANDS, ...WRITE_COMMANDS].map((command) => [command.name, command]),
);

type BuiltIn = (shell: Shell, words: readonly string[]) => Promise<void> | void;

/** The commands about the shell itself: name, usage, what they do. */
const BUILT_INS = new Map<string, readonly [string, BuiltIn]>([
  ['close', ['', (shell) => shell.close()]],
  ['connect', ['host:port', (shell, words) => shell.connect(words[0])]],
  ['exit', ['', (shell) => shell.quit()]],
  ['help', ['', (shell) => shell.help()]],
  ['history', ['', (shell) => shell.showHistory()]],
  ['printwatches', ['on|off', (shell, words) => shell.printWatches(words[0])]],
  ['quit', ['', (shell) => shell.quit()]],
  ['redo', ['cmdno', (shell, words) => shell.redo(words[0])]],
  ['version', ['', (shell) => shell.showVersion()]],
]);

export class Shell {
  private readonly options: CliOptions;
  private readonly output: CliOutput;
  private readonly history = new Map<number, string>();
  private client: ZooKeeperClient;
  private host: string;
  private count = 0;
  private showsWatches = true;
  private isSilent = false;
  private status = 0;
  private hasQuit = false;
  private readonly failuresTold = new Set<string>();

  /** Begins to connect. Throws an Error on a connect string that is none. */
  constructor(options: CliOptions, output: CliOutput) {
    this.options = options;
    this.output = output;
    this.host = options.server;
    this.client = this.open(options.server);
  }

  /** `[zk: localhost:2181(CONNECTED) 0] `, exactly as zkCli. */
  get prompt(): string {
    return `[zk: ${this.host}(${this.client.state}) ${this.count}] `;
  }

  /** What the last command ended with: the exit code of the process. */
  get exitCode(): number {
    return this.status;
  }

  /** True after `quit`: no further line is to be run. */
  get isOver(): boolean {
    return this.hasQuit;
  }

  /** The names of all commands, sorted. */
  static commandNames(): string[] {
    return [...COMMANDS.keys(), ...BUILT_INS.keys()].sort();
  }

  /** The usage of every command, sorted by name. */
  static usageLines(): string[] {
    return Shell.commandNames().map((name) => {
      const usage = COMMANDS.get(name)?.usage ?? BUILT_INS.get(name)?.[0] ?? '';
      return `\t${name} ${usage}`;
    });
  }

  /** Runs one line and counts it; a blank one does nothing. Never rejects. */
  async runLine(line: string): Promise<void> {
    const words = splitWords(line);
    if (words.length === 0) return;
    this.history.set(this.count, line);
    this.history.delete(this.count - HISTORY_MAX);
    await this.runWords(words);
    this.count += 1;
  }

  /** Runs a command that is already split into words, and keeps its exit code. Never rejects. */
  async runWords(words: readonly string[]): Promise<void> {
    try {
      await this.dispatch(words);
      // `quit` ends with what the command before it ended with.
      if (!this.hasQuit) this.status = 0;
    } catch (error) {
      this.output.err(errorText(error));
      this.status = error instanceof CliError ? error.exitCode : 1;
    }
  }

  /** Resolves when the client is connected, or after `limitMs`. */
  async connected(limitMs: number): Promise<void> {
    const { client } = this;
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, limitMs);
    });
    await Promise.race([client.connect().catch(() => undefined), limit]);
    clearTimeout(timer);
  }

  /** The children of a path, for completion; empty when there are none or the server is away. */
  async childrenOf(path: string): Promise<string[]> {
    if (!this.client.state.startsWith('CONNECTED')) return [];
    return await this.client.getChildren(path).catch(() => []);
  }

  /** Ends the session without a word: the input is over. */
  async dispose(): Promise<void> {
    this.isSilent = true;
    await this.client.close();
  }

  // The built-in commands.

  async close(): Promise<void> {
    await this.client.close();
  }

  async connect(host = this.host): Promise<void> {
    const previous = this.client;
    this.client = this.open(host);
    this.host = host;
    await previous.close();
  }

  async quit(): Promise<void> {
    this.hasQuit = true;
    await this.client.close();
  }

  help(): void {
    this.output.out(CLI_USAGE);
    for (const line of Shell.usageLines()) this.output.out(line);
  }

  showHistory(): void {
    for (let i = Math.max(0, this.count - HISTORY_SHOWN); i <= this.count; i += 1) {
      this.output.out(`${i} - ${this.history.get(i) ?? 'null'}`);
    }
  }

  printWatches(value: string | undefined): void {
    if (value === undefined) {
      this.output.out(`printwatches is ${this.showsWatches ? 'on' : 'off'}`);
    } else {
      this.showsWatches = value === 'on';
    }
  }

  async redo(number: string | undefined): Promise<void> {
    if (number === undefined || !/^\d+$/.test(number)) {
      throw new CliError('redo takes the number of a command: see history');
    }
    const line = Number(number) < this.count ? this.history.get(Number(number)) : undefined;
    if (line === undefined) throw new CliError('Command index out of range');
    const words = splitWords(line);
    if (words[0] === 'redo') throw new CliError('No redoing redos');
    this.history.set(this.count, line);
    await this.dispatch(words);
  }

  showVersion(): void {
    this.output.out(`Picket CLI version: ${packageVersion()}`);
  }

  private async dispatch(words: readonly string[]): Promise<void> {
    const [name = '', ...rest] = words;
    const builtIn = BUILT_INS.get(name)?.[1];
    if (builtIn !== undefined) {
      await builtIn(this, rest);
      return;
    }
    const command: Command | undefined = COMMANDS.get(name);
    if (command === undefined) {
      this.output.err(CLI_USAGE);
      for (const line of Shell.usageLines()) this.output.err(line);
      throw new CliError(`Command not found: Command not found ${name}`, EXIT_NOT_FOUND);
    }
    const { client, output } = this;
    // Wrong arguments are told even without a server, and before the wait for one.
    await runCommand(
      command,
      {
        out: (line) => output.out(line),
        err: (line) => output.err(line),
        get client() {
          if (client.state === 'CLOSED') throw new CliError('Not connected');
          return client;
        },
      },
      rest,
    );
  }

  private open(host: string): ZooKeeperClient {
    const client = new ZooKeeperClient({
      connectString: host,
      sessionTimeoutMs: this.options.timeoutMs,
      readOnly: this.options.readOnly,
      onState: (event) => this.show(event, 'None', null),
      onWatch: ({ type, path }) => this.show('SyncConnected', type, path),
      onConnectFailure: (server, reason) => this.tellFailure(server, reason),
    });
    // Commands wait for the connection themselves and say what became of it.
    client.connect().catch(() => undefined);
    return client;
  }

  private show(state: SessionEvent, type: WatchEventType, path: string | null): void {
    if (this.isSilent || !this.showsWatches) return;
    // In one piece: at a terminal it is printed above the line that is being edited.
    const event = `WatchedEvent state:${state} type:${type} path:${path}`;
    this.output.out(`\nWATCHER::\n\n${event}`);
  }

  /** Once for each server and reason: the client goes on trying. */
  private tellFailure(server: string, reason: Error): void {
    if (this.isSilent) return;
    const line = `Cannot connect to ${server}: ${reason.message}; still trying`;
    if (this.failuresTold.has(line)) return;
    this.failuresTold.add(line);
    this.output.err(line);
  }
}
