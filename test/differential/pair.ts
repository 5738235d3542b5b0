/** Picket and Apache ZooKeeper side by side, with the same configuration. */
import { ApacheEnsemble } from '../helpers/apache.ts';
import { type Ensemble, logsOf } from '../helpers/ensemble.ts';
import { fourLetter } from '../helpers/four-letter.ts';
import { PicketEnsemble } from '../helpers/picket.ts';
import { Target } from './target.ts';
import { SUPER_DIGEST } from './vocabulary.ts';

const CONFIG = [
  `DigestAuthenticationProvider.superDigest=${SUPER_DIGEST}`,
  'extendedTypesEnabled=true',
  'enforceQuota=true',
  // A run that is being made smaller may leave a session alone for long.
  'maxSessionTimeout=600000',
];
const HOURS_MS = 100_000_000;
/** Nothing may go by itself, at a time of its own. */
const NO_REAPER = `znode.container.checkIntervalMs=${HOURS_MS}`;

export class Pair {
  readonly apache: Target;
  readonly picket: Target;
  private readonly ensembles: readonly [apache: Ensemble, picket: Ensemble];

  /** `servers` each: 1 standalone, 3 an ensemble with sessions on all of them. */
  static async start(servers: number): Promise<Pair> {
    const config = CONFIG;
    const jvmFlags = [`-D${NO_REAPER}`, '-Dzookeeper.forceSync=no'];
    const starting = [
      ApacheEnsemble.start(servers, { config, jvmFlags }),
      PicketEnsemble.start(servers, {
        config: [...config, NO_REAPER],
        env: { PICKET_LOG_LEVEL: 'warn' },
      }),
    ] as const;
    const settled = await Promise.allSettled(starting);
    const [apache, picket] = settled;
    if (apache.status === 'fulfilled' && picket.status === 'fulfilled') {
      return new Pair(apache.value, picket.value);
    }
    for (const one of settled) if (one.status === 'fulfilled') await one.value.stop();
    throw apache.status === 'rejected' ? apache.reason : new Error('Picket did not start');
  }

  private constructor(apache: Ensemble, picket: Ensemble) {
    this.ensembles = [apache, picket];
    this.apache = new Target(apache.servers.map(({ clientPort }) => clientPort));
    this.picket = new Target(picket.servers.map(({ clientPort }) => clientPort));
  }

  /** The answers of the first server of each to a four-letter word. */
  async ask(word: string): Promise<readonly [apache: string, picket: string]> {
    const [apache, picket] = this.ensembles;
    return await Promise.all([
      fourLetter(apache.server(1).clientPort, word),
      fourLetter(picket.server(1).clientPort, word),
    ]);
  }

  get logs(): string {
    return this.ensembles.map((ensemble) => logsOf(ensemble, 15)).join('\n');
  }

  async stop(): Promise<void> {
    this.apache.drop();
    this.picket.drop();
    await Promise.all(this.ensembles.map((ensemble) => ensemble.stop()));
  }
}
