/**
 * The learner: a follower or an observer of one leader, from the dial to the end of the link
 * (Zab 1.0 as in ZooKeeper's Learner.java, Follower.java and Observer.java).
 *
 * Must never acknowledge what is not durable: history first, then currentEpoch, then the ACK of
 * NEWLEADER, all in one append to one log. Must never apply what is not known to be committed, so
 * nothing of a synchronisation reaches the tree before UPTODATE.
 */
import { invariant } from '../invariant.ts';
import { formatZxid, makeZxid, type Zxid } from '../zxid.ts';
import type { ZabContext } from './context.ts';
import { PROTOCOL_VERSION } from './context.ts';
import { type HistoryEntry, isNext } from './history.ts';
import { LeaderDial } from './leader-dial.ts';
import type { ZabMessage } from './messages.ts';
import {
  type DifferenceMessage,
  join,
  type Synchronization,
  synchronizationFrom,
} from './synchronization.ts';

type Phase =
  | 'connecting'
  | 'discovery'
  | 'synchronization'
  /** NEWLEADER has come; the leader's snapshot is being written. */
  | 'installing'
  /** The history and the epoch are being written. */
  | 'logging'
  /** NEWLEADER is acknowledged; UPTODATE is awaited. */
  | 'joining'
  | 'broadcast';

export class Learner {
  private readonly ctx: ZabContext;
  readonly leader: number;
  private phase: Phase = 'connecting';
  private link = -1;
  private readonly dial: LeaderDial;
  private epoch = 0;
  private lastHeardMs: number;
  private sync: Synchronization | null = null;
  private installToken = -1;
  private promiseToken = -1;
  private joinToken = -1;
  /** Appends whose ACK is due, oldest first. */
  private readonly appends: { token: number; zxid: Zxid }[] = [];
  /** All up to here is committed as far as the leader has said. */
  private commitZxid: Zxid = 0;
  /** The difference did not fit this history: ask for a snapshot when no promise is at stake. */
  wantsSnapshot: boolean;
  /** A snapshot was asked for on the present link. */
  private hasAskedForSnapshot = false;
  abandoned: string | null = null;

  constructor(ctx: ZabContext, leader: number, attempt: number, wantsSnapshot: boolean) {
    this.ctx = ctx;
    this.leader = leader;
    this.dial = new LeaderDial(ctx, leader, attempt);
    this.wantsSnapshot = wantsSnapshot;
    this.lastHeardMs = ctx.nowMs;
  }

  get isServing(): boolean {
    return this.phase === 'broadcast';
  }
  get establishedEpoch(): number {
    return this.epoch;
  }

  get lastAttempt(): number {
    return this.dial.lastAttempt;
  }

  get deadlineMs(): number {
    if (this.phase === 'connecting') return this.dial.deadlineMs;
    return this.lastHeardMs + this.silenceLimitMs + 1;
  }

  private get silenceLimitMs(): number {
    return this.phase === 'broadcast' ? this.ctx.syncLimitMs : this.ctx.initLimitMs;
  }

  begin(delayMs: number): void {
    this.dial.begin(delayMs);
  }

  linkUp(attempt: number, link: number): void {
    if (this.phase !== 'connecting' || !this.dial.isAwaited(attempt)) {
      this.ctx.close(link, 'the dial was given up');
      return;
    }
    this.link = link;
    this.phase = 'discovery';
    this.lastHeardMs = this.ctx.nowMs;
    this.ctx.send(link, {
      type: 'learnerInfo',
      isObserver: this.ctx.config.isObserver,
      acceptedEpoch: this.ctx.history.acceptedEpoch,
      sid: this.ctx.config.sid,
      protocolVersion: PROTOCOL_VERSION,
      configVersion: this.ctx.config.verifier.version,
    });
  }

  dialFailed(attempt: number, reason: string): void {
    if (this.phase !== 'connecting' || !this.dial.isAwaited(attempt)) return;
    this.abandoned = this.dial.retry(reason);
  }

  linkDown(link: number, reason: string): void {
    if (link !== this.link) return;
    this.link = -1;
    // A leader that is not ready yet closes what it accepts: that is a dial that failed.
    if (this.phase === 'discovery' && this.epoch === 0) {
      this.phase = 'connecting';
      this.abandoned = this.dial.retry(reason);
      return;
    }
    this.abandoned = `the link to leader ${this.leader} is down: ${reason}`;
  }

  linkActive(link: number): void {
    if (link === this.link) this.lastHeardMs = this.ctx.nowMs;
  }

  tick(): void {
    const { nowMs } = this.ctx;
    if (this.phase === 'connecting') {
      this.abandoned = this.dial.tick();
      return;
    }
    const silenceMs = nowMs - this.lastHeardMs;
    if (silenceMs > this.silenceLimitMs) {
      this.abandoned = `leader ${this.leader} was silent for ${silenceMs} ms`;
    }
  }

