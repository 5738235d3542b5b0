/**
 * The other people's software that the interop tests run, how to see that it is there, and the
 * Debian packages it comes in. The installer and the tests' skip messages both read this table.
 */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { apacheMissing } from '../helpers/apache.ts';

export interface Software {
  readonly what: string;
  readonly packages: readonly string[];
  readonly isPresent: () => boolean;
}

export const ZKCLI = '/usr/share/zookeeper/bin/zkCli.sh';
/** Debian's Python sees Debian's kazoo; a `python3` found in PATH may be another one. */
export const PYTHON = '/usr/bin/python3';
export const MOSQUITTO = '/usr/sbin/mosquitto';
export const MOSQUITTO_SUB = '/usr/bin/mosquitto_sub';

export const SOFTWARE = {
  zookeeper: {
    what: "Apache ZooKeeper's server and zkCli",
    packages: ['zookeeper', 'default-jre-headless'],
    isPresent: () => apacheMissing() === undefined && fs.existsSync(ZKCLI),
  },
  kazoo: {
    what: 'the Python client kazoo',
    packages: ['python3-kazoo'],
    isPresent: () => spawnSync(PYTHON, ['-c', 'import kazoo']).status === 0,
  },
  cClient: {
    what: 'the C client and a compiler',
    packages: ['libzookeeper-mt-dev', 'gcc', 'libc6-dev'],
    isPresent: () =>
      fs.existsSync('/usr/include/zookeeper/zookeeper.h') &&
      spawnSync('gcc', ['--version']).status === 0,
  },
  mosquitto: {
    what: 'the MQTT broker Mosquitto and its clients',
    packages: ['mosquitto', 'mosquitto-clients'],
    isPresent: () => fs.existsSync(MOSQUITTO) && fs.existsSync(MOSQUITTO_SUB),
  },
} as const satisfies Record<string, Software>;

export type SoftwareName = keyof typeof SOFTWARE;

/** What of `needs` is absent and how to get it, or undefined when all is there. */
export function softwareMissing(needs: readonly SoftwareName[]): string | undefined {
  const absent = needs.map((name) => SOFTWARE[name]).filter((software) => !software.isPresent());
  if (absent.length === 0) return undefined;
  const packages = absent.flatMap((software) => software.packages).join(' ');
  const names = absent.map((software) => software.what).join(', ');
  return `${names} missing: apt-get install ${packages}`;
}
