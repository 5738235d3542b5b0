/**
 * Which of the `server.N` lines is this server: the number in dataDir/myid, or, where that file is
 * missing, the one line whose host is a name or an address of this machine.
 */
import path from 'node:path';
import { printable } from './config-error.ts';
import type { ServerSpec } from './peer-config.ts';
import type { Settings } from './settings.ts';

/** Sids stand in the high byte of session ids. */
export const SID_MAX = 255;

export type ReadText = (file: string) => string | undefined;

/** The number in dataDir/myid; undefined without a file, or (a noted problem) for a bad one. */
export function readMyId(
  dataDir: string,
  settings: Settings,
  readText: ReadText,
): number | undefined {
  const file = path.join(dataDir, 'myid');
  const text = readText(file);
  if (text === undefined) return undefined;
  const line = (text.split(/\r\n|\r|\n/)[0] ?? '').trim();
  const sid = /^\d{1,4}$/.test(line) ? Number(line) : 0;
  if (sid >= 1 && sid <= SID_MAX) return sid;
  const is = line === '' ? 'is empty' : `says "${printable(line.slice(0, 40))}"`;
  const remedy = `write the N of this board's server.N line into it, from 1 to ${SID_MAX}`;
  settings.problem('dataDir', `${file} ${is}; ${remedy}`);
  return undefined;
}

/** The sid by host name, said in a warning; undefined (a noted problem) unless one line fits. */
export function deriveMyId(
  dataDir: string,
  servers: readonly ServerSpec[],
  names: readonly string[],
  settings: Settings,
): number | undefined {
  const local = new Set(names.map((name) => name.toLowerCase()));
  const fitting = servers.filter(({ host }) => local.has(host.toLowerCase()));
  const file = path.join(dataDir, 'myid');
  const [only] = fitting;
  if (only !== undefined && fitting.length === 1) {
    const remedy = `write ${only.sid} into it to fix the identity of this server`;
    settings.warn(
      'dataDir',
      `${file} is missing; server.${only.sid} (${only.host}) is this board; ${remedy}`,
    );
    return only.sid;
  }
  const found = fitting.map(({ sid }) => `server.${sid}`).join(', ') || 'no server line';
  const known = names.slice(0, 6).join(', ');
  settings.problem(
    'dataDir',
    `${file} is missing and ${found} matches this machine (${known}); write its N into it`,
  );
  return undefined;
}
