/**
 * The counters and summaries of a running peer as mntr and Prometheus show them: those of the
 * runtime, those of its client port, and ZooKeeper's for things that are not here.
 */
import type { PeerRuntime } from '../runtime/peer-runtime.ts';
import type { MetricsView } from './four-letter-view.ts';

export function metricsView(runtime: PeerRuntime): MetricsView {
  const { metrics } = runtime;
  return {
    counters: countersOf(runtime),
    summaries: Object.entries(metrics.summaries),
    detailed: Object.entries(metrics.detailed),
    sets: Object.entries(metrics.namespaces).map(([name, { byKey }]) => [name, byKey] as const),
  };
}

function* countersOf({ metrics, clientPort }: PeerRuntime): Generator<[string, number]> {
  yield* Object.entries(metrics.counters);
  const stats = clientPort?.stats;
  yield ['bytes_received_count', stats?.bytesReceived ?? 0];
  yield ['connection_rejected', stats?.refused ?? 0];
  yield ['connection_drop_count', stats?.endings.client ?? 0];
  yield ['sessionless_connections_expired', stats?.endings.noSession ?? 0];
  yield ['large_requests_rejected', stats?.endings.badFrame ?? 0];
  for (const name of ABSENT) yield [name, 0];
}

/**
 * What these count does not happen here: no TLS, no SASL, no request throttler, no admin server, no
 * cache of replies, no thread that cleans up after dead watchers; a fault halts the peer.
 * Dashboards ask for them and are told the truth, zero. ZooKeeper's counters of the queues between
 * its threads are left out.
 */
const ABSENT = [
  ...['stale_requests', 'stale_requests_dropped', 'throttled_ops', 'request_throttle_wait_count'],
  ...['ensemble_auth_success', 'ensemble_auth_fail', 'ensemble_auth_skip'],
  ...['tls_handshake_exceeded', 'unsuccessful_handshake', 'insecure_admin_count'],
  ...['response_packet_cache_hits', 'response_packet_cache_misses'],
  'response_packet_get_children_cache_hits',
  'response_packet_get_children_cache_misses',
  ...['dead_watchers_queued', 'dead_watchers_cleared', 'add_dead_watcher_stall_time'],
  ...['unrecoverable_error_count', 'digest_mismatches_count', 'quit_leading_due_to_disloyal_voter'],
];
