/**
 * What a running peer counts. The keys are ZooKeeper's names (ServerMetrics.java), so that its
 * dashboards find them; whoever shows them (mntr, Prometheus) reads them when it is asked. Counting
 * is adding to plain numbers: nothing here may cost the way of a request more than that.
 */
import { Summary, SummarySet } from './summary.ts';

/** What ZooKeeper adds to a read for the Stat. */
const STAT_BYTES = 68;

export class MetricsRegistry {
  readonly counters = zeroCounters();

  /** Milliseconds, unless said otherwise. */
  readonly summaries = {
    fsynctime: new Summary(),
    /** Records that one flush of the journal covered. */
    sync_processor_batch_size: new Summary(),
    snapshottime: new Summary(),
    /** At the start: all of it, the snapshot, the transactions after it, and their number. */
    dbinittime: new Summary(),
    startup_snap_load_time: new Summary(),
    startup_txns_load_time: new Summary(),
    startup_txns_loaded: new Summary(),
    election_time: new Summary(),
    /** From the beginning of an election until this peer serves, and that of those it won. */
    unavailable_time: new Summary(),
    leader_unavailable_time: new Summary(),
    /** From the end of the election until this learner serves. */
    follower_sync_time: new Summary(),
    observer_sync_time: new Summary(),
    /** Watchers that heard of one change. */
    node_created_watch_count: new Summary(),
    node_deleted_watch_count: new Summary(),
    node_changed_watch_count: new Summary(),
    node_children_watch_count: new Summary(),
  };

  /** Those that `mntr` shows with percentiles. */
  readonly detailed = {
    /** From the request to the reply. */
    readlatency: new Summary(),
    updatelatency: new Summary(),
    /** From the leader's timestamp of a transaction until it was applied here. */
    propagation_latency: new Summary(),
    /** The same on the leader: until a quorum had acknowledged it. */
    quorum_ack_latency: new Summary(),
  };

  /** By the first segment of the path, in bytes. */
  readonly namespaces = {
    read_per_namespace: new SummarySet(),
    write_per_namespace: new SummarySet(),
  };

  reset(): void {
    Object.assign(this.counters, zeroCounters());
    for (const summary of Object.values(this.summaries)) summary.reset();
    for (const summary of Object.values(this.detailed)) summary.reset();
    for (const set of Object.values(this.namespaces)) set.reset();
  }

  /** A read of `path`, which gave so many bytes of data or names. */
  noteRead(path: string, bytes: number): void {
    const namespace = namespaceOf(path);
    if (namespace === null) return;
    const size = path.length + bytes + STAT_BYTES;
    this.namespaces.read_per_namespace.note(namespace, size);
  }

  noteWrite(path: string, bytes: number): void {
    const namespace = namespaceOf(path);
    if (namespace === null) return;
    this.namespaces.write_per_namespace.note(namespace, path.length + bytes);
  }
}

/** The first segment of a path; the root is in none. */
function namespaceOf(path: string): string | null {
  if (path.length < 2) return null;
  const end = path.indexOf('/', 1);
  return end === -1 ? path.slice(1) : path.slice(1, end);
}

/** They grow only, until `srst` sets all of them back. */
function zeroCounters() {
  return {
    /** Times this peer began to look for a leader. */
    looking_count: 0,
    /** Learners brought up to date by a snapshot, and by a part of the history. */
    snap_count: 0,
    diff_count: 0,
    /** Of this peer as leader. */
    proposal_count: 0,
    commit_count: 0,
    /** From the leader; INFORM counts as a commit. */
    learner_proposal_received_count: 0,
    learner_commit_received_count: 0,
    /** Handshakes of clients, and those of them that brought their session along. */
    connection_request_count: 0,
    connection_revalidate_count: 0,
    /** Sessions that learners asked this leader about. */
    revalidate_count: 0,
    /** Sessions that this leader let expire. */
    stale_sessions_expired: 0,
    /** Writes whose client had gone when they were done. */
    stale_replies: 0,
    cnxn_closed_without_zk_server_running: 0,
    /** Replies and watch events, without the lengths in front. */
    response_bytes: 0,
    watch_bytes: 0,
  };
}
