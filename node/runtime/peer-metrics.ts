/**
 * Looks on while the Zab core runs and counts: elections and how long they took, synchronisations,
 * what a learner received. It changes nothing and is told of everything: inputs before the core
 * gets them, outputs before they are carried out.
 */
import type { Input } from '../core/zab/inputs.ts';
import type { Output, Role } from '../core/zab/outputs.ts';
import { PeerState } from '../core/zab/vote.ts';
import type { MetricsRegistry } from './metrics.ts';

export class PeerMetrics {
  private readonly metrics: MetricsRegistry;
  private isElecting = false;
  /** Monotonic milliseconds of the present or the last election. */
  private lookingSinceMs = 0;
  private electedAtMs = 0;

  constructor(metrics: MetricsRegistry) {
    this.metrics = metrics;
  }

  input(input: Input): void {
    if (input.type !== 'message') return;
    const { counters } = this.metrics;
    switch (input.message.type) {
      case 'proposal':
        counters.learner_proposal_received_count += 1;
        break;
      case 'commit':
      case 'inform':
        counters.learner_commit_received_count += 1;
        break;
      case 'revalidate':
        counters.revalidate_count += 1;
        break;
      default:
    }
  }

  output(output: Output, nowMs: number): void {
    const { counters } = this.metrics;
    switch (output.type) {
      case 'sendSnapshot':
        counters.snap_count += 1;
        break;
      case 'send':
        // A TRUNC is the beginning of a part of the history too.
        if (output.message.type === 'diff' || output.message.type === 'trunc') {
          counters.diff_count += 1;
        }
        break;
      case 'role':
        this.role(output.role, nowMs);
        break;
      default:
    }
  }

  /** After the outputs of a step. */
  stepped(state: PeerState, nowMs: number): void {
    if (!this.isElecting || state === PeerState.looking) return;
    this.isElecting = false;
    this.electedAtMs = nowMs;
    this.metrics.summaries.election_time.note(Math.floor(nowMs - this.lookingSinceMs));
  }

  /** A transaction has been applied, so long after the leader had put its time on it. */
  applied(delayMs: number, isLeader: boolean): void {
    // The clocks of two boards differ.
    const propagationMs = Math.max(0, delayMs);
    const { counters, detailed } = this.metrics;
    detailed.propagation_latency.note(propagationMs);
    if (!isLeader) return;
    counters.commit_count += 1;
    detailed.quorum_ack_latency.note(propagationMs);
  }

  private role(role: Role, nowMs: number): void {
    const { counters, summaries } = this.metrics;
    if (role === 'looking') {
      counters.looking_count += 1;
      this.isElecting = true;
      this.lookingSinceMs = nowMs;
      return;
    }
    const unavailableMs = Math.floor(nowMs - this.lookingSinceMs);
    const syncMs = Math.floor(nowMs - this.electedAtMs);
    summaries.unavailable_time.note(unavailableMs);
    if (role === 'leading') summaries.leader_unavailable_time.note(unavailableMs);
    if (role === 'following') summaries.follower_sync_time.note(syncMs);
    if (role === 'observing') summaries.observer_sync_time.note(syncMs);
  }
}
