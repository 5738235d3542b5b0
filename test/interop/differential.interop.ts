/**
 * A short differential run: random requests against Picket and Apache ZooKeeper side by side, on
 * seeds that once told them apart and on some fixed ones. `npm run test:differential` goes on.
 */
import assert from 'node:assert/strict';
import { failedSeeds, replayCommand } from '../differential/seeds.ts';
import { Session } from '../differential/session.ts';
import { interopTest } from './harness.ts';

const OPS = 3000;
const FIRST_SEED = 100;

interopTest(
  'random requests to Picket and to Apache are answered alike',
  ['zookeeper'],
  async () => {
    const session = new Session({ servers: 1 });
    try {
      const run = async (seed: number): Promise<void> => {
        const failure = await session.round(seed);
        if (failure !== null) assert.fail(`${failure.report}\n${replayCommand(failure, 1)}`);
      };
      for (const seed of failedSeeds()) await run(seed);
      for (let seed = FIRST_SEED; session.ops < OPS; seed += 1) await run(seed);
    } finally {
      await session.stop();
    }
  },
);
