/** Prometheus' text as ZooKeeper's provider writes it, over HTTP. */
import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import type { ServerView } from '../../node/admin/four-letter-view.ts';
import { PrometheusPort } from '../../node/admin/prometheus.ts';
import { Summary } from '../../node/runtime/summary.ts';
import { RecordingLog } from '../helpers/ports.ts';
import { FOLLOWER, LEADER } from '../helpers/server-view.ts';

const open: PrometheusPort[] = [];

afterEach(async () => {
  for (const port of open.splice(0)) await port.close();
});

async function serve(view: () => ServerView, hasProcessMetrics = false) {
  const log = new RecordingLog();
  const host = '127.0.0.1';
  const metrics = new PrometheusPort({ host, port: 0, hasProcessMetrics, view, log });
  open.push(metrics);
  await metrics.start();
  const ask = (path: string, method = 'GET') =>
    fetch(`http://127.0.0.1:${metrics.port}${path}`, { method });
  return { metrics, log, ask };
}

function summaryOf(...values: number[]): Summary {
  const summary = new Summary();
  for (const value of values) summary.note(value);
  return summary;
}

describe('the metrics port', () => {
  it('shows gauges, counters and summaries under the names of mntr', async () => {
    const view: ServerView = {
      ...LEADER,
      metrics: {
        counters: [['commit_count', 7]],
        summaries: [['fsynctime', summaryOf(1.5, 3)]],
        detailed: [['readlatency', summaryOf(1, 2, 30)]],
        sets: [['write_per_namespace', new Map([['app"', summaryOf(5)]])]],
      },
    };
    const { ask } = await serve(() => view);
    const response = await ask('/metrics');
    assert.equal(response.status, 200);
    assert.equal(response.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
    const lines = (await response.text()).split('\n');
    for (const part of [
      ['# TYPE znode_count gauge', 'znode_count 8'],
      ['# TYPE synced_followers gauge', 'synced_followers 2'],
      ['# TYPE avg_latency gauge', 'avg_latency 2.5'],
      ['# TYPE commit_count counter', 'commit_count 7'],
      [
        '# TYPE fsynctime summary',
        'fsynctime{quantile="0.5"} 1',
        'fsynctime_count 2',
        'fsynctime_sum 4.5',
      ],
      [
        '# TYPE readlatency summary',
        'readlatency{quantile="0.5"} 2',
        'readlatency{quantile="0.9"} 30',
        'readlatency{quantile="0.99"} 30',
        'readlatency_count 3',
        'readlatency_sum 33',
      ],
      [
        '# TYPE write_per_namespace summary',
        'write_per_namespace{key="app\\"",quantile="0.5"} 5',
        'write_per_namespace_count{key="app\\""} 1',
        'write_per_namespace_sum{key="app\\""} 5',
      ],
    ]) {
      const at = lines.indexOf(part[0] ?? '');
      assert.deepEqual(lines.slice(at, at + part.length), part);
    }
    assert.equal(
      lines.some((line) => line.startsWith('process_')),
      false,
    );
  });

  it('reads the server anew at every scrape', async () => {
    let view = LEADER;
    const { ask } = await serve(() => view);
    assert.match(await (await ask('/metrics')).text(), /^synced_followers 2$/m);
    view = { ...FOLLOWER, nodeCount: 99 };
    const text = await (await ask('/metrics?x=1')).text();
    assert.match(text, /^znode_count 99$/m);
    assert.doesNotMatch(text, /synced_followers/);
  });

  it('adds memory and event loop of the process', async () => {
    const { ask } = await serve(() => LEADER, true);
    const text = await (await ask('/metrics')).text();
    assert.match(text, /^process_resident_memory_bytes \d+$/m);
    assert.match(text, /^nodejs_eventloop_lag_p99_seconds /m);
    assert.match(text, /^process_open_fds \d+$/m);
  });

  it('answers nothing else', async () => {
    const { ask } = await serve(() => LEADER);
    assert.equal((await ask('/')).status, 404);
    assert.equal((await ask('/metrics', 'POST')).status, 405);
    const head = await ask('/metrics', 'HEAD');
    assert.deepEqual([head.status, await head.text()], [200, '']);
  });

  it('says which port is taken, and how to move it', async () => {
    const { metrics, log } = await serve(() => LEADER);
    const at = { host: '127.0.0.1', port: metrics.port };
    const second = new PrometheusPort({ ...at, hasProcessMetrics: false, view: () => LEADER, log });
    await assert.rejects(second.start(), /metrics port \d+ .* is taken.*metricsProvider\.httpPort/);
  });
});
