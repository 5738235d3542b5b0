import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LIMITS } from '../../node/core/limits.ts';
import { Prng } from '../../node/core/prng.ts';
import { SizeStats, Summary, SummarySet } from '../../node/runtime/summary.ts';

function summaryOf(values: readonly number[]): Summary {
  const summary = new Summary();
  for (const value of values) summary.note(value);
  return summary;
}

/** The exact quantile: what `part` of the values do not exceed. */
function exact(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(1, Math.ceil(part * sorted.length)) - 1] ?? 0;
}

describe('a summary', () => {
  it('is all zero before the first value', () => {
    const { count, sum, min, avg, max } = new Summary();
    assert.deepEqual([count, sum, min, avg, max, new Summary().quantile(0.5)], [0, 0, 0, 0, 0, 0]);
  });

  it('keeps count, sum, least, most and average exactly', () => {
    const { count, sum, min, avg, max } = summaryOf([4, 0.5, 10.5, 1]);
    assert.deepEqual([count, sum, min, avg, max], [4, 16, 0.5, 4, 10.5]);
  });

  it('has exact quantiles of small values', () => {
    const values = Array.from({ length: 32 }, (_, i) => i);
    const summary = summaryOf(values);
    for (const q of [0.001, 0.25, 0.5, 0.95, 0.999, 1]) {
      assert.equal(summary.quantile(q), exact(values, q), `q = ${q}`);
    }
  });

  it('has quantiles of any values to within a sixteenth', () => {
    const prng = new Prng(7);
    for (let round = 0; round < 50; round += 1) {
      const range = 2 ** (1 + prng.below(31));
      const values = Array.from({ length: 1 + prng.below(400) }, () => prng.below(range));
      const summary = summaryOf(values);
      for (const q of [0.5, 0.9, 0.99, 0.999]) {
        const wanted = exact(values, q);
        const got = summary.quantile(q);
        assert.ok(Math.abs(got - wanted) <= wanted / 16, `${got} for ${wanted}, range ${range}`);
      }
    }
  });

  it('takes what is larger than it distinguishes as the largest', () => {
    const summary = summaryOf([1, 2 ** 40]);
    assert.equal(summary.max, 2 ** 40);
    assert.ok(summary.quantile(1) >= 2 ** 30);
  });

  it('lets its quantiles follow the recent values', () => {
    const summary = new Summary();
    for (let i = 0; i < 100_000; i += 1) summary.note(1);
    for (let i = 0; i < 50_000; i += 1) summary.note(20);
    assert.equal(summary.quantile(0.5), 20);
    assert.equal(summary.count, 150_000);
    assert.equal(summary.min, 1);
  });

  it('forgets everything on reset', () => {
    const summary = summaryOf([5, 6]);
    summary.reset();
    assert.deepEqual(summary, new Summary());
  });
});

describe('a set of summaries', () => {
  it('has one for each key, and one for those past the limit', () => {
    const set = new SummarySet();
    for (let i = 0; i < LIMITS.metricKeysMax + 10; i += 1) set.note(`key${i}`, 1);
    set.note('key0', 3);
    assert.equal(set.byKey.size, LIMITS.metricKeysMax + 1);
    assert.equal(set.byKey.get('key0')?.sum, 4);
    assert.equal(set.byKey.get('_others')?.count, 10);
  });
});

describe('sizes', () => {
  it('are -1 before the first one and after a reset', () => {
    const sizes = new SizeStats();
    assert.deepEqual({ ...sizes }, { last: -1, min: -1, max: -1 });
    for (const bytes of [5, 0, 7, 6]) sizes.note(bytes);
    assert.deepEqual({ ...sizes }, { last: 6, min: 0, max: 7 });
    sizes.reset();
    assert.deepEqual({ ...sizes }, { last: -1, min: -1, max: -1 });
  });
});
