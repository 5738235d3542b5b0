/**
 * The leader: discovery (choose an epoch that a quorum promises), synchronisation (bring each
 * learner to this peer's history) and broadcast. Zab 1.0 as ZooKeeper speaks it
 * (Leader.java, LearnerHandler.java), one method a message.
 *
 * Must never propose before a quorum holds its initial history durably, and must count only voters,
 * each by its present connection.
 */
import { invariant } from '../invariant.ts';
import { COUNTER_MAX, counterOf, EPOCH_MAX, formatZxid, makeZxid, type Zxid } from '../zxid.ts';
import type { ZabContext } from './context.ts';
import { PROTOCOL_VERSION } from './context.ts';
import { LearnerHandler, refusalOf } from './learner-handler.ts';
import type { AckEpochMessage, LearnerInfoMessage, ZabMessage } from './messages.ts';
import { sendDifference } from './synchronization.ts';
import { isMoreRecent } from './vote.ts';

type Phase = 'discovery' | 'synchronization' | 'broadcast';

export class Leader {
  private readonly ctx: ZabContext;
  private phase: Phase = 'discovery';
  /** The epoch that is being founded; 0 until a quorum has said what it has accepted. */
  private epoch = 0;
  private readonly handlers = new Map<number, LearnerHandler>();
  private isPromiseDurable = false;
  private promiseToken = -1;
  private epochToken = -1;
  /** Tokens of proposals in flight to this peer's own journal, oldest first. */
  private readonly ownAppends: { token: number; zxid: Zxid }[] = [];
  private ownAckedZxid: Zxid = 0;
  private isOwnEpochDurable = false;
  private readonly initial: { readonly currentEpoch: number; readonly lastZxid: Zxid };
  private readonly epochAcks = new Set<number>();
  private readonly supporters = new Set<number>();
  private phaseDeadlineMs: number;
  private nextPingMs: number;
  private lastProposed: Zxid = 0;
  private readonly syncs: { token: number; zxid: Zxid }[] = [];
  /** Why this peer must look for a leader again; null while it may go on. */
  abandoned: string | null = null;

  constructor(ctx: ZabContext) {
    this.ctx = ctx;
    this.initial = { currentEpoch: ctx.history.currentEpoch, lastZxid: ctx.history.last };
    this.phaseDeadlineMs = ctx.nowMs + ctx.initLimitMs;
    this.nextPingMs = ctx.nowMs + ctx.config.tickTimeMs / 2;
  }

  get isServing(): boolean {
    return this.phase === 'broadcast';
  }

  get establishedEpoch(): number {
    return this.epoch;
  }

  get learners(): IterableIterator<LearnerHandler> {
    return this.handlers.values();
  }

  get deadlineMs(): number {
    let deadline = this.nextPingMs;
    if (this.phase !== 'broadcast') deadline = Math.min(deadline, this.phaseDeadlineMs);
    return deadline;
  }

  /** The zxid of the next proposal; null when the epoch has no more and leadership must end. */
  nextZxid(): Zxid | null {
    invariant(this.phase === 'broadcast', 'only an established leader proposes');
    return counterOf(this.lastProposed) >= COUNTER_MAX ? null : this.lastProposed + 1;
  }

  begin(): void {
    this.tryEpoch();
  }

  accept(link: number): void {
    this.handlers.set(link, new LearnerHandler(link, this.ctx.nowMs));
  }

  linkDown(link: number): void {
    this.handlers.delete(link);
  }

  linkActive(link: number): void {
    const handler = this.handlers.get(link);
    if (handler !== undefined) handler.lastHeardMs = this.ctx.nowMs;
  }

  message(link: number, message: ZabMessage): void {
    const handler = this.handlers.get(link);
    if (handler === undefined) return;
    handler.lastHeardMs = this.ctx.nowMs;
    switch (message.type) {
      case 'learnerInfo':
        return this.learnerInfo(handler, message);
      case 'ackEpoch':
        return this.ackEpoch(handler, message);
      case 'ack':
        return this.ack(handler, message.zxid);
      case 'ping':
        if (handler.phase !== 'synced') return;
        this.ctx.put({ type: 'fromLearner', link, sid: handler.sid, message });
        return;
      case 'request':
      case 'revalidate':
        if (!handler.isUpToDate) return this.drop(handler, `${message.type} before UPTODATE`);
        this.ctx.put({ type: 'fromLearner', link, sid: handler.sid, message });
        return;
      default:
        return this.drop(handler, `a learner does not send ${message.type}`);
    }
  }

