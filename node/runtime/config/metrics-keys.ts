/** ZooKeeper's metricsProvider keys: whether Prometheus is served, and where. */
import type { MetricsConfig } from './peer-config.ts';
import type { Settings } from './settings.ts';

const PROMETHEUS = 'org.apache.zookeeper.metrics.prometheus.PrometheusMetricsProvider';
/** Providers that open no port. What is counted stays to be seen in mntr. */
const SILENT = [
  'org.apache.zookeeper.metrics.impl.DefaultMetricsProvider',
  'org.apache.zookeeper.metrics.impl.NullMetricsProvider',
];

const KEYS = ['httpHost', 'httpPort', 'exportJvmInfo'].map((name) => `metricsProvider.${name}`);

/** Undefined when there is no endpoint. */
export function readMetrics(settings: Settings): MetricsConfig | undefined {
  const key = 'metricsProvider.className';
  const provider = settings.text(key);
  if (provider !== PROMETHEUS) {
    if (provider !== undefined && !SILENT.includes(provider)) {
      settings.problem(key, `must be ${PROMETHEUS}, or not set`);
    }
    for (const name of KEYS) {
      if (settings.get(name) === undefined) continue;
      settings.warn(name, `has no effect without ${key}=${PROMETHEUS}`);
    }
    return undefined;
  }
  return {
    host: settings.text('metricsProvider.httpHost') ?? '0.0.0.0',
    port: settings.integer(
      'metricsProvider.httpPort',
      { fallback: 7000, min: 1, max: 65_535 },
      'a port',
    ),
    hasProcessMetrics: settings.boolean('metricsProvider.exportJvmInfo', true),
  };
}
