/**
 * `picket up`: a local ensemble of real peer processes and an MQTT broker, for trying Picket out
 * and for watching what happens when a peer dies. It starts everything, says where it is, tells
 * what changes, and on Ctrl-C stops what it started. It never restarts a peer and never touches a
 * process that it did not start.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ExitCode } from '../runtime/exit-codes.ts';
import { EmbeddedBroker } from './up/broker.ts';
import { checkDirectory, logTail, removeRecord, writeFiles, writeRecord } from './up/directory.ts';
import { banner, howItEnded } from './up/messages.ts';
import { PeerProcess } from './up/peer-process.ts';
import { makePlan, type PeerPlan, type UpOptions, type UpPlan } from './up/plan.ts';
import { checkPorts } from './up/ports.ts';
import { UpError } from './up/up-error.ts';
import { askAll, Watch } from './up/watch.ts';

const START_TIMEOUT_MS = 30_000;
const START_POLL_MS = 50;
/** How long a peer may take to stop before it is killed; it stops by itself within 10 s. */
const STOP_TIMEOUT_MS = 12_000;
const LOG_LINES = 15;

/** What a test puts in place of the real thing. */
export interface UpSeams {
  /** The command of one peer; by default this program's `server`. */
  readonly command?: (peer: PeerPlan) => readonly string[];
  readonly print?: (text: string) => void;
  /** Aborted to stop, beside the signals: once in order, `kill` at once. */
  readonly stop?: AbortSignal;
  readonly kill?: AbortSignal;
}

/** Runs until it is told to stop; resolves to the exit code. */
export async function runUp(options: UpOptions, seams: UpSeams = {}): Promise<number> {
  const print = seams.print ?? ((text) => process.stdout.write(`${text}\n`));
  const stopping = new Stopping(seams);
  try {
    const plan = makePlan(options);
    checkDirectory(plan);
    await checkPorts(plan);
    warnOfEvenNumber(plan, print);
    writeFiles(plan);
    const broker = await EmbeddedBroker.start(plan.mqttPort);
    try {
      await runPeers(plan, seams.command ?? serverCommand, stopping, print);
    } finally {
      await broker.stop();
    }
    return ExitCode.ok;
  } catch (error) {
    if (!(error instanceof UpError)) throw error;
    print(`picket up: ${error.message}`);
    return error.exitCode;
  } finally {
    stopping.release();
  }
}

async function runPeers(
  plan: UpPlan,
  command: (peer: PeerPlan) => readonly string[],
  stopping: Stopping,
  print: (text: string) => void,
): Promise<void> {
  print(`Starting ${plan.peers.length === 1 ? 'one peer' : `${plan.peers.length} peers`} ...`);
  const processes = plan.peers.map((peer) => new PeerProcess(peer, command(peer)));
  // Should this process end by an error, its peers must not stay behind.
  const endAll = (): void => {
    for (const child of processes) child.signal('SIGTERM');
  };
  process.on('exit', endAll);
  try {
    writeRecord(plan, new Map(processes.map((child) => [child.peer, child.pid])));
    const leader = await untilServing(plan, processes, stopping.stop);
    if (leader !== undefined) {
      print(banner(plan, processes, leader));
      const say = (line: string) => print(`${new Date().toTimeString().slice(0, 8)}  ${line}`);
      const watch = new Watch(plan, processes, leader, say);
      await watch.run(stopping.stop);
      for (const sid of watch.restartedByHand()) {
        print(`peer ${sid} was started by hand and is left running`);
      }
    }
  } finally {
    await stopAll(processes, stopping, print);
    removeRecord(plan);
    process.removeListener('exit', endAll);
  }
}

/** The leader once every peer serves; undefined when told to stop before. Throws UpError. */
async function untilServing(
  plan: UpPlan,
  processes: readonly PeerProcess[],
  stop: AbortSignal,
): Promise<number | undefined> {
  const deadlineMs = performance.now() + START_TIMEOUT_MS;
  while (!stop.aborted) {
    for (const child of processes) {
      if (!child.isRunning) throw new UpError(await whyItEnded(child));
    }
    const { modes, leader } = await askAll(plan);
    const silent = plan.peers.filter(({ sid }) => modes.get(sid) === undefined);
    if (silent.length === 0 && leader !== undefined) return leader;
    if (performance.now() > deadlineMs) throw new UpError(whyItIsSilent(silent));
    await pause(START_POLL_MS, undefined, { signal: stop }).catch(() => undefined);
  }
  return undefined;
}

async function whyItEnded({ peer, ended }: PeerProcess): Promise<string> {
  const how = howItEnded(await ended);
  return `peer ${peer.sid} ${how}; the end of ${peer.logFile}:\n${logTail(peer, LOG_LINES)}`;
}

function whyItIsSilent(silent: readonly PeerPlan[]): string {
  const named = silent.map(({ sid }) => sid).join(', ') || 'none, but nobody leads';
  const [first] = silent;
  const tail =
    first === undefined ? '' : `; the end of ${first.logFile}:\n${logTail(first, LOG_LINES)}`;
  return `after ${START_TIMEOUT_MS / 1000} s these peers do not serve: ${named}${tail}`;
}

async function stopAll(
  processes: readonly PeerProcess[],
  stopping: Stopping,
  print: (text: string) => void,
): Promise<void> {
  const running = processes.filter((child) => child.isRunning);
  if (running.length === 0) return;
  print(`Stopping ${running.map(({ peer }) => `peer ${peer.sid}`).join(', ')} ...`);
  for (const child of running) child.signal('SIGTERM');
  const allEnded = Promise.all(running.map((child) => child.ended));
  const patience = new AbortController();
  const timeUp = pause(STOP_TIMEOUT_MS, undefined, { signal: patience.signal }).catch(() => {});
  await Promise.race([allEnded, timeUp, stopping.killed]);
  patience.abort();
  for (const child of running) {
    if (child.isRunning) print(`peer ${child.peer.sid} does not stop: SIGKILL`);
    child.signal('SIGKILL');
  }
  await allEnded;
}

function warnOfEvenNumber(plan: UpPlan, print: (text: string) => void): void {
  const n = plan.peers.length;
  if (n % 2 === 1) return;
  print(`Note: ${n} peers survive no more failures than ${n - 1}; use an odd number.`);
}

function serverCommand(peer: PeerPlan): readonly string[] {
  const main = fileURLToPath(new URL('./main.js', import.meta.url));
  return [process.execPath, '--enable-source-maps', main, 'server', peer.configFile];
}

/** The first signal asks to stop, the second to kill. */
class Stopping {
  readonly killed: Promise<void>;
  private readonly stopController = new AbortController();
  private kill: () => void = () => {};
  private readonly signals: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];

  constructor({ stop, kill }: UpSeams) {
    this.killed = new Promise((resolve) => {
      this.kill = resolve;
    });
    for (const signal of this.signals) process.on(signal, this.onSignal);
    stop?.addEventListener('abort', this.onSignal, { once: true });
    kill?.addEventListener('abort', () => this.kill(), { once: true });
  }

  get stop(): AbortSignal {
    return this.stopController.signal;
  }

  release(): void {
    for (const signal of this.signals) process.removeListener(signal, this.onSignal);
  }

  private readonly onSignal = (): void => {
    if (this.stop.aborted) this.kill();
    else this.stopController.abort();
  };
}