  durable(token: number): void {
    if (token === this.promiseToken) {
      this.isPromiseDurable = true;
      for (const handler of this.handlers.values()) this.inform(handler);
      this.epochAcks.add(this.ctx.config.sid);
      this.tryFinishDiscovery();
      return;
    }
    if (token === this.epochToken) {
      this.isOwnEpochDurable = true;
      this.tryEstablish();
      return;
    }
    const append = this.ownAppends[0];
    if (append === undefined || append.token !== token) return;
    this.ownAppends.shift();
    this.ownAckedZxid = append.zxid;
    this.tryCommit();
  }

  /** Logs and proposes one encoded transaction; `zxid` must be `nextZxid()`. */
  propose(zxid: Zxid, txn: Uint8Array): void {
    invariant(zxid === this.nextZxid(), 'proposals take zxids in order', {
      zxid: formatZxid(zxid),
      last: formatZxid(this.lastProposed),
    });
    this.lastProposed = zxid;
    this.ctx.history.append({ zxid, txn });
    for (const handler of this.handlers.values()) {
      if (!handler.isForwarding || handler.isObserver) continue;
      this.ctx.send(handler.link, { type: 'proposal', zxid, txn });
      handler.proposed(zxid, this.ctx.nowMs);
    }
    this.ownAppends.push({ token: this.ctx.append([{ type: 'txn', zxid, txn }]), zxid });
  }

  sync(token: number): void {
    if (this.ctx.history.outstanding === 0) this.ctx.put({ type: 'syncDone', token });
    else this.syncs.push({ token, zxid: this.lastProposed });
  }

  tick(): void {
    const { nowMs } = this.ctx;
    if (this.phase !== 'broadcast' && nowMs >= this.phaseDeadlineMs) {
      this.abandoned = `no quorum of learners within initLimit in ${this.phase}`;
      return;
    }
    if (nowMs < this.nextPingMs) return;
    this.nextPingMs = nowMs + this.ctx.config.tickTimeMs / 2;
    for (const handler of this.handlers.values()) this.checkLearner(handler);
    if (this.phase === 'broadcast' && !this.hasQuorumInTouch()) {
      this.abandoned = 'no quorum of learners was heard within syncLimit';
    }
  }

  /** Closes every link: the peer is leaving this role. */
  close(reason: string): void {
    for (const handler of this.handlers.values()) this.ctx.close(handler.link, reason);
    this.handlers.clear();
  }

  // Discovery

  private learnerInfo(handler: LearnerHandler, info: LearnerInfoMessage): void {
    if (handler.phase !== 'connected') return this.drop(handler, 'a second FOLLOWERINFO');
    const refusal = refusalOf(info, this.ctx.config);
    if (refusal !== null) return this.drop(handler, refusal);
    for (const other of this.handlers.values()) {
      if (other !== handler && other.sid === info.sid) this.drop(other, 'it has connected again');
    }
    handler.sid = info.sid;
    handler.isObserver = info.isObserver || !this.ctx.config.verifier.isParticipant(info.sid);
    handler.acceptedEpoch = info.acceptedEpoch;
    handler.phase = 'known';
    if (this.epoch === 0) this.tryEpoch();
    else if (!handler.isObserver && info.acceptedEpoch > this.epoch) {
      // It has promised a later epoch to a leader that failed. It can follow nobody below that,
      // so without a new epoch it would be lost to the ensemble.
      this.abandoned = `peer ${info.sid} has promised epoch ${info.acceptedEpoch}`;
    } else this.inform(handler);
  }

