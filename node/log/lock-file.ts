/**
 * One process a directory. Node has no flock, so the lock is a file that names its owner: pid, the
 * time that process started and the boot it belongs to. A process that was killed, or a board that
 * has been unplugged, leaves a file whose owner does not exist any more; it is taken over.
 *
 * The file appears whole (written aside, then linked), and it is taken over by renaming it away
 * first, which only one of several processes can do.
 */
import fs from 'node:fs';
import path from 'node:path';
import { errorCode } from './disk.ts';
import { DataDirLockedError, explainDiskError } from './errors.ts';

export const LOCK_NAME = 'picket.lock';

export interface DirectoryLock {
  /** Safe to call more than once. */
  release(): void;
}

interface Owner {
  readonly pid: number;
  /** In clock ticks since boot; empty where there is no /proc. */
  readonly startTime: string;
  readonly bootId: string;
}

/** Throws DataDirLockedError while another process, or this one, holds the lock. */
export function lockDirectory(directory: string): DirectoryLock {
  const file = path.join(directory, LOCK_NAME);
  const own = describeOwner(ownerOf(process.pid));
  const aside = `${file}.${process.pid}`;
  try {
    fs.rmSync(aside, { force: true });
    fs.writeFileSync(aside, own, { flag: 'wx' });
  } catch (error) {
    throw explainDiskError(error, file);
  }
  try {
    while (!link(aside, file)) takeOver(file, aside);
  } finally {
    fs.rmSync(aside, { force: true });
  }
  let isHeld = true;
  return {
    release: () => {
      if (isHeld && readText(file) === own) fs.rmSync(file, { force: true });
      isHeld = false;
    },
  };
}

/** Moves the lock of a process that is gone out of the way; throws when it is not gone. */
function takeOver(file: string, aside: string): void {
  const found = readText(file);
  if (found === null) return;
  const owner = parseOwner(found);
  if (owner !== null && isAlive(owner)) throw new DataDirLockedError(file, owner.pid);
  const stale = `${aside}.stale`;
  try {
    fs.renameSync(file, stale);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return;
    throw error;
  }
  const moved = readText(stale);
  if (moved !== found) {
    // Someone else took over between the look and the move: give it back.
    link(stale, file);
    fs.rmSync(stale, { force: true });
    throw new DataDirLockedError(file, parseOwner(moved ?? '')?.pid ?? 0);
  }
  fs.rmSync(stale, { force: true });
}

function link(from: string, to: string): boolean {
  try {
    fs.linkSync(from, to);
    return true;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    throw error;
  }
}

function isAlive(owner: Owner): boolean {
  const now = ownerOf(owner.pid);
  if (now.bootId !== owner.bootId) return false;
  if (now.startTime !== owner.startTime) return false;
  if (now.startTime !== '') return true;
  try {
    process.kill(owner.pid, 0);
    return true;
  } catch (error) {
    return errorCode(error) === 'EPERM';
  }
}

/** The process that has `pid` now; its start time is empty when there is none. */
function ownerOf(pid: number): Owner {
  const bootId = readText('/proc/sys/kernel/random/boot_id')?.trim() ?? '';
  const stat = readText(`/proc/${pid}/stat`) ?? '';
  // The name of the program, in brackets, may hold anything; the fields behind it do not.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state] = fields;
  const isGone = state === undefined || state === '' || state === 'Z' || state === 'X';
  return { pid, bootId, startTime: isGone ? '' : (fields[19] ?? '') };
}

function describeOwner(owner: Owner): string {
  return `${owner.pid} ${owner.startTime || '-'} ${owner.bootId || '-'}\n`;
}

function parseOwner(text: string): Owner | null {
  const match = /^(\d+) (\S+) (\S+)\n$/.exec(text);
  if (match === null) return null;
  const [, pid = '', startTime = '', bootId = ''] = match;
  const orEmpty = (field: string): string => (field === '-' ? '' : field);
  return { pid: Number(pid), startTime: orEmpty(startTime), bootId: orEmpty(bootId) };
}

function readText(file: string): string | null {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch (error) {
    const code = errorCode(error);
    if (code === 'ENOENT' || code === 'ESRCH') return null;
    throw error;
  }
}
