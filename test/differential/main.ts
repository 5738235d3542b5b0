/**
 * `npm run test:differential -- [--ops N] [--seed S] [--keep 3,17] [--ensemble]`: first the seeds
 * that once failed, then rounds from S on until N operations are done; without --ops it goes on
 * until it is stopped. Exit code 1 with the smallest failing run when two servers differ.
 */
import { parseArgs } from 'node:util';
import { KNOWN_DIFFERENCES, NOT_ASKED } from './known-differences.ts';
import { failedSeeds, replayCommand } from './seeds.ts';
import { type Failure, Session } from './session.ts';

const PROGRESS_MS = 1000;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      ops: { type: 'string', default: 'Infinity' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      keep: { type: 'string' },
      ensemble: { type: 'boolean', default: false },
    },
  });
  const servers = values.ensemble ? 3 : 1;
  const startMs = Date.now();
  let shownMs = 0;
  const onProgress = (ops: number): void => {
    if (Date.now() - shownMs < PROGRESS_MS) return;
    shownMs = Date.now();
    const perSecond = Math.round((ops * 1000) / (shownMs - startMs));
    process.stderr.write(`\r${ops} operations, ${perSecond} a second `);
  };
  const session = new Session({ servers, onProgress });
  try {
    const failure = await rounds(session, Number(values.seed), Number(values.ops), values.keep);
    process.stderr.write('\n');
    const known = KNOWN_DIFFERENCES.map(
      ({ name, reason }) => `  ${session.known.get(name) ?? 0} x ${name}: ${reason}\n`,
    );
    const header = `${session.ops} operations compared: ${session.seen}\nknown differences seen:\n`;
    const notAsked = NOT_ASKED.map((what) => `  ${what}\n`);
    process.stdout.write(`${header}${known.join('')}not asked:\n${notAsked.join('')}`);
    if (failure === null) return 0;
    process.stdout.write(`\n${failure.report}\n\nreplay: ${replayCommand(failure, servers)}\n`);
    return 1;
  } finally {
    await session.stop();
  }
}

async function rounds(
  session: Session,
  firstSeed: number,
  opsMax: number,
  keep: string | undefined,
): Promise<Failure | null> {
  if (keep !== undefined) return await session.round(firstSeed, keep.split(',').map(Number));
  for (const seed of failedSeeds()) {
    const failure = await session.round(seed);
    if (failure !== null) return failure;
  }
  for (let seed = firstSeed; session.ops < opsMax; seed += 1) {
    const failure = await session.round(seed);
    if (failure !== null) return failure;
  }
  return null;
}

if (process.argv[1] === import.meta.filename) process.exitCode = await main();
