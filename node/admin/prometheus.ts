/**
 * Metrics for Prometheus on a port of their own, under the names and in the shape of ZooKeeper's
 * PrometheusMetricsProvider, so that dashboards made for it work. All is read when it is asked for:
 * between two scrapes nobody counts for Prometheus.
 */
import http from 'node:http';
import {
  Counter,
  collectDefaultMetrics,
  Gauge,
  type LabelValues,
  Registry,
  Summary,
} from 'prom-client';
import type { Log } from '../core/log-sink.ts';
import { closeServer, listen } from '../net/sockets.ts';
import type { MetricsView, ServerView, SummaryView } from './four-letter-view.ts';
import { gaugesOf } from './gauges.ts';

export interface PrometheusOptions {
  readonly host: string;
  readonly port: number;
  readonly hasProcessMetrics: boolean;
  readonly view: () => ServerView;
  readonly log: Log;
}

/** Scrapers are few; a port that anybody can reach must not eat the board's descriptors. */
const CONNECTIONS_MAX = 16;
/**
 * How often the delay of the event loop is sampled. Every sample wakes the processor, and on a
 * board that runs on a battery ten milliseconds, which is the default, are dear.
 */
const DELAY_SAMPLE_MS = 100;

/** Quantiles as ZooKeeper's provider exports them. */
const BASIC = [0.5];
const DETAILED = [0.5, 0.9, 0.99];

type Label = 'key' | 'quantile';
type Sample = { value: number; labels: LabelValues<Label>; metricName?: string };
type ByKey = Iterable<readonly [key: string | undefined, summary: SummaryView]>;

export class PrometheusPort {
  private readonly options: PrometheusOptions;
  private readonly ofProcess = new Registry();
  private readonly server: http.Server;
  private listeningOn = 0;

  constructor(options: PrometheusOptions) {
    this.options = options;
    this.server = http.createServer((request, response) => this.answer(request, response));
    this.server.maxConnections = CONNECTIONS_MAX;
    if (options.hasProcessMetrics) {
      collectDefaultMetrics({
        register: this.ofProcess,
        eventLoopMonitoringPrecision: DELAY_SAMPLE_MS,
      });
    }
  }

  get port(): number {
    return this.listeningOn;
  }

  /** Rejects, naming the port, when it cannot be listened on. */
  async start(): Promise<void> {
    const { host, port } = this.options;
    const at = { host, port };
    this.listeningOn = await listen(this.server, at, 'metrics', 'metricsProvider.httpPort');
    this.server.on('error', (error) => this.trouble(error));
  }

  async close(): Promise<void> {
    const closed = closeServer(this.server);
    this.server.closeAllConnections();
    await closed;
  }

  private answer(request: http.IncomingMessage, response: http.ServerResponse): void {
    const [path] = (request.url ?? '').split('?', 1);
    if (path !== '/metrics') return end(response, 404, 'the metrics are at /metrics\n');
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('Allow', 'GET, HEAD');
      return end(response, 405, 'GET /metrics\n');
    }
    const registry = Registry.merge([registryOf(this.options.view()), this.ofProcess]);
    registry.metrics().then(
      (text) => {
        response.setHeader('Content-Type', registry.contentType);
        end(response, 200, text);
      },
      (error: unknown) => {
        this.trouble(error);
        end(response, 500, 'the metrics could not be collected; see the log\n');
      },
    );
  }

  private trouble(error: unknown): void {
    this.options.log.error('the metrics port has trouble', { error: String(error) });
  }
}

function end(response: http.ServerResponse, status: number, text: string): void {
  response.statusCode = status;
  response.end(text);
}

function registryOf(view: ServerView): Registry {
  const registry = new Registry();
  const registers = [registry];
  for (const [name, value] of gaugesOf(view)) {
    new Gauge({ name, help: name, registers }).set(value);
  }
  for (const [name, value] of view.metrics.counters) {
    new Counter({ name, help: name, registers }).inc(value);
  }
  addSummaries(registry, view.metrics);
  return registry;
}

function addSummaries(registry: Registry, metrics: MetricsView): void {
  for (const [name, summary] of metrics.summaries) {
    addSummary(registry, name, [[undefined, summary]], BASIC);
  }
  for (const [name, summary] of metrics.detailed) {
    addSummary(registry, name, [[undefined, summary]], DETAILED);
  }
  for (const [name, byKey] of metrics.sets) addSummary(registry, name, byKey, BASIC);
}

/** One whose samples are ours: what prom-client would keep for it has been counted already. */
function addSummary(
  registry: Registry,
  name: string,
  byKey: ByKey,
  quantiles: readonly number[],
): void {
  const family = new Summary<Label>({ name, help: name, labelNames: ['key'], registers: [] });
  const shape = family.get();
  family.get = async () => ({ ...(await shape), values: samplesOf(name, byKey, quantiles) });
  registry.registerMetric(family);
}

function samplesOf(name: string, byKey: ByKey, quantiles: readonly number[]): Sample[] {
  const samples: Sample[] = [];
  for (const [key, summary] of byKey) {
    const labels = key === undefined ? {} : { key };
    for (const quantile of quantiles) {
      samples.push({ labels: { ...labels, quantile }, value: summary.quantile(quantile) });
    }
    samples.push({ metricName: `${name}_count`, labels, value: summary.count });
    samples.push({ metricName: `${name}_sum`, labels, value: summary.sum });
  }
  return samples;
}
