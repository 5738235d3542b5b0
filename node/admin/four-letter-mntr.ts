/**
 * The answer to mntr: `zk_<key>` TAB value, a line each. The keys are ZooKeeper's, so that what
 * collects them need not know which server it asks.
 */
import type { MetricsView, ServerView, SummaryView } from './four-letter-view.ts';
import { gaugesOf } from './gauges.ts';

export function mntrText(view: ServerView): string {
  const { quorum } = view.conf;
  const lines = [`zk_version\t${view.version}`, `zk_server_state\t${view.mode}`];
  if (quorum !== undefined) lines.push(`zk_peer_state\t${quorum.peerState}`);
  const values = [...gaugesOf(view), ...metricValues(view.metrics)];
  for (const [name, value] of values) lines.push(`zk_${name}\t${numberText(name, value)}`);
  return `${lines.join('\n')}\n`;
}

/** A double as Java prints one, to four places: 0.0, 2.5, 1.6667. */
export function formatDouble(value: number): string {
  const rounded = Math.round(value * 10_000) / 10_000;
  return Number.isInteger(rounded) ? rounded.toFixed(1) : String(rounded);
}

type Value = readonly [name: string, value: number];

function* metricValues(metrics: MetricsView): Generator<Value> {
  yield* metrics.counters;
  for (const [name, summary] of metrics.summaries) yield* summaryValues(name, summary);
  for (const [name, summary] of metrics.detailed) {
    yield* summaryValues(name, summary);
    for (const [prefix, q] of PERCENTILES) yield [`${prefix}_${name}`, summary.quantile(q)];
  }
  for (const [name, byKey] of metrics.sets) {
    for (const [key, summary] of byKey) yield* summaryValues(`${key}_${name}`, summary);
  }
}

const PERCENTILES = [
  ['p50', 0.5],
  ['p95', 0.95],
  ['p99', 0.99],
  ['p999', 0.999],
] as const;

function* summaryValues(name: string, summary: SummaryView): Generator<Value> {
  yield [`avg_${name}`, summary.avg];
  yield [`min_${name}`, summary.min];
  yield [`max_${name}`, summary.max];
  yield [`cnt_${name}`, summary.count];
  yield [`sum_${name}`, summary.sum];
}

/** Averages and probabilities are doubles in ZooKeeper, everything else is whole. */
function numberText(name: string, value: number): string {
  const isDouble = name.startsWith('avg_') || name === 'connection_drop_probability';
  return isDouble ? formatDouble(value) : String(Math.trunc(value));
}
