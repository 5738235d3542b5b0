/**
 * Votes and the notifications that carry them on the election port (fast leader election).
 */
import { counterOf, type Zxid } from '../zxid.ts';

export const PeerState = { looking: 0, following: 1, leading: 2, observing: 3 } as const;
export type PeerState = (typeof PeerState)[keyof typeof PeerState];

export interface Vote {
  /** The sid of the proposed leader. */
  readonly leader: number;
  /** The proposed leader's last logged zxid. */
  readonly zxid: Zxid;
  /** The proposed leader's currentEpoch. */
  readonly peerEpoch: number;
}

/** What peers tell each other on the election port; the sender is known from the connection. */
export interface Notification extends Vote {
  /** The sender's state. */
  readonly state: PeerState;
  /** The round of election: the sender's logical clock. */
  readonly electionEpoch: number;
  /** 2 since ZooKeeper 3.4.6; 0 or 1 from peers before it. */
  readonly version: number;
  /** The sender's quorum configuration with its `version=` line; empty where it sent none. */
  readonly config: string;
}

/** What a peer that is no participant (an observer) proposes: Long.MIN_VALUE in every field. */
export const NO_VOTE: Vote = { leader: -(2 ** 63), zxid: -(2 ** 63), peerEpoch: -(2 ** 63) };

/** FLE's total order: (peerEpoch, zxid, leader), lexicographic. True when `a` comes after `b`. */
export function isGreaterVote(a: Vote, b: Vote): boolean {
  if (a.peerEpoch !== b.peerEpoch) return a.peerEpoch > b.peerEpoch;
  if (a.zxid !== b.zxid) return a.zxid > b.zxid;
  return a.leader > b.leader;
}

/** A peer's history in two numbers, as discovery compares them. */
export interface HistorySummary {
  readonly currentEpoch: number;
  readonly lastZxid: Zxid;
}

/**
 * True when a learner's history holds something that the leader's does not: the leader must give
 * up. `(e, 0)` of the epoch that both have joined is where that epoch began, so it is no more than
 * the leader has, though the number may be larger than the leader's last transaction.
 */
export function isMoreRecent(learner: HistorySummary, leader: HistorySummary): boolean {
  if (learner.currentEpoch !== leader.currentEpoch) {
    return learner.currentEpoch > leader.currentEpoch;
  }
  if (counterOf(learner.lastZxid) === 0) return false;
  return learner.lastZxid > leader.lastZxid;
}
