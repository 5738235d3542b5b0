/** What `picket up` tells the person who started it. */
import path from 'node:path';
import { exitCodeTable } from '../../runtime/exit-codes.ts';
import type { PeerProcess, ProcessEnd } from './peer-process.ts';
import { majorityOf, type PeerPlan, type UpPlan } from './plan.ts';

export function banner(plan: UpPlan, processes: readonly PeerProcess[], leader: number): string {
  const peers = processes.map(({ peer, pid }) => {
    const role = peer.sid === leader ? 'leads' : '     ';
    return `  peer ${peer.sid}  ${role}  127.0.0.1:${peer.clientPort}  pid ${pid}`;
  });
  const [first] = plan.peers;
  return [
    '',
    `Picket is up: ${count(plan.peers.length, 'peer')}.`,
    ...peers,
    '',
    `Clients connect to  ${plan.connectString}`,
    `Try it              ${picket('cli')} -server 127.0.0.1:${first?.clientPort}`,
    `Watch all changes   mosquitto_sub -v -h 127.0.0.1 -p ${plan.mqttPort} -t '#'`,
    `Data and logs       ${shown(plan.dir)}`,
    ...failHint(plan, processes, leader),
    'Stop all            Ctrl-C',
    '',
  ].join('\n');
}

export function diedMessage(
  plan: UpPlan,
  died: PeerProcess,
  end: ProcessEnd,
  rest: number[],
): string {
  const { peer, pid } = died;
  const lines = [`peer ${peer.sid} (pid ${pid}) ${howItEnded(end)}; ${goOn(plan, rest)}`];
  if (end.signal === null) lines.push(`  what it wrote:    ${shown(peer.logFile)}`);
  lines.push(`  restart it with:  ${restartCommand(peer)}`);
  return lines.join('\n');
}

export function howItEnded({ code, signal }: ProcessEnd): string {
  if (signal === 'SIGKILL') return 'was killed by SIGKILL';
  if (signal !== null) return `was ended by ${signal}`;
  if (code === null) return 'could not be started';
  const entry = exitCodeTable.find((row) => row.code === code);
  return entry === undefined
    ? `ended with exit code ${code}`
    : `ended with exit code ${code} (${entry.meaning}; ${entry.remedy})`;
}

export function restartCommand(peer: PeerPlan): string {
  return `${picket('server')} ${quoted(shown(peer.configFile))}`;
}

function goOn(plan: UpPlan, rest: readonly number[]): string {
  if (rest.length === 0) return 'no peer is left';
  const named = rest.length === 1 ? `peer ${rest[0]}` : `peers ${rest.join(', ')}`;
  if (rest.length >= majorityOf(plan)) return `${named} ${rest.length === 1 ? 'goes' : 'go'} on`;
  return `${named} cannot go on without a majority of ${plan.peers.length}`;
}

function failHint(
  plan: UpPlan,
  processes: readonly PeerProcess[],
  leader: number,
): readonly string[] {
  if (plan.peers.length < 3) return [];
  const led = processes.find(({ peer }) => peer.sid === leader);
  return led === undefined ? [] : [`Kill the leader     kill -9 ${led.pid}`];
}

/** As the person would type it: `picket` when that was typed, else through node. */
function picket(subcommand: string): string {
  const script = process.argv[1] ?? 'picket';
  const isInstalled = path.basename(script).replace(/\.cmd$/, '') === 'picket';
  return isInstalled ? `picket ${subcommand}` : `node ${quoted(shown(script))} ${subcommand}`;
}

/** Relative to where the person is, when that is shorter. */
function shown(file: string): string {
  const relative = path.relative(process.cwd(), file);
  return relative !== '' && !relative.startsWith('..') ? relative : file;
}

function quoted(text: string): string {
  return /^[\w./:@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`;
}
