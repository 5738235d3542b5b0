/**
 * One Zab peer under a test's control: feed one input, get the whole list of outputs as text.
 * Log lines are left out; everything else counts.
 */
import assert from 'node:assert/strict';
import type { HistoryState } from '../../node/core/zab/history.ts';
import type { Input } from '../../node/core/zab/inputs.ts';
import type { ZabMessage } from '../../node/core/zab/messages.ts';
import { ZabPeer } from '../../node/core/zab/peer.ts';
import { type Notification, PeerState } from '../../node/core/zab/vote.ts';
import { makeZxid, type Zxid } from '../../node/core/zxid.ts';
import { zabConfig } from './zab-config.ts';
import { entries, entry, outputText, parseZxid } from './zab-text.ts';

export interface DriverOptions {
  readonly sid?: number;
  readonly participants?: number;
  readonly observers?: number;
  /** What the journal holds, as `1.1-3 2.1`. */
  readonly log?: string;
  readonly base?: string;
  readonly committed?: string;
  readonly confirmed?: string;
  readonly acceptedEpoch?: number;
  readonly currentEpoch?: number;
  readonly ancestry?: HistoryState['ancestry'];
}

export class PeerDriver {
  readonly peer: ZabPeer;
  readonly sid: number;
  private readonly participants: number;
  nowMs = 1000;
  protected hasStarted = false;
  /** The last token seen in an append or an installation. */
  lastToken = 0;

  constructor(options: DriverOptions = {}) {
    const { sid = 1, participants = 3, observers = 0 } = options;
    this.sid = sid;
    this.participants = participants;
    this.peer = new ZabPeer(zabConfig({ sid, participants, observers }), stateOf(options));
  }

  step(input: Input): string[] {
    const outputs = this.peer.step(this.nowMs, input);
    for (const output of outputs) {
      if (output.type === 'append' || output.type === 'installSnapshot') {
        this.lastToken = output.token;
      }
    }
    return outputs.filter((output) => output.type !== 'log').map(outputText);
  }

  start(): string[] {
    this.hasStarted = true;
    return this.step({ type: 'start' });
  }

  /** Time passes, and a tick comes at its end. */
  after(ms: number): string[] {
    this.nowMs += ms;
    return this.step({ type: 'tick' });
  }

  /** Time passes unnoticed. */
  wait(ms: number): this {
    this.nowMs += ms;
    return this;
  }

  hear(from: number, notification: Partial<Notification>): string[] {
    return this.step({ type: 'notification', from, notification: vote(notification) });
  }

  message(link: number, message: ZabMessage): string[] {
    return this.step({ type: 'message', link, message });
  }

  /** The append with `token`, the newest unless named, is on the medium. */
  durable(token = this.lastToken): string[] {
    return this.step({ type: 'durable', token });
  }

  propose(zxid: string): string[] {
    return this.step({ type: 'propose', ...entry(zxid) });
  }

  /** A learner dials and says FOLLOWERINFO (or OBSERVERINFO). */
  learner(link: number, sid: number, acceptedEpoch: number, isObserver = false): string[] {
    const accepted = this.step({ type: 'linkAccepted', link });
    const message = learnerInfo(sid, acceptedEpoch, isObserver);
    return [...accepted, ...this.message(link, message)];
  }

  ackEpoch(link: number, currentEpoch: number, last: string): string[] {
    return this.message(link, { type: 'ackEpoch', currentEpoch, lastZxid: parseZxid(last) });
  }

  ack(link: number, zxid: string): string[] {
    return this.message(link, { type: 'ack', zxid: parseZxid(zxid) });
  }

  /** All other participants vote for this peer, which is then elected at once. */
  elect(): string[] {
    this.start();
    const { history } = this.peer;
    const mine = { leader: this.sid, zxid: history.last, peerEpoch: history.currentEpoch };
    const outputs: string[] = [];
    for (let sid = 1; sid <= this.participants; sid += 1) {
      if (sid !== this.sid) outputs.push(...this.hear(sid, mine));
    }
    assert.equal(this.peer.state, PeerState.leading);
    return outputs;
  }

  /** Elected, with the promise of an epoch by itself and peer 2 durable and LEADERINFO sent. */
  discovered(acceptedBy2 = this.peer.history.acceptedEpoch): void {
    this.elect();
    this.learner(20, 2, acceptedBy2);
    this.durable();
  }

