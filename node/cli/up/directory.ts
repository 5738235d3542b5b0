/**
 * The directory of a local ensemble: DIR/<sid>/{zoo.cfg,peer.log,data/myid} for each peer, and
 * DIR/up.json, which names the processes, so that a later `picket up` finds those that an earlier
 * one left behind. Data stays between runs.
 */
import fs from 'node:fs';
import path from 'node:path';
import { ExitCode } from '../../runtime/exit-codes.ts';
import { type PeerPlan, type UpPlan, zooCfg } from './plan.ts';
import { UpError } from './up-error.ts';

/** A log longer than this is set aside when the next run starts. */
const LOG_BYTES_MAX = 8 * 1024 * 1024;
const LOG_TAIL_BYTES = 16 * 1024;

interface RecordedProcess {
  readonly pid: number;
  /** A word of its command line, to tell it from another process with the same id. */
  readonly mark: string;
  readonly what: string;
}

/** Throws UpError when the directory holds an ensemble of another size, or one that still runs. */
export function checkDirectory(plan: UpPlan): void {
  for (const { pid, mark, what } of readRecord(plan.dir)) {
    if (!isRunning(pid, mark)) continue;
    throw UpError.usage(
      `${what} (pid ${pid}) of an earlier \`picket up\` still runs on ${plan.dir}; ` +
        `stop it with: kill ${pid}`,
    );
  }
  const found = fs.existsSync(plan.dir)
    ? fs.readdirSync(plan.dir).filter((name) => isPeerDir(plan.dir, name))
    : [];
  if (found.length === 0 || found.length === plan.peers.length) return;
  throw UpError.usage(
    `${plan.dir} holds the data of ${found.length} peers, not of ${plan.peers.length}: ` +
      'a changed membership over old data could lose what a majority had acknowledged; ' +
      `use --peers ${found.length}, or another --dir, or delete ${plan.dir}`,
  );
}

/** Creates what is missing and writes the configurations afresh. Throws UpError. */
export function writeFiles(plan: UpPlan): void {
  try {
    for (const peer of plan.peers) writePeer(plan, peer);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UpError(
      `${plan.dir} cannot be written: ${reason}; choose another --dir`,
      ExitCode.dataDir,
    );
  }
}

/** Notes which processes run here, `picket up` itself first. */
export function writeRecord(plan: UpPlan, pids: ReadonlyMap<PeerPlan, number>): void {
  const record: RecordedProcess[] = [{ pid: process.pid, mark: 'up', what: 'picket up' }];
  for (const [peer, pid] of pids) {
    record.push({ pid, mark: peer.configFile, what: `peer ${peer.sid}` });
  }
  fs.writeFileSync(recordFile(plan.dir), `${JSON.stringify(record, null, 2)}\n`);
}

export function removeRecord(plan: UpPlan): void {
  fs.rmSync(recordFile(plan.dir), { force: true });
}

/** The last lines that a peer wrote. */
export function logTail(peer: PeerPlan, lines: number): string {
  if (!fs.existsSync(peer.logFile)) return '';
  const file = fs.openSync(peer.logFile, 'r');
  try {
    const { size } = fs.fstatSync(file);
    const bytes = Buffer.alloc(Math.min(size, LOG_TAIL_BYTES));
    fs.readSync(file, bytes, 0, bytes.length, size - bytes.length);
    return bytes.toString('utf8').trimEnd().split('\n').slice(-lines).join('\n');
  } finally {
    fs.closeSync(file);
  }
}

function writePeer(plan: UpPlan, peer: PeerPlan): void {
  fs.mkdirSync(peer.dataDir, { recursive: true });
  fs.writeFileSync(peer.configFile, zooCfg(plan, peer));
  const myid = path.join(peer.dataDir, 'myid');
  if (!fs.existsSync(myid)) fs.writeFileSync(myid, `${peer.sid}\n`);
  const log = fs.statSync(peer.logFile, { throwIfNoEntry: false });
  if (log !== undefined && log.size > LOG_BYTES_MAX) {
    fs.renameSync(peer.logFile, `${peer.logFile}.1`);
  }
}

function isPeerDir(dir: string, name: string): boolean {
  return /^[1-9]\d*$/.test(name) && fs.existsSync(path.join(dir, name, 'data', 'myid'));
}

function recordFile(dir: string): string {
  return path.join(dir, 'up.json');
}

/** What is not a record is ignored: the ports and the lock of each data directory still guard. */
function readRecord(dir: string): RecordedProcess[] {
  let value: unknown;
  try {
    value = JSON.parse(fs.readFileSync(recordFile(dir), 'utf8'));
  } catch {
    return [];
  }
  return Array.isArray(value) ? value.filter(isRecordedProcess) : [];
}

function isRecordedProcess(value: unknown): value is RecordedProcess {
  if (typeof value !== 'object' || value === null) return false;
  const { pid, mark, what } = value as Partial<Record<string, unknown>>;
  const isPid = typeof pid === 'number' && Number.isSafeInteger(pid) && pid > 0;
  return isPid && typeof mark === 'string' && typeof what === 'string';
}

function isRunning(pid: number, mark: string): boolean {
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it runs, and is someone else's.
    if (!(error instanceof Error && 'code' in error && error.code === 'EPERM')) return false;
  }
  try {
    // A process id may belong to someone else by now. Only Linux has this file.
    return fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes(mark);
  } catch {
    return !fs.existsSync('/proc/self/cmdline');
  }
}
