/**
 * dataDir and dataLogDir: absolute, and checked for two traps. A backslash in a .properties file is
 * an escape, so a Windows path comes out mangled; and what lies in /tmp is gone after a reboot.
 */
import path from 'node:path';
import type { Settings } from './settings.ts';

export interface Directories {
  readonly dataDir: string;
  readonly dataLogDir: string;
}

/** Where a reboot leaves nothing: cleaned at boot, or held in memory. */
const VOLATILE = ['/tmp', '/run', '/var/run', '/dev/shm'];

/** A backslash that is no second half of a pair, before one of the letters that make a control. */
const CONTROL_ESCAPE = /(?<!\\)(?:\\\\)*\\[tnrf]/;
const DROPPED_BACKSLASH = /(?<!\\)(?:\\\\)*\\[^\\utnrf]/;

export function readDirectories(settings: Settings): Directories {
  const dataDir = readDirectory(settings, 'dataDir');
  if (dataDir === undefined && settings.text('dataDir') === undefined) {
    settings.problem(
      'dataDir',
      'is not set; name the directory for the data, dataDir=/var/lib/picket',
    );
  }
  const dataLogDir = readDirectory(settings, 'dataLogDir');
  return { dataDir: dataDir ?? '', dataLogDir: dataLogDir ?? dataDir ?? '' };
}

function readDirectory(settings: Settings, key: string): string | undefined {
  const entry = settings.get(key);
  if (entry === undefined) return undefined;
  const { value, rawValue } = entry;
  if (value === '') {
    settings.problem(key, 'must name a directory');
    return undefined;
  }
  if (CONTROL_ESCAPE.test(rawValue)) {
    settings.problem(
      key,
      `${rawValue} has a backslash escape (\\t is a TAB); ${useSlash(rawValue)}`,
    );
    return undefined;
  }
  if (DROPPED_BACKSLASH.test(rawValue)) {
    settings.warn(key, `is read as ${value}: a backslash is an escape; ${useSlash(rawValue)}`);
  }
  const absolute = path.resolve(value);
  if (absolute !== path.normalize(value).replace(/(?<=.)[\\/]$/, '')) {
    settings.warn(
      key,
      `${value} is relative to where the server is started; it is ${absolute} now`,
    );
  }
  if (VOLATILE.some((top) => absolute === top || absolute.startsWith(`${top}/`))) {
    settings.warn(key, `${absolute} is lost at a reboot; use a directory like /var/lib/picket`);
  }
  return absolute;
}

function useSlash(rawValue: string): string {
  return `write ${rawValue.replaceAll(/\\+/g, '/')} or double every backslash`;
}
