/**
 * Fast leader election (ZooKeeper's FastLeaderElection, electionAlg 3) as a state machine: one
 * instance is one time in state LOOKING. It chooses the peer with the most recent history that a
 * quorum can agree on; safety does not rest on the choice (discovery checks it again), only
 * liveness does.
 *
 * Must never count a vote from or for a peer that is no participant of the configuration.
 */
import type { QuorumVerifier } from './quorum-verifier.ts';
import { isGreaterVote, NO_VOTE, type Notification, PeerState, type Vote } from './vote.ts';

export interface ElectionConfig {
  readonly sid: number;
  readonly verifier: QuorumVerifier;
  readonly configText: string;
  /** How long a quorum of equal votes is held open for a better one, unless all have voted. */
  readonly finalizeWaitMs: number;
  /** The first and the longest interval between repetitions of the vote. */
  readonly notificationMinMs: number;
  readonly notificationMaxMs: number;
}

export interface Elected {
  readonly vote: Vote;
  readonly electionEpoch: number;
}

interface ReceivedVote extends Vote {
  readonly state: PeerState;
  readonly electionEpoch: number;
  readonly version: number;
}

export const NOTIFICATION_VERSION = 2;

export class Election {
  private readonly config: ElectionConfig;
  private readonly initial: Vote;
  /** Participants whose connection was lost: they will not vote before it is back. */
  private readonly lost: ReadonlySet<number>;
  private readonly notify: (to: number, notification: Notification) => void;
  private round: number;
  private proposal: Vote;
  /** Votes of this round. */
  private readonly received = new Map<number, ReceivedVote>();
  /** Votes of peers that have left LOOKING; a vote of a LOOKING peer never enters. */
  private readonly outOfElection = new Map<number, ReceivedVote>();
  /** When a peer that is no participant will be answered again. */
  private readonly strangerAtMs = new Map<number, number>();
  private repeatMs: number;
  private repeatAtMs: number;
  /** When the present quorum of equal votes becomes final; Infinity while there is none. */
  private finalAtMs = Number.POSITIVE_INFINITY;

  /**
   * `round` is the logical clock to begin with (one more than the last election's); `own` the vote
   * for this peer itself, NO_VOTE when it is no participant.
   */
  constructor(
    config: ElectionConfig,
    round: number,
    own: Vote,
    nowMs: number,
    lost: ReadonlySet<number>,
    notify: (to: number, notification: Notification) => void,
  ) {
    this.config = config;
    this.round = round;
    this.initial = own;
    this.proposal = own;
    this.lost = lost;
    this.notify = notify;
    this.repeatMs = config.notificationMinMs;
    this.repeatAtMs = nowMs + this.repeatMs;
  }

  get electionEpoch(): number {
    return this.round;
  }

  get deadlineMs(): number {
    return Math.min(this.repeatAtMs, this.finalAtMs);
  }

  /** Sends the first vote. A peer that is a quorum by itself has decided at once. */
  begin(nowMs: number): Elected | null {
    this.recordOwn();
    this.broadcast();
    return this.decide(nowMs);
  }

  tick(nowMs: number): Elected | null {
    if (nowMs >= this.finalAtMs) return this.elected();
    if (nowMs >= this.repeatAtMs) {
      this.broadcast();
      this.repeatMs = Math.min(this.repeatMs * 2, this.config.notificationMaxMs);
      this.repeatAtMs = nowMs + this.repeatMs;
    }
    return null;
  }

  /** `lost` has changed: perhaps there is nobody left to wait for. */
  reachabilityChanged(nowMs: number): Elected | null {
    return this.decide(nowMs);
  }

  receive(from: number, n: Notification, nowMs: number): Elected | null {
    if (!this.config.verifier.isParticipant(from)) {
      if (n.state === PeerState.looking) this.answerStranger(from, nowMs);
      return null;
    }
    if (!this.config.verifier.isParticipant(n.leader)) {
      // A peer with another configuration: tell it what is going on here.
      if (n.state === PeerState.looking && n.electionEpoch < this.round) this.answer(from);
      return null;
    }
    switch (n.state) {
      case PeerState.looking:
        return this.receiveLooking(from, n, nowMs);
      case PeerState.following:
      case PeerState.leading:
        return this.receiveSettled(from, n);
      default:
        return null;
    }
  }

  private receiveLooking(from: number, n: Notification, nowMs: number): Elected | null {
    if (n.zxid === -1 || this.initial.zxid === -1) return null;
    if (n.electionEpoch < this.round) {
      this.answer(from);
      return null;
    }
    if (n.electionEpoch > this.round) {
      this.round = n.electionEpoch;
      this.received.clear();
      this.propose(this.beats(n, this.initial) ? n : this.initial);
    } else if (this.beats(n, this.proposal)) {
      this.propose(n);
    } else if (this.isNews(from, n)) {
      // It has begun to look after this peer has said its vote, and must not wait for the next
      // repetition, which may be a minute away.
      this.answer(from);
    }
    this.received.set(from, received(n));
    return this.decide(nowMs);
  }

  /** The sender votes otherwise than this peer, and has not said so before in this round. */
  private isNews(from: number, n: Notification): boolean {
    const vote = received(n);
    const before = this.received.get(from);
    if (before !== undefined && isSameVote(before, vote)) return false;
    return !isSameVote(vote, this.ownVote());
  }