  toLeader(message: ZabMessage): void {
    if (this.phase === 'broadcast') this.ctx.send(this.link, message);
  }

  close(reason: string): void {
    if (this.link !== -1) this.ctx.close(this.link, reason);
    this.link = -1;
  }

  message(link: number, message: ZabMessage): void {
    if (link !== this.link) return;
    this.lastHeardMs = this.ctx.nowMs;
    switch (message.type) {
      case 'leaderInfo':
        return this.leaderInfo(message.epoch);
      case 'diff':
      case 'trunc':
      case 'snap':
        return this.beginSync(message);
      case 'proposal':
        return this.proposal({ zxid: message.zxid, txn: message.txn });
      case 'commit':
        return this.commit(message.zxid);
      case 'inform':
        this.proposal({ zxid: message.zxid, txn: message.txn });
        if (this.abandoned === null && link === this.link) this.commit(message.zxid);
        return;
      case 'newLeader':
        return this.newLeader(message.epoch);
      case 'upToDate':
        return this.upToDate();
      case 'ping':
        if (this.phase === 'broadcast' || this.phase === 'joining') {
          this.ctx.put({ type: 'answerPing', link, zxid: message.zxid });
        }
        return;
      case 'revalidated':
      case 'sync':
        if (this.phase === 'broadcast') this.ctx.put({ type: 'fromLeader', message });
        return;
      case 'activate':
        this.abandoned = 'the leader reconfigures the ensemble, which this version cannot follow';
        return;
      default:
        this.abandoned = `a leader does not send ${message.type}`;
    }
  }

  durable(token: number): void {
    if (token === this.promiseToken) return this.ackEpoch(this.ctx.history.currentEpoch);
    if (token === this.joinToken) {
      this.phase = 'joining';
      this.ctx.send(this.link, { type: 'ack', zxid: makeZxid(this.epoch, 0) });
    }
    while (this.appends[0] !== undefined && this.appends[0].token <= token) {
      const { zxid } = this.appends[0];
      this.appends.shift();
      if (!this.ctx.config.isObserver) this.ctx.send(this.link, { type: 'ack', zxid });
    }
  }

  // Discovery

  private leaderInfo(epoch: number): void {
    const { acceptedEpoch } = this.ctx.history;
    if (this.phase !== 'discovery' || this.epoch !== 0) {
      this.abandoned = 'LEADERINFO out of turn';
      return;
    }
    if (epoch < acceptedEpoch) {
      this.abandoned = `the leader's epoch ${epoch} is before ${acceptedEpoch}, promised here`;
      return;
    }
    this.epoch = epoch;
    // A promise that was made before is not made again: it must not be counted twice.
    if (epoch === acceptedEpoch) this.ackEpoch(-1);
    else this.promiseToken = this.ctx.promise(epoch);
  }

  private ackEpoch(currentEpoch: number): void {
    this.promiseToken = -1;
    this.phase = 'synchronization';
    // -1 is a history that no leader knows: the answer is a snapshot. With a promise goes the
    // truth, because the leader must not miss that this history is the more recent one.
    this.hasAskedForSnapshot = this.wantsSnapshot && currentEpoch === -1;
    const lastZxid = this.hasAskedForSnapshot ? -1 : this.ctx.history.last;
    this.ctx.send(this.link, { type: 'ackEpoch', lastZxid, currentEpoch });
  }

  // Synchronisation

  private beginSync(message: DifferenceMessage): void {
    if (this.phase !== 'synchronization' || this.sync !== null) {
      this.abandoned = `${message.type.toUpperCase()} out of turn`;
      return;
    }
    if (message.type === 'diff' && this.hasAskedForSnapshot) {
      this.abandoned = 'DIFF where a snapshot was asked for';
      return;
    }
    this.sync = synchronizationFrom(this.ctx.history, message);
    if (this.sync === null) this.refuseTruncate(message.zxid);
  }

  /**
   * To cut what is known to be committed is proof of a fault somewhere: stop. A snapshot whose
   * leader failed before UPTODATE is not known to be; then the tree is taken anew.
   */
  private refuseTruncate(zxid: Zxid): void {
    const { history } = this.ctx;
    if (zxid < history.confirmed) {
      this.ctx.halt('truncateCommitted', 'the leader asks to truncate what was committed here', {
        zxid: formatZxid(zxid),
        committed: formatZxid(history.confirmed),
      });
      return;
    }
    this.askForSnapshot(`TRUNC to ${formatZxid(zxid)}, a point that is not in this log`);
  }

  /**
   * The difference does not fit, and guessing closes no hole; the leader's tree will. While nothing
   * has been taken over, it is asked for on a new link to the same leader, not after an election:
   * the leader may need this peer for its quorum, and a promise without a history is not counted.
   */
  private askForSnapshot(reason: string): void {
    this.wantsSnapshot = true;
    if (this.phase !== 'synchronization' && this.phase !== 'installing') {
      this.abandoned = reason;
      return;
    }
    this.close(reason);
    this.phase = 'connecting';
    this.epoch = 0;
    this.sync = null;
    this.installToken = -1;
    this.commitZxid = 0;
    this.abandoned = this.dial.restart(reason);
  }

