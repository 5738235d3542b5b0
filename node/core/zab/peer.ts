/**
 * One member of an ensemble as a deterministic state machine: `step(nowMs, input)` changes its own
 * state only and returns what is to be done. It routes inputs to the role it plays (LOOKING,
 * LEADING, FOLLOWING or OBSERVING) and changes roles; the protocol itself is in the roles' files.
 *
 * After `halt` or `stop` it answers every input with nothing.
 */
import { assertNever } from '../invariant.ts';
import type { Zxid } from '../zxid.ts';
import { type ZabConfig, ZabContext } from './context.ts';
import { type Elected, Election, initialVote, NOTIFICATION_VERSION } from './election.ts';
import { History, type HistoryState } from './history.ts';
import type { Input } from './inputs.ts';
import { Leader } from './leader.ts';
import { Learner } from './learner.ts';
import type { ZabMessage } from './messages.ts';
import type { Output } from './outputs.ts';
import { type Notification, PeerState, type Vote } from './vote.ts';

/** A learner that dials before this peer knows that it leads: its first packets wait. */
interface EarlyLink {
  readonly link: number;
  readonly messages: ZabMessage[];
}

const EARLY_LINKS_MAX = 64;
const DIAL_DELAY_MIN_MS = 100;

export class ZabPeer {
  private readonly ctx: ZabContext;
  private election: Election | null = null;
  private leader: Leader | null = null;
  private learner: Learner | null = null;
  private round = 0;
  private attempt = 0;
  private vote: Vote;
  private voteRound = 0;
  private wantsSnapshot = false;
  /** How often in a row this leader was followed in vain. */
  private failed = { leader: -1, times: 0 };
  private earlyLinks: EarlyLink[] = [];
  /** Peers whose election connection was lost and that have not been heard of since. */
  private readonly lost = new Set<number>();
  private isStopped = false;

  constructor(config: ZabConfig, state: HistoryState) {
    this.ctx = new ZabContext(config, new History(state));
    this.vote = this.ownVote();
  }

  get history(): History {
    return this.ctx.history;
  }

  get state(): PeerState {
    if (this.leader !== null) return PeerState.leading;
    if (this.learner === null) return PeerState.looking;
    return this.ctx.config.isObserver ? PeerState.observing : PeerState.following;
  }

  /** Clients may be served: a leader with its quorum, a learner after UPTODATE. */
  get isServing(): boolean {
    return this.leader?.isServing ?? this.learner?.isServing ?? false;
  }

  get leading(): Leader | null {
    return this.leader;
  }

  /** The sid of the leader this peer follows or is; -1 while looking. */
  get leaderSid(): number {
    if (this.leader !== null) return this.ctx.config.sid;
    return this.learner?.leader ?? -1;
  }

  get epoch(): number {
    return this.leader?.establishedEpoch ?? this.learner?.establishedEpoch ?? 0;
  }

  /** When `tick` is due, in the same milliseconds as `nowMs`; Infinity when nothing waits. */
  get deadlineMs(): number {
    if (this.isStopped) return Number.POSITIVE_INFINITY;
    const role = this.leader ?? this.learner ?? this.election;
    return role?.deadlineMs ?? Number.POSITIVE_INFINITY;
  }

  /** Leader only: the zxid of the next proposal; null when this epoch has none left. */
  nextZxid(): Zxid | null {
    return this.leader?.nextZxid() ?? null;
  }

  step(nowMs: number, input: Input): Output[] {
    if (this.isStopped) return [];
    this.ctx.nowMs = nowMs;
    this.route(input);
    const reason = this.leader?.abandoned ?? this.learner?.abandoned ?? null;
    if (reason !== null) this.look(reason);
    const outputs = this.ctx.takeOutputs();
    const halt = outputs.findIndex((output) => output.type === 'halt');
    if (halt === -1) return outputs;
    this.isStopped = true;
    return outputs.slice(0, halt + 1);
  }

  private route(input: Input): void {
    switch (input.type) {
      case 'start':
        return this.look('started');
      case 'tick':
        return this.tick();
      case 'notification':
        return this.notification(input.from, input.notification);
      case 'electionLink':
        return this.electionLink(input.sid, input.isUp);
      case 'linkAccepted':
        return this.linkAccepted(input.link);
      case 'linkUp':
        if (this.learner !== null) this.learner.linkUp(input.attempt, input.link);
        else this.ctx.close(input.link, 'the dial was given up');
        return;
      case 'dialFailed':
        return this.learner?.dialFailed(input.attempt, input.reason);
      case 'linkDown':
        this.earlyLinks = this.earlyLinks.filter((early) => early.link !== input.link);
        this.leader?.linkDown(input.link);
        this.learner?.linkDown(input.link, input.reason);
        return;
      case 'linkActive':
        this.leader?.linkActive(input.link);
        this.learner?.linkActive(input.link);
        return;
      case 'message':
        return this.message(input.link, input.message);
      case 'durable':
        this.leader?.durable(input.token);
        this.learner?.durable(input.token);
        return;
      case 'snapshotInstalled':
        return this.learner?.snapshotInstalled(input.token);
      case 'propose':
        return this.leader?.propose(input.zxid, input.txn);
      case 'sync':
        return this.leader?.sync(input.token);
      case 'toLeader':
        return this.learner?.toLeader(input.message);
      case 'resign':
        if (this.election === null) this.look(input.reason);
        return;
      case 'stop':
        return this.stop();
      default:
        return assertNever(input, 'input');
    }
  }

