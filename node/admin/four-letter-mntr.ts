/**
 * The answer to mntr: `zk_<key>` TAB value, a line each. The keys are ZooKeeper's, so that what
 * collects them need not know which server it asks.
 */
import type { ServerView } from './four-letter-view.ts';

export function mntrText(view: ServerView): string {
  const { quorum } = view.conf;
  const lines = [`zk_version\t${view.version}`, `zk_server_state\t${view.mode}`];
  if (quorum !== undefined) lines.push(`zk_peer_state\t${quorum.peerState}`);
  for (const [name, value] of gauges(view)) lines.push(`zk_${name}\t${numberText(name, value)}`);
  for (const [name, value] of view.metrics) lines.push(`zk_${name}\t${numberText(name, value)}`);
  return `${lines.join('\n')}\n`;
}

/** A double as Java prints one, to four places: 0.0, 2.5, 1.6667. */
export function formatDouble(value: number): string {
  const rounded = Math.round(value * 10_000) / 10_000;
  return Number.isInteger(rounded) ? rounded.toFixed(1) : String(rounded);
}

function* gauges(view: ServerView): Generator<[name: string, value: number]> {
  yield ['ephemerals_count', view.ephemeralCount];
  yield ['num_alive_connections', view.connections.length];
  yield ['avg_latency', view.latencyMs.avg];
  yield ['min_latency', view.latencyMs.min];
  yield ['max_latency', view.latencyMs.max];
  yield ['outstanding_requests', view.outstandingRequests];
  yield ['znode_count', view.nodeCount];
  yield ['global_sessions', view.globalSessions];
  yield ['local_sessions', view.localSessions];
  yield ['packets_received', view.packetsReceived];
  yield ['packets_sent', view.packetsSent];
  yield ['last_client_response_size', view.clientResponseBytes.last];
  yield ['min_client_response_size', view.clientResponseBytes.min];
  yield ['max_client_response_size', view.clientResponseBytes.max];
  yield ['watch_count', view.watchCount];
  yield ['approximate_data_size', view.approximateDataBytes];
  yield ['auth_failed_count', view.authFailedCount];
  yield ['open_file_descriptor_count', view.openFileDescriptors];
  yield ['max_file_descriptor_count', view.maxFileDescriptors];
  yield ['uptime', view.uptimeMs];
  yield* absentFeatures();
  if (view.conf.quorum !== undefined) yield ['quorum_size', view.conf.quorum.size];
  yield* leaderGauges(view);
}

/** There is no TLS and no connection throttle; dashboards still ask for their gauges. */
function* absentFeatures(): Generator<[name: string, value: number]> {
  yield ['connection_drop_probability', 0];
  yield ['non_mtls_remote_conn_count', 0];
  yield ['non_mtls_local_conn_count', 0];
  yield ['outstanding_tls_handshake', 0];
}

function* leaderGauges({ leader }: ServerView): Generator<[name: string, value: number]> {
  if (leader === undefined) return;
  yield ['learners', leader.learners];
  yield ['synced_followers', leader.syncedFollowers];
  yield ['synced_non_voting_followers', leader.syncedNonVotingFollowers];
  yield ['synced_observers', leader.syncedObservers];
  yield ['pending_syncs', leader.pendingSyncs];
  yield ['leader_uptime', leader.uptimeMs];
  yield ['last_proposal_size', leader.proposalBytes.last];
  yield ['min_proposal_size', leader.proposalBytes.min];
  yield ['max_proposal_size', leader.proposalBytes.max];
}

/** Averages and probabilities are doubles in ZooKeeper, everything else is whole. */
function numberText(name: string, value: number): string {
  const isDouble = name.startsWith('avg_') || name === 'connection_drop_probability';
  return isDouble ? formatDouble(value) : String(Math.trunc(value));
}