  private proposal(entry: HistoryEntry): void {
    const { history } = this.ctx;
    if (this.phase === 'broadcast' || this.phase === 'joining' || this.phase === 'logging') {
      if (!isNext(history.last, entry.zxid)) return this.hole(history.last, entry.zxid);
      history.append(entry);
      this.appendTxn(entry);
      return;
    }
    if (this.sync === null) {
      this.abandoned = 'PROPOSAL out of turn';
      return;
    }
    if (!this.sync.take(entry)) this.hole(this.sync.last, entry.zxid);
  }

  private hole(last: Zxid, next: Zxid): void {
    this.askForSnapshot(`PROPOSAL ${formatZxid(next)} does not follow ${formatZxid(last)}`);
  }

  private commit(zxid: Zxid): void {
    const { history } = this.ctx;
    if (this.phase === 'broadcast') {
      if (history.nextUncommitted?.zxid === zxid) return this.ctx.commitTo(zxid);
      this.ctx.halt('unmatchedCommit', 'COMMIT does not match the oldest pending transaction', {
        commit: formatZxid(zxid),
        pending: formatZxid(history.nextUncommitted?.zxid ?? -1),
      });
      return;
    }
    if (this.sync === null && this.phase !== 'logging' && this.phase !== 'joining') {
      this.abandoned = 'COMMIT out of turn';
      return;
    }
    if (zxid > (this.sync?.last ?? history.last)) {
      this.abandoned = `COMMIT of ${formatZxid(zxid)}, which was not proposed`;
      return;
    }
    // Once NEWLEADER has come, what the snapshot will hold is settled.
    if (this.phase === 'synchronization') this.sync?.commit(zxid);
    this.commitZxid = Math.max(this.commitZxid, zxid);
  }

  private newLeader(epoch: number): void {
    if (this.phase !== 'synchronization' || epoch !== this.epoch) {
      this.abandoned = `NEWLEADER of epoch ${epoch} out of turn`;
      return;
    }
    if (this.sync === null) {
      this.abandoned = 'NEWLEADER before DIFF, TRUNC or SNAP';
      return;
    }
    if (this.sync.mode === 'snap') this.installSnapshot(this.sync);
    else this.join(this.sync);
  }

  private installSnapshot(sync: Synchronization): void {
    const { confirmed } = this.ctx.history;
    if (sync.committed < confirmed) {
      this.ctx.halt('truncateCommitted', "the leader's snapshot lacks what was committed here", {
        zxid: formatZxid(sync.committed),
        committed: formatZxid(confirmed),
      });
      return;
    }
    this.phase = 'installing';
    this.installToken = this.ctx.nextToken();
    this.ctx.put({
      type: 'installSnapshot',
      image: sync.image,
      imageZxid: sync.zxid,
      replay: sync.committedEntries(),
      zxid: sync.committed,
      token: this.installToken,
    });
  }

  snapshotInstalled(token: number): void {
    if (token !== this.installToken || this.sync === null) return;
    const { sync } = this;
    // From here on the journal's order is the truth, so memory follows it at once.
    this.ctx.history.reset(sync.committed);
    this.ctx.put({ type: 'adoptSnapshot', token, zxid: sync.committed });
    this.wantsSnapshot = false;
    this.join(sync);
  }

  /** Proposals that are not committed yet stand behind the epoch; each has its own ACK. */
  private join(sync: Synchronization): void {
    const { history } = this.ctx;
    this.phase = 'logging';
    this.joinToken = join(this.ctx, sync, this.epoch);
    for (const entry of sync.pendingEntries()) {
      history.append(entry);
      this.appendTxn(entry);
    }
    const said = sync.mode === 'diff' ? (history.floor(sync.zxid) ?? 0) : sync.committed;
    this.commitZxid = Math.max(this.commitZxid, sync.committed, said);
    this.sync = null;
  }

  private appendTxn(entry: HistoryEntry): void {
    const token = this.ctx.append([{ type: 'txn', zxid: entry.zxid, txn: entry.txn }]);
    this.appends.push({ token, zxid: entry.zxid });
  }

  private upToDate(): void {
    if (this.phase !== 'joining') {
      this.abandoned = 'UPTODATE before the ACK of NEWLEADER';
      return;
    }
    const { config, history } = this.ctx;
    this.phase = 'broadcast';
    this.ctx.send(this.link, { type: 'ack', zxid: makeZxid(this.epoch, 0) });
    this.wantsSnapshot = false;
    history.confirm();
    this.ctx.commitTo(this.commitZxid);
    invariant(this.link !== -1, 'UPTODATE comes over a link');
    const role = config.isObserver ? 'observing' : 'following';
    this.ctx.put({ type: 'role', role, leader: this.leader, epoch: this.epoch });
  }
}
