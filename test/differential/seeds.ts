/** The seeds of runs that once failed, and the command that runs one of them again. */
import fs from 'node:fs';
import path from 'node:path';
import { REPO_DIR } from '../helpers/picket.ts';
import type { Failure } from './session.ts';

/** The seeds of seeds.txt, one a line; what follows a `#` is a remark. */
export function failedSeeds(): number[] {
  const file = path.join(REPO_DIR, 'test/differential/seeds.txt');
  const lines = fs.readFileSync(file, 'utf8').split('\n');
  return lines
    .map((line) => line.replace(/#.*/, '').trim())
    .filter(Boolean)
    .map(Number);
}

export function replayCommand({ seed, kept }: Failure, servers: number): string {
  const mode = servers === 1 ? '' : ' --ensemble';
  return `npm run test:differential -- --seed ${seed} --keep ${kept.join(',')}${mode}`;
}
