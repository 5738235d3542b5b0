/**
 * A differential session: round after round of random steps against one pair, each from its own
 * seed, until so many operations are done or two servers differ. A failing round is made smaller on
 * the pair at hand and confirmed on a fresh one.
 */
import { Comparison, type Difference } from './compare.ts';
import { generate } from './generate.ts';
import { Pair } from './pair.ts';
import { shrink } from './shrink.ts';
import { requestCount, type Step, stepText } from './steps.ts';
import { CONFIG_PATH } from './vocabulary.ts';

/** Requests of one round. */
export const ROUND_OPS = 300;
const SHRINK_TRIES = 120;

export interface SessionOptions {
  /** Servers on each side. */
  readonly servers: number;
  readonly onProgress?: (ops: number) => void;
}

export interface Failure {
  readonly seed: number;
  /** Places of the steps that are left, among those of the seed. */
  readonly kept: readonly number[];
  readonly report: string;
}

export class Session {
  ops = 0;
  private readonly options: SessionOptions;
  private pair: Pair | null = null;
  private readonly knownTotals = new Map<string, number>();
  private readonly seenTotals = new Map<string, number>();

  constructor(options: SessionOptions) {
    this.options = options;
  }

  /** How often each known difference was seen. */
  get known(): ReadonlyMap<string, number> {
    return this.knownTotals;
  }

  /** How many replies there were with each error code, and how many events. */
  get seen(): string {
    const kinds = [...this.seenTotals].sort(([, a], [, b]) => b - a);
    return kinds.map(([kind, count]) => `${kind} ${count}`).join(', ');
  }

  /** One round, or the steps of it at `kept`. Null when the two sides were alike. */
  async round(seed: number, kept?: readonly number[]): Promise<Failure | null> {
    const steps = generate(seed, ROUND_OPS).filter((step) => this.isComparable(step));
    const places = kept ?? steps.map((_, place) => place);
    const difference = await this.compare(pick(steps, places));
    if (difference === null) return null;
    const smaller = kept === undefined ? await this.smaller(steps, places, difference) : places;
    await this.stop();
    const confirmed = await this.compare(pick(steps, smaller));
    const isConfirmed = confirmed !== null;
    const logs = this.pair?.logs ?? '';
    await this.stop();
    const left = isConfirmed ? smaller : places;
    const shown = confirmed ?? difference;
    const note = isConfirmed ? '' : 'The smaller run does not fail on fresh servers.\n';
    const report = `${note}${describe(pick(steps, left), shown)}\n${logs}`;
    return { seed, kept: left, report };
  }

  async stop(): Promise<void> {
    await this.pair?.stop();
    this.pair = null;
  }

  /** Each server of an ensemble writes the config znode by itself, with its own ports and time. */
  private isComparable(step: Step): boolean {
    return this.options.servers === 1 || !stepText(step).includes(`"${CONFIG_PATH}"`);
  }

  private async compare(steps: readonly Step[]): Promise<Difference | null> {
    this.pair ??= await Pair.start(this.options.servers);
    const comparison = new Comparison(this.pair);
    const difference = await this.runOn(comparison, steps);
    this.ops += steps.reduce((sum, step) => sum + requestCount(step), 0);
    addTo(this.knownTotals, comparison.known);
    addTo(this.seenTotals, comparison.seen);
    this.options.onProgress?.(this.ops);
    return difference;
  }

  /** A server that hangs or dies is a difference too; the next run gets a fresh pair. */
  private async runOn(comparison: Comparison, steps: readonly Step[]): Promise<Difference | null> {
    try {
      return await comparison.run(steps);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      const logs = this.pair?.logs ?? '';
      await this.stop();
      const what = 'a server does not answer';
      return { at: steps.length, what, apache: [], picket: [`${message}\n${logs}`] };
    }
  }

  /** Leaves out what the difference does not need: the same step has to fail. */
  private async smaller(
    steps: readonly Step[],
    places: readonly number[],
    difference: Difference,
  ): Promise<readonly number[]> {
    const upTo = places.slice(0, difference.at + 1);
    const last = difference.at < places.length ? places[difference.at] : undefined;
    const stillFails = async (left: readonly number[]): Promise<boolean> => {
      const again = await this.compare(pick(steps, left));
      if (again === null) return false;
      return again.what === difference.what && (last === undefined || left[again.at] === last);
    };
    return await shrink(upTo, stillFails, SHRINK_TRIES);
  }
}

function addTo(totals: Map<string, number>, counts: ReadonlyMap<string, number>): void {
  for (const [name, count] of counts) totals.set(name, (totals.get(name) ?? 0) + count);
}

function pick(steps: readonly Step[], places: readonly number[]): Step[] {
  return places.flatMap((place) => steps[place] ?? []);
}

function describe(steps: readonly Step[], { at, what, apache, picket }: Difference): string {
  const done = steps.slice(0, at + 1).map(stepText);
  const lines = [...done, `differs: ${what}`];
  const count = Math.max(apache.length, picket.length);
  for (let i = 0; i < count; i += 1) {
    if (apache[i] === picket[i] && count > 12) continue;
    lines.push(`  Apache: ${apache[i] ?? '-'}`, `  Picket: ${picket[i] ?? '-'}`);
  }
  return lines.map((line) => (line.length > 600 ? `${line.slice(0, 600)}...` : line)).join('\n');
}