  /** Chooses the epoch once a quorum, this peer included, has said what it has accepted. */
  private tryEpoch(): void {
    if (this.epoch !== 0) return;
    const { config, history } = this.ctx;
    const heard = new Set<number>([config.sid]);
    let epoch = history.acceptedEpoch + 1;
    for (const handler of this.handlers.values()) {
      // An observer's epoch must not raise the ensemble's (ZOOKEEPER-2959).
      if (handler.phase === 'connected' || handler.isObserver) continue;
      heard.add(handler.sid);
      epoch = Math.max(epoch, handler.acceptedEpoch + 1);
    }
    if (!config.verifier.containsQuorum(heard)) return;
    if (epoch > EPOCH_MAX) {
      this.ctx.halt('epochExhausted', 'no epoch is left below 2^21', { epoch });
      return;
    }
    this.epoch = epoch;
    this.promiseToken = this.ctx.promise(epoch);
  }

  /** LEADERINFO leaves only when this peer's own promise is durable. */
  private inform(handler: LearnerHandler): void {
    if (!this.isPromiseDurable || handler.phase !== 'known') return;
    handler.phase = 'informed';
    this.ctx.send(handler.link, {
      type: 'leaderInfo',
      epoch: this.epoch,
      protocolVersion: PROTOCOL_VERSION,
    });
  }

  private ackEpoch(handler: LearnerHandler, ack: AckEpochMessage): void {
    if (handler.phase !== 'informed') return this.drop(handler, 'ACKEPOCH out of turn');
    handler.phase = 'epochAcked';
    handler.lastZxid = ack.lastZxid;
    if (this.phase !== 'discovery') return this.synchronize(handler);
    // An observer may have joined an epoch that no quorum joined. Of every quorum some voter has
    // what is committed, so only voters are compared and counted.
    if (handler.isObserver || ack.currentEpoch === -1 || ack.lastZxid === -1) return;
    if (isMoreRecent(ack, this.initial)) {
      this.abandoned = `peer ${handler.sid} has a more recent history`;
      return;
    }
    this.epochAcks.add(handler.sid);
    this.tryFinishDiscovery();
  }

  private tryFinishDiscovery(): void {
    if (this.phase !== 'discovery' || !this.isPromiseDurable) return;
    if (!this.ctx.config.verifier.containsQuorum(this.epochAcks)) return;
    const { history } = this.ctx;
    this.phase = 'synchronization';
    this.phaseDeadlineMs = this.ctx.nowMs + this.ctx.initLimitMs;
    const base = history.last;
    history.joinEpoch(this.epoch, base);
    this.epochToken = this.ctx.append([{ type: 'epoch', epoch: this.epoch, base }]);
    for (const handler of this.handlers.values()) {
      if (handler.phase === 'epochAcked') this.synchronize(handler);
    }
  }

  // Synchronisation

  /**
   * Sends what the learner lacks and begins to forward to it, in one step: nothing that is
   * proposed can fall between the two, and NEWLEADER stands behind the difference in the same FIFO.
   */
  private synchronize(handler: LearnerHandler): void {
    const { history } = this.ctx;
    const syncPoint = this.phase === 'broadcast' ? history.committed : history.last;
    sendDifference(this.ctx, handler, this.epoch, syncPoint);
    handler.phase = 'syncing';
  }

  private ack(handler: LearnerHandler, zxid: Zxid): void {
    if (!handler.isForwarding) return this.drop(handler, 'ACK out of turn');
    if (handler.phase === 'syncing' && zxid === makeZxid(this.epoch, 0)) {
      handler.synchronized(this.ctx.nowMs);
      if (this.phase === 'broadcast') this.upToDate(handler);
      else this.tryEstablish();
      this.tryCommit();
      return;
    }
    // The ACK of UPTODATE, which says nothing new.
    if (counterOf(zxid) === 0) return;
    if (zxid > this.ctx.history.last) return this.drop(handler, 'ACK of what was never proposed');
    // A follower of ZooKeeper 3.8 may acknowledge proposals before NEWLEADER (ZOOKEEPER-4685);
    // they are remembered and count from the moment it is synchronised.
    handler.acked(zxid, this.ctx.nowMs);
    if (zxid > this.ctx.history.committed) this.tryCommit();
  }

