/**
 * What a server's state is in numbers at this moment, by ZooKeeper's names: mntr and Prometheus
 * show the same.
 */
import type { ServerView } from './four-letter-view.ts';

/** Names without `zk_`. Those of a leader are there only while this server leads. */
export function* gaugesOf(view: ServerView): Generator<[name: string, value: number]> {
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