  /** Established in a new epoch, with peer 2 on link 20 as its follower. */
  established(): void {
    this.discovered();
    const { history } = this.peer;
    this.message(20, {
      type: 'ackEpoch',
      currentEpoch: history.currentEpoch,
      lastZxid: history.last,
    });
    this.durable();
    this.message(20, { type: 'ack', zxid: makeZxid(history.currentEpoch, 0) });
    assert.equal(this.peer.isServing, true);
  }

  /** Another learner comes and is brought as far as the ACK of NEWLEADER. */
  joined(link: number, sid: number, last: Zxid, isObserver = false): void {
    const { epoch, history } = this.peer;
    this.learner(link, sid, epoch - 1, isObserver);
    const currentEpoch = Math.min(epoch - 1, history.currentEpoch);
    this.message(link, { type: 'ackEpoch', currentEpoch, lastZxid: last });
    this.message(link, { type: 'ack', zxid: makeZxid(epoch, 0) });
  }
}

/** One learner of peer 2, which it reaches over link 5. */
export class LearnerDriver extends PeerDriver {
  /** The others say that peer 2 leads: this peer dials it. */
  follow(): string[] {
    if (!this.hasStarted) this.start();
    const { history } = this.peer;
    const formed = { leader: 2, zxid: history.last, peerEpoch: history.currentEpoch };
    this.hear(3, { ...formed, state: PeerState.following });
    const outputs = this.hear(2, { ...formed, state: PeerState.leading });
    assert.equal(this.peer.leaderSid, 2);
    return outputs;
  }

  connect(attempt = 1, link = 5): string[] {
    return this.step({ type: 'linkUp', attempt, link });
  }

  /** From the leader, in order; the outputs of the last one. */
  said(...messages: readonly ZabMessage[]): string[] {
    let outputs: string[] = [];
    for (const message of messages) outputs = this.message(5, message);
    return outputs;
  }

  /** As far as ACKEPOCH in `epoch`. */
  promised(epoch: number): string[] {
    this.follow();
    this.connect();
    this.said(leaderInfo(epoch));
    return this.durable();
  }

  /** Serving in `epoch` after an empty DIFF. */
  serving(epoch: number): string[] {
    this.promised(epoch);
    const zxid = this.peer.history.last;
    this.said({ type: 'diff', zxid }, newLeader(epoch));
    this.durable();
    const outputs = this.said({ type: 'upToDate' });
    assert.equal(this.peer.isServing, true);
    return outputs;
  }
}

export function newLeader(epoch: number): ZabMessage {
  return { type: 'newLeader', epoch, config: 'version=0' };
}

export function leaderInfo(epoch: number): ZabMessage {
  return { type: 'leaderInfo', epoch, protocolVersion: 0x10000 };
}

/** `DIFF 1.6`, `TRUNC 1.6`, `PROPOSAL 1.6`, `COMMIT 1.6`, `INFORM 1.6`, or `SNAP 1.6` of 1.1-6. */
export function say(text: string): ZabMessage {
  const [type = '', at = ''] = text.toLowerCase().split(' ');
  const zxid = parseZxid(at);
  switch (type) {
    case 'diff':
    case 'trunc':
    case 'commit':
      return { type, zxid };
    case 'snap':
      return { type, zxid, image: `tree ${at}` };
    case 'proposal':
    case 'inform':
      return { type, ...entry(zxid) };
    default:
      throw new Error(`a leader does not say "${text}" here`);
  }
}

/** The state of a log whose epochs were all joined; the last is currentEpoch and acceptedEpoch. */
export function stateOf(options: DriverOptions): HistoryState {
  const list = entries(options.log ?? '');
  const base = parseZxid(options.base ?? '0.0');
  const last = list.at(-1)?.zxid ?? base;
  const currentEpoch = options.currentEpoch ?? Math.floor(last / 2 ** 32);
  const committed = options.committed === undefined ? base : parseZxid(options.committed);
  return {
    acceptedEpoch: options.acceptedEpoch ?? currentEpoch,
    currentEpoch,
    ancestry: options.ancestry ?? [],
    committed,
    confirmed: options.confirmed === undefined ? committed : parseZxid(options.confirmed),
    base,
    entries: list,
  };
}

export function vote(notification: Partial<Notification>): Notification {
  return {
    state: PeerState.looking,
    leader: 1,
    zxid: 0,
    peerEpoch: 0,
    electionEpoch: 1,
    version: 2,
    config: 'version=0',
    ...notification,
  };
}

export function learnerInfo(sid: number, acceptedEpoch: number, isObserver = false): ZabMessage {
  return {
    type: 'learnerInfo',
    isObserver,
    acceptedEpoch,
    sid,
    protocolVersion: 0x10000,
    configVersion: 0,
  };
}