  private tick(): void {
    this.leader?.tick();
    this.learner?.tick();
    if (this.election === null) return;
    this.settle(this.election.tick(this.ctx.nowMs));
  }

  private electionLink(sid: number, isUp: boolean): void {
    if (isUp) this.lost.delete(sid);
    else this.lost.add(sid);
    if (this.election !== null) this.settle(this.election.reachabilityChanged(this.ctx.nowMs));
  }

  private notification(from: number, notification: Notification): void {
    this.lost.delete(from);
    if (this.election !== null) {
      this.settle(this.election.receive(from, notification, this.ctx.nowMs));
      return;
    }
    // A settled peer tells one that is looking where the ensemble is; it never leaves for it.
    // What an observer says counts nowhere, and it would be answered for ever (see election.ts).
    const { config } = this.ctx;
    if (notification.state !== PeerState.looking) return;
    if (!config.verifier.isParticipant(config.sid)) return;
    this.ctx.put({ type: 'notify', to: from, notification: this.settledNotification() });
  }

  private settledNotification(): Notification {
    return {
      ...this.vote,
      // The epoch that was established, the same from every member, whatever they voted with.
      peerEpoch: this.isServing ? this.epoch : this.vote.peerEpoch,
      state: this.state,
      electionEpoch: this.voteRound,
      version: NOTIFICATION_VERSION,
      config: this.ctx.config.configText,
    };
  }

  private linkAccepted(link: number): void {
    if (this.leader !== null) return this.leader.accept(link);
    if (this.learner !== null || this.earlyLinks.length >= EARLY_LINKS_MAX) {
      this.ctx.close(link, 'this peer does not lead');
      return;
    }
    this.earlyLinks.push({ link, messages: [] });
  }

  private message(link: number, message: ZabMessage): void {
    if (this.leader !== null) return this.leader.message(link, message);
    if (this.learner !== null) return this.learner.message(link, message);
    const early = this.earlyLinks.find((candidate) => candidate.link === link);
    // One packet is all that a learner says before the leader has spoken.
    if (early !== undefined && early.messages.length === 0) early.messages.push(message);
  }

  private settle(elected: Elected | null): void {
    if (elected === null) return;
    const { config } = this.ctx;
    this.vote = elected.vote;
    this.voteRound = elected.electionEpoch;
    this.round = Math.max(this.round, elected.electionEpoch);
    this.election = null;
    const isLeader = elected.vote.leader === config.sid;
    this.ctx.log('info', isLeader ? 'elected leader' : `following peer ${elected.vote.leader}`, {
      electionEpoch: elected.electionEpoch,
    });
    if (isLeader) this.lead();
    else this.follow(elected.vote.leader);
  }

  private lead(): void {
    this.leader = new Leader(this.ctx);
    for (const { link, messages } of this.earlyLinks) {
      this.leader.accept(link);
      for (const message of messages) this.leader.message(link, message);
    }
    this.earlyLinks = [];
    this.leader.begin();
  }

  private follow(leader: number): void {
    for (const { link } of this.earlyLinks) this.ctx.close(link, 'this peer does not lead');
    this.earlyLinks = [];
    this.learner = new Learner(this.ctx, leader, this.attempt, this.wantsSnapshot);
    this.learner.begin(this.dialDelayMs(leader));
  }

  /**
   * A leader that cannot be followed is found again as fast as it is left: votes are answered at
   * once. So the dial waits, longer each time, or the two would keep each other busy for nothing.
   */
  private dialDelayMs(leader: number): number {
    const { times } = this.failed;
    if (this.failed.leader !== leader || times === 0) return 0;
    return Math.min(DIAL_DELAY_MIN_MS * 2 ** (times - 1), this.ctx.config.tickTimeMs);
  }

  /** Leaves whatever role there is and looks for a leader. */
  private look(reason: string): void {
    this.ctx.log('info', `looking for a leader: ${reason}`);
    this.leaveRole(reason);
    const { config } = this.ctx;
    this.round += 1;
    this.vote = this.ownVote();
    const notify = (to: number, notification: Notification): void => {
      this.ctx.put({ type: 'notify', to, notification });
    };
    this.ctx.put({ type: 'role', role: 'looking', leader: -1, epoch: 0 });
    const own = initialVote(!config.isObserver, this.vote);
    this.election = new Election(config, this.round, own, this.ctx.nowMs, this.lost, notify);
    this.settle(this.election.begin(this.ctx.nowMs));
  }

  private leaveRole(reason: string): void {
    this.leader?.close(reason);
    if (this.learner !== null) {
      this.learner.close(reason);
      this.attempt = this.learner.lastAttempt;
      this.wantsSnapshot = this.learner.wantsSnapshot;
      const { leader, isServing } = this.learner;
      const times = this.failed.leader === leader ? this.failed.times : 0;
      this.failed = { leader, times: isServing ? 0 : times + 1 };
    }
    this.leader = null;
    this.learner = null;
    this.election = null;
  }

  private stop(): void {
    this.leaveRole('this peer stops');
    for (const { link } of this.earlyLinks) this.ctx.close(link, 'this peer stops');
    this.earlyLinks = [];
    this.isStopped = true;
  }

  private ownVote(): Vote {
    const { history, config } = this.ctx;
    return { leader: config.sid, zxid: history.last, peerEpoch: history.currentEpoch };
  }
}
