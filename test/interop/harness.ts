/**
 * The frame of an interop test: skips with the reason where software is absent (or fails, where
 * PICKET_REQUIRE_INTEROP=1), starts the ensemble, and puts every server's log behind the message of
 * a failure. PICKET_INTEROP_ON=apache runs the scenarios on Apache ZooKeeper alone: what fails
 * there too is the test's fault, not Picket's.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { ApacheEnsemble } from '../helpers/apache.ts';
import { type Ensemble, logsOf } from '../helpers/ensemble.ts';
import { PicketEnsemble, picketMissing, REPO_DIR } from '../helpers/picket.ts';
import { endAll, Program } from '../helpers/processes.ts';
import { PYTHON, type SoftwareName, softwareMissing } from './software.ts';

const { PICKET_INTEROP_ON, PICKET_REQUIRE_INTEROP } = process.env;

/** True when the scenarios are to run on the original, to check the scenarios themselves. */
export const onApache = PICKET_INTEROP_ON === 'apache';

export const PROGRAMS_DIR = path.join(REPO_DIR, 'test/interop/programs');

const isRequired = PICKET_REQUIRE_INTEROP === '1';

/** A test that needs other people's software. */
export function interopTest(
  name: string,
  needs: readonly SoftwareName[],
  body: () => Promise<void>,
): void {
  const all: SoftwareName[] = onApache ? [...needs, 'zookeeper'] : [...needs];
  const missing = softwareMissing(all) ?? (onApache ? undefined : picketMissing());
  const skip = missing !== undefined && !isRequired ? missing : false;
  test(onApache ? `${name} (on Apache)` : name, { skip, timeout: 240_000 }, async () => {
    if (missing !== undefined) throw new Error(`PICKET_REQUIRE_INTEROP=1, but ${missing}`);
    try {
      await body();
    } finally {
      endAll();
    }
  });
}

/** Three peers of Picket, or three servers of Apache under PICKET_INTEROP_ON=apache. */
export function startThree(): Promise<Ensemble> {
  return onApache ? ApacheEnsemble.start(3) : PicketEnsemble.start(3);
}

/** Runs `body` on an ensemble that is stopped afterwards; a failure carries the servers' logs. */
export async function withEnsemble(
  starting: Promise<Ensemble>,
  body: (ensemble: Ensemble) => Promise<void>,
): Promise<void> {
  const ensemble = await starting;
  try {
    await body(ensemble);
  } catch (error) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    throw new Error(`${text}\n${logsOf(ensemble)}`);
  } finally {
    await ensemble.stop();
  }
}

/** Runs one of the kazoo programs of the programs folder. */
export function kazoo(program: string, ...args: string[]): Program {
  return new Program(PYTHON, ['-u', path.join(PROGRAMS_DIR, program), ...args], {
    env: { PYTHONDONTWRITEBYTECODE: '1' },
  });
}

/** Runs `body` with a temporary directory that is removed afterwards. */
export async function withTempDir<T>(body: (dir: string) => Promise<T>): Promise<T> {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'picket-interop-'));
  try {
    return await body(dir);
  } finally {
    fs.rmSync(dir, { recursive: true, force: true });
  }
}