  /** The initial history is committed, and this peer may serve, once a quorum holds it. */
  private tryEstablish(): void {
    if (this.phase !== 'synchronization' || !this.isOwnEpochDurable) return;
    const { config, history } = this.ctx;
    this.supporters.clear();
    this.supporters.add(config.sid);
    for (const handler of this.handlers.values()) {
      if (handler.phase === 'synced' && !handler.isObserver) this.supporters.add(handler.sid);
    }
    if (!config.verifier.containsQuorum(this.supporters)) return;
    this.phase = 'broadcast';
    this.lastProposed = makeZxid(this.epoch, 0);
    this.ctx.commitTo(history.last);
    history.confirm();
    this.ctx.put({ type: 'role', role: 'leading', leader: config.sid, epoch: this.epoch });
    for (const handler of this.handlers.values()) {
      if (handler.phase === 'synced') this.upToDate(handler);
    }
  }

  private upToDate(handler: LearnerHandler): void {
    handler.isUpToDate = true;
    this.ctx.send(handler.link, { type: 'upToDate' });
  }

  // Broadcast

  /** Commits, in order, everything that a quorum has on its medium. */
  private tryCommit(): void {
    const { history } = this.ctx;
    if (this.phase !== 'broadcast' || history.outstanding === 0) return;
    let held = history.committed;
    for (const acked of this.ackedZxids()) {
      if (acked > held && this.isHeldByQuorum(acked)) held = acked;
    }
    if (held === history.committed) return;
    const entries = history.commitTo(held);
    for (const handler of this.handlers.values()) {
      if (!handler.isForwarding) continue;
      for (const { zxid, txn } of entries) {
        if (handler.isObserver) this.ctx.send(handler.link, { type: 'inform', zxid, txn });
        else this.ctx.send(handler.link, { type: 'commit', zxid });
      }
    }
    this.ctx.put({ type: 'apply', entries });
    while (this.syncs[0] !== undefined && this.syncs[0].zxid <= history.committed) {
      this.ctx.put({ type: 'syncDone', token: this.syncs[0].token });
      this.syncs.shift();
    }
  }

  /** The one place that counts acknowledgements: voters, on their present connection, durable. */
  private isHeldByQuorum(zxid: Zxid): boolean {
    const { config } = this.ctx;
    this.supporters.clear();
    if (this.ownAckedZxid >= zxid) this.supporters.add(config.sid);
    for (const handler of this.handlers.values()) {
      const isCounted = handler.phase === 'synced' && !handler.isObserver;
      if (isCounted && handler.ackedZxid >= zxid) this.supporters.add(handler.sid);
    }
    return config.verifier.containsQuorum(this.supporters);
  }

  private *ackedZxids(): IterableIterator<Zxid> {
    yield this.ownAckedZxid;
    for (const handler of this.handlers.values()) yield handler.ackedZxid;
  }

  private checkLearner(handler: LearnerHandler): void {
    const { nowMs, syncLimitMs, initLimitMs } = this.ctx;
    const silenceMs = nowMs - handler.lastHeardMs;
    const limitMs = handler.phase === 'synced' ? syncLimitMs : initLimitMs;
    if (silenceMs > limitMs) {
      return this.drop(handler, `it was silent for ${silenceMs} ms`);
    }
    if (handler.phase === 'synced' && nowMs >= handler.ackDeadlineMs(syncLimitMs)) {
      return this.drop(handler, 'it left a proposal without ACK for syncLimit');
    }
    if (!handler.isForwarding) return;
    const zxid = this.phase === 'broadcast' ? this.lastProposed : this.ctx.history.last;
    this.ctx.send(handler.link, { type: 'ping', zxid, sessions: [] });
  }

  private hasQuorumInTouch(): boolean {
    const { config, nowMs, syncLimitMs } = this.ctx;
    this.supporters.clear();
    this.supporters.add(config.sid);
    for (const handler of this.handlers.values()) {
      const isInTouch = nowMs - handler.lastHeardMs <= syncLimitMs;
      if (handler.phase === 'synced' && !handler.isObserver && isInTouch) {
        this.supporters.add(handler.sid);
      }
    }
    return config.verifier.containsQuorum(this.supporters);
  }

  private drop(handler: LearnerHandler, reason: string): void {
    this.ctx.log('warn', `closing the link to learner ${handler.sid}: ${reason}`);
    this.ctx.close(handler.link, reason);
    this.handlers.delete(handler.link);
  }
}
