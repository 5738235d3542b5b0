/**
 * Numbers about many values: how many, their sum, the least and the most, and quantiles of the
 * recent ones. Noting a value adds to a handful of plain numbers; nothing is allocated for it.
 */
import { LIMITS } from '../core/limits.ts';

/** Values below this have a bucket each; above, an octave has STEPS buckets (6 % wide or less). */
const EXACT = 32;
const STEPS = 16;
const BUCKETS = EXACT + (31 - 5) * STEPS;
const VALUE_MAX = 2 ** 31 - 1;
/** Quantiles speak of the last so many values to twice that: then every bucket is halved. */
const RECENT_MAX = 16_384;

export class Summary {
  count = 0;
  sum = 0;
  max = 0;
  private least = Number.POSITIVE_INFINITY;
  /** Made at the first value: many summaries never see one. */
  private buckets: Uint32Array | null = null;
  private recent = 0;

  /** `value`: 0 or more. Fractions count in the sum, not in the quantiles. */
  note(value: number): void {
    this.count += 1;
    this.sum += value;
    if (value > this.max) this.max = value;
    if (value < this.least) this.least = value;
    this.buckets ??= new Uint32Array(BUCKETS);
    const index = bucketOf(value);
    this.buckets[index] = (this.buckets[index] ?? 0) + 1;
    this.recent += 1;
    if (this.recent >= 2 * RECENT_MAX) this.halve(this.buckets);
  }

  /** 0 before the first value, as all of these are in ZooKeeper. */
  get min(): number {
    return this.count === 0 ? 0 : this.least;
  }

  get avg(): number {
    return this.count === 0 ? 0 : this.sum / this.count;
  }

  /** The recent value that the part `q` of them (above 0, at most 1) does not exceed. */
  quantile(q: number): number {
    if (this.buckets === null || this.recent === 0) return 0;
    let left = Math.max(1, Math.ceil(q * this.recent));
    for (const [index, values] of this.buckets.entries()) {
      left -= values;
      if (left <= 0) return Math.min(Math.max(middleOf(index), Math.floor(this.min)), this.max);
    }
    return this.max;
  }

  reset(): void {
    this.count = 0;
    this.sum = 0;
    this.max = 0;
    this.least = Number.POSITIVE_INFINITY;
    this.buckets = null;
    this.recent = 0;
  }

  private halve(buckets: Uint32Array): void {
    this.recent = 0;
    for (const [index, values] of buckets.entries()) {
      buckets[index] = values >>> 1;
      this.recent += values >>> 1;
    }
  }
}

/** A summary for each of a number of keys; past the limit the rest share one, `_others`. */
export class SummarySet {
  readonly byKey = new Map<string, Summary>();

  note(key: string, value: number): void {
    (this.byKey.get(key) ?? this.add(key)).note(value);
  }

  reset(): void {
    this.byKey.clear();
  }

  private add(key: string): Summary {
    const isFull = this.byKey.size >= LIMITS.metricKeysMax;
    const name = isFull ? '_others' : key;
    const summary = this.byKey.get(name) ?? new Summary();
    this.byKey.set(name, summary);
    return summary;
  }
}

/** The last, the least and the largest of some sizes in bytes; -1 before the first. */
export class SizeStats {
  last = -1;
  min = -1;
  max = -1;

  note(bytes: number): void {
    this.last = bytes;
    if (this.min === -1 || bytes < this.min) this.min = bytes;
    if (bytes > this.max) this.max = bytes;
  }

  reset(): void {
    this.last = -1;
    this.min = -1;
    this.max = -1;
  }
}

function bucketOf(value: number): number {
  const whole = value >= VALUE_MAX ? VALUE_MAX : Math.max(value | 0, 0);
  if (whole < EXACT) return whole;
  const octave = 31 - Math.clz32(whole);
  return EXACT + (octave - 5) * STEPS + ((whole >>> (octave - 4)) & (STEPS - 1));
}

/** The middle of the values that share a bucket. */
function middleOf(index: number): number {
  if (index < EXACT) return index;
  const shift = 1 + Math.floor((index - EXACT) / STEPS);
  const low = (STEPS + ((index - EXACT) % STEPS)) * 2 ** shift;
  return low + 2 ** (shift - 1) - 1;
}
