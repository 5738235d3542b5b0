/**
 * The lines of earlier interactive sessions, newest first, in one small file of the user's state
 * directory (XDG_STATE_HOME, `~/.local/state` unless set). It is a convenience: where it cannot be
 * read or written, the shell goes without it. Lines that begin with a space and those that name a
 * password (addauth) are not kept.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

export const HISTORY_LINES_MAX = 1_000;
const HISTORY_BYTES_MAX = 1024 * 1024;

export function historyFile(env: NodeJS.ProcessEnv = process.env): string {
  const { XDG_STATE_HOME } = env;
  // The specification wants relative paths to be ignored.
  const isUsable = XDG_STATE_HOME !== undefined && path.isAbsolute(XDG_STATE_HOME);
  const base = isUsable ? XDG_STATE_HOME : path.join(os.homedir(), '.local', 'state');
  return path.join(base, 'picket', 'cli-history');
}

/** Newest first, as node:readline wants them. */
export function loadHistory(file: string): string[] {
  try {
    if (fs.statSync(file).size > HISTORY_BYTES_MAX) return [];
    const lines = fs.readFileSync(file, 'utf8').split('\n');
    return lines.filter((line) => line !== '').slice(0, HISTORY_LINES_MAX);
  } catch {
    return [];
  }
}

/** Replaces the file, readable by its owner only; returns whether that went well. */
export function saveHistory(file: string, lines: readonly string[]): boolean {
  const kept = lines.filter(isKept).slice(0, HISTORY_LINES_MAX);
  const temporary = `${file}.${process.pid}.tmp`;
  try {
    fs.mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
    fs.writeFileSync(temporary, kept.map((line) => `${line}\n`).join(''), { mode: 0o600 });
    fs.renameSync(temporary, file);
    return true;
  } catch {
    return false;
  }
}

function isKept(line: string): boolean {
  return line !== '' && !line.startsWith(' ') && !/\baddauth\b/.test(line);
}