  /** A peer that follows or leads: join its ensemble if a quorum and the leader itself say so. */
  private receiveSettled(from: number, n: Notification): Elected | null {
    const vote = received(n);
    if (n.electionEpoch === this.round) {
      this.received.set(from, vote);
      if (this.isSupported(this.received, vote) && this.leaderSaysSo(this.received, vote)) {
        return { vote, electionEpoch: n.electionEpoch };
      }
    }
    this.outOfElection.set(from, vote);
    if (this.isSupported(this.outOfElection, vote) && this.leaderSaysSo(this.outOfElection, vote)) {
      this.round = n.electionEpoch;
      return { vote, electionEpoch: n.electionEpoch };
    }
    return null;
  }

  /** Prevents the election of a peer that is dead, or that does not know of its luck. */
  private leaderSaysSo(votes: ReadonlyMap<number, ReceivedVote>, vote: ReceivedVote): boolean {
    if (vote.leader === this.config.sid) return vote.electionEpoch === this.round;
    return votes.get(vote.leader)?.state === PeerState.leading;
  }

  private isSupported(votes: ReadonlyMap<number, ReceivedVote>, vote: ReceivedVote): boolean {
    const supporters = new Set<number>();
    for (const [sid, other] of votes) if (isSameVote(vote, other)) supporters.add(sid);
    return this.config.verifier.containsQuorum(supporters);
  }

  private decide(nowMs: number): Elected | null {
    const mine: ReceivedVote = this.ownVote();
    if (!this.isSupported(this.received, mine)) {
      this.finalAtMs = Number.POSITIVE_INFINITY;
      return null;
    }
    // Nothing better can come once every participant that can be reached has spoken. (A peer that
    // was lost may have more; then discovery finds out, as it does after the wait.)
    if (this.haveAllAgreed(mine)) return this.elected();
    if (this.finalAtMs === Number.POSITIVE_INFINITY) {
      this.finalAtMs = nowMs + this.config.finalizeWaitMs;
    }
    return null;
  }

  private haveAllAgreed(mine: ReceivedVote): boolean {
    for (const sid of this.config.verifier.participants) {
      if (this.lost.has(sid)) continue;
      const vote = this.received.get(sid);
      if (vote === undefined || !isSameVote(mine, vote)) return false;
    }
    return true;
  }

  private elected(): Elected {
    return { vote: this.proposal, electionEpoch: this.round };
  }

  private propose(vote: Vote): void {
    this.proposal = { leader: vote.leader, zxid: vote.zxid, peerEpoch: vote.peerEpoch };
    // The quorum that was waiting was one for another vote.
    this.finalAtMs = Number.POSITIVE_INFINITY;
    this.recordOwn();
    this.broadcast();
  }

  private beats(vote: Vote, current: Vote): boolean {
    return this.config.verifier.weightOf(vote.leader) > 0 && isGreaterVote(vote, current);
  }

  private recordOwn(): void {
    const { sid, verifier } = this.config;
    if (verifier.isParticipant(sid) && verifier.isParticipant(this.proposal.leader)) {
      this.received.set(sid, this.ownVote());
    }
  }

  private ownVote(): ReceivedVote {
    return {
      ...this.proposal,
      state: PeerState.looking,
      electionEpoch: this.round,
      version: NOTIFICATION_VERSION,
    };
  }

  private broadcast(): void {
    for (const sid of this.config.verifier.participants) {
      if (sid !== this.config.sid) this.send(sid);
    }
  }

  /**
   * A vote of this peer counts nowhere unless it is a participant, and participants answer whatever
   * an observer sends: if observers answered too, the two would never stop.
   */
  private answer(to: number): void {
    if (this.config.verifier.isParticipant(this.config.sid)) this.send(to);
  }

  /** Not more often than it repeats its question, for it may take this peer for a participant. */
  private answerStranger(to: number, nowMs: number): void {
    const readyAtMs = this.strangerAtMs.get(to) ?? nowMs;
    if (nowMs < readyAtMs) return;
    this.strangerAtMs.set(to, nowMs + this.config.notificationMinMs / 2);
    this.answer(to);
  }

  private send(to: number): void {
    this.notify(to, { ...this.ownVote(), config: this.config.configText });
  }
}

function received(n: Notification): ReceivedVote {
  return {
    leader: n.leader,
    zxid: n.zxid,
    peerEpoch: n.peerEpoch,
    state: n.state,
    electionEpoch: n.electionEpoch,
    version: n.version,
  };
}

/**
 * While one of the two is LOOKING all must agree. Afterwards zxid and round legitimately differ
 * between the members of one ensemble (ZOOKEEPER-1732, 1805): leader and epoch decide.
 */
function isSameVote(a: ReceivedVote, b: ReceivedVote): boolean {
  if (a.state === PeerState.looking || b.state === PeerState.looking) {
    return (
      a.leader === b.leader &&
      a.zxid === b.zxid &&
      a.electionEpoch === b.electionEpoch &&
      a.peerEpoch === b.peerEpoch
    );
  }
  if (a.version > 0 !== b.version > 0) return a.leader === b.leader;
  return a.leader === b.leader && a.peerEpoch === b.peerEpoch;
}

/** The vote of a peer that may not be elected: an observer looks for a leader with it. */
export function initialVote(isParticipant: boolean, own: Vote): Vote {
  return isParticipant ? own : NO_VOTE;
}
