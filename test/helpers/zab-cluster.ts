/**
 * An ensemble of Zab cores in one process on virtual time, driven by a seed: FIFO links with random
 * delay, partitions, crashes that lose what was not flushed. It checks, at every apply, that all
 * peers apply the same transactions in the same order, and that nothing acknowledged is lost.
 */
import assert from 'node:assert/strict';
import { Prng } from '../../node/core/prng.ts';
import type { ZabConfig } from '../../node/core/zab/context.ts';
import type { HistoryEntry, HistoryState } from '../../node/core/zab/history.ts';
import type { Input } from '../../node/core/zab/inputs.ts';
import type { JournalRecord } from '../../node/core/zab/journal-record.ts';
import type { ZabMessage } from '../../node/core/zab/messages.ts';
import type { Output, Role } from '../../node/core/zab/outputs.ts';
import { ZabPeer } from '../../node/core/zab/peer.ts';
import { createQuorumVerifier } from '../../node/core/zab/quorum-verifier.ts';
import { formatZxid, type Zxid } from '../../node/core/zxid.ts';

interface Event {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
}

interface Link {
  readonly id: number;
  readonly dialler: number;
  readonly acceptor: number;
  isOpen: boolean;
  /** No message may overtake another: the time of the last delivery in each direction. */
  readonly lastAtMs: { toAcceptor: number; toDialler: number };
}

export class ClusterNode {
  readonly sid: number;
  peer: ZabPeer | null = null;
  incarnation = 0;
  role: Role = 'looking';
  leader = -1;
  /** What is on the medium. */
  durable: JournalRecord[] = [];
  confirmedOnDisk: Zxid = 0;
  readonly snapshots = new Map<Zxid, HistoryEntry[]>();
  inFlight: { records: readonly JournalRecord[]; committed: Zxid; token: number }[] = [];
  isFlushing = false;
  /** The tree: everything applied, in order. */
  tree: HistoryEntry[] = [];
  staged: { token: number; tree: HistoryEntry[] } | null = null;
  halted: string | null = null;

  constructor(sid: number) {
    this.sid = sid;
  }
}

export interface ClusterOptions {
  readonly seed: number;
  readonly participants: number;
  readonly observers?: number;
  readonly journals?: ReadonlyMap<number, readonly JournalRecord[]>;
  /** Replaces the majority rule: to show what goes wrong with another. */
  readonly containsQuorum?: (sids: ReadonlySet<number>) => boolean;
}

export class ZabCluster {
  readonly nodes = new Map<number, ClusterNode>();
  readonly prng: Prng;
  nowMs = 0;
  /** The history that the first peer to apply each transaction has fixed. */
  readonly agreed: HistoryEntry[] = [];
  /** Acknowledged to a client: must be in `agreed`, and in every tree in the end. */
  readonly acknowledged = new Set<Zxid>();
  readonly log: string[] = [];
  private events: Event[] = [];
  private order = 0;
  private nextLink = 1;
  private readonly links = new Map<number, Link>();
  private readonly cut = new Set<string>();
  private readonly options: ClusterOptions;

  constructor(options: ClusterOptions) {
    this.options = options;
    this.prng = new Prng(options.seed);
    const total = options.participants + (options.observers ?? 0);
    for (let sid = 1; sid <= total; sid += 1) {
      const node = new ClusterNode(sid);
      node.durable = [...(options.journals?.get(sid) ?? [])];
      this.nodes.set(sid, node);
    }
  }

  node(sid: number): ClusterNode {
    const node = this.nodes.get(sid);
    assert.ok(node, `node ${sid}`);
    return node;
  }

  startAll(): void {
    for (const sid of this.nodes.keys()) this.start(sid);
  }

  start(sid: number): void {
    const node = this.node(sid);
    if (node.peer !== null) return;
    node.incarnation += 1;
    const state = this.recover(node);
    node.peer = new ZabPeer(this.config(sid), state);
    node.role = 'looking';
    node.halted = null;
    this.input(node, { type: 'start' });
  }

  /** Loses a random part of what was not flushed, always a suffix. */
  crash(sid: number): void {
    const node = this.node(sid);
    if (node.peer === null) return;
    node.peer = null;
    node.incarnation += 1;
    for (const batch of node.inFlight) {
      if (!this.prng.oneIn(2)) break;
      const kept = this.prng.below(batch.records.length + 1);
      node.durable.push(...batch.records.slice(0, kept));
      if (kept < batch.records.length) break;
    }
    node.inFlight = [];
    node.isFlushing = false;
    node.staged = null;
    for (const link of this.links.values()) {
      if (link.dialler === sid || link.acceptor === sid) this.breakLink(link, 'crashed');
    }
  }

  partition(a: number, b: number): void {
    this.cut.add(pair(a, b));
    for (const link of this.links.values()) {
      if (pair(link.dialler, link.acceptor) === pair(a, b)) this.breakLink(link, 'partition');
    }
  }

  heal(): void {
    this.cut.clear();
  }

  isCut(a: number, b: number): boolean {
    return this.cut.has(pair(a, b));
  }

  leaderNode(): ClusterNode | undefined {
    for (const node of this.nodes.values()) if (node.role === 'leading') return node;
    return undefined;
  }

  /** Proposes one transaction at whichever peers believe that they lead. */
  propose(text: string): boolean {
    let any = false;
    for (const node of this.nodes.values()) {
      const zxid = node.role === 'leading' ? (node.peer?.nextZxid() ?? null) : null;
      if (zxid === null) continue;
      const txn = new TextEncoder().encode(`${text}@${node.sid}`);
      this.input(node, { type: 'propose', zxid, txn });
      any = true;
    }
    return any;
  }

  /** Runs until `condition` holds; fails after `limitMs` of virtual time. */
  runUntil(condition: () => boolean, limitMs: number, what: string): void {
    const end = this.nowMs + limitMs;
    while (!condition()) {
      if (!this.runNext(end)) this.fail(`not within ${limitMs} ms: ${what}`);
    }
  }

  runFor(ms: number): void {
    const end = this.nowMs + ms;
    while (this.runNext(end)) {
      // Every event up to the end of the period.
    }
    this.nowMs = end;
  }

  fail(reason: string): never {
    const states = [...this.nodes.values()].map(
      (n) => `${n.sid}:${n.peer === null ? 'down' : n.role}/${n.halted ?? ''}/${n.tree.length}`,
    );
    const tail = this.log.slice(-80).join('\n');
    assert.fail(`seed ${this.options.seed}: ${reason}\n${states.join(' ')}\n${tail}`);
  }

  isSettled(): boolean {
    const nodes = [...this.nodes.values()];
    return nodes.every(
      (n) => n.peer?.isServing === true && n.tree.length === this.agreed.length && !n.isFlushing,
    );
  }

  private config(sid: number): ZabConfig {
    const participants = range(1, this.options.participants);
    const observers = range(this.options.participants + 1, this.options.observers ?? 0);
    const verifier = createQuorumVerifier({
      version: 0,
      participants,
      observers,
      groups: new Map(),
      weights: new Map(),
    });
    const { containsQuorum } = this.options;
    return {
      sid,
      isObserver: sid > this.options.participants,
      verifier: containsQuorum === undefined ? verifier : withRule(verifier, containsQuorum),
      configText: 'version=0',
      tickTimeMs: 200,
      initLimitTicks: 10,
      syncLimitTicks: 5,
      connectLimitTicks: 10,
      notificationMinMs: 200,
      notificationMaxMs: 2000,
      finalizeWaitMs: 200,
    };
  }

  private input(node: ClusterNode, input: Input): void {
    if (node.peer === null) return;
    const { peer, incarnation } = node;
    const outputs = peer.step(this.nowMs, input);
    for (const output of outputs) {
      if (node.incarnation === incarnation) this.carryOut(node, output);
    }
    const deadline = peer.deadlineMs;
    if (deadline === Number.POSITIVE_INFINITY) return;
    this.at(Math.max(deadline, this.nowMs + 1), () => {
      if (node.peer === peer && peer.deadlineMs <= this.nowMs) this.input(node, { type: 'tick' });
    });
  }

  private carryOut(node: ClusterNode, output: Output): void {
    switch (output.type) {
      case 'notify':
        return this.notify(node, output.to, output);
      case 'dial':
        return this.dial(node, output.sid, output.attempt);
      case 'send':
        return this.send(node, output.link, output.message);
      case 'answerPing':
        return this.send(node, output.link, { type: 'ping', zxid: output.zxid, sessions: [] });
      case 'sendSnapshot': {
        const zxid = node.tree.at(-1)?.zxid ?? 0;
        return this.send(node, output.link, { type: 'snap', zxid, image: [...node.tree] });
      }
      case 'close': {
        const link = this.links.get(output.link);
        if (link !== undefined) this.breakLink(link, output.reason, node.sid);
        return;
      }
      case 'append':
        node.inFlight.push(output);
        return this.flush(node);
      case 'installSnapshot': {
        const tree = [...(output.image as HistoryEntry[]), ...output.replay];
        this.later(node, 1, 20, () => {
          node.snapshots.set(output.zxid, tree);
          node.staged = { token: output.token, tree };
          this.input(node, { type: 'snapshotInstalled', token: output.token });
        });
        return;
      }
      case 'adoptSnapshot':
        assert.equal(node.staged?.token, output.token);
        node.tree = [...(node.staged?.tree ?? [])];
        this.note(`${node.sid} adopts ${describe(node.tree)}`);
        return;
      case 'apply':
        for (const entry of output.entries) this.apply(node, entry);
        return;
      case 'role':
        node.role = output.role;
        node.leader = output.leader;
        this.note(`${node.sid} is ${output.role} of ${output.leader} epoch ${output.epoch}`);
        return;
      case 'halt':
        node.halted = output.text;
        return this.fail(`${node.sid} halts: ${output.text} ${JSON.stringify(output.facts)}`);
      case 'log':
        this.note(`${node.sid} ${output.text}`);
        return;
      default:
        return;
    }
  }

  private apply(node: ClusterNode, entry: HistoryEntry): void {
    const index = node.tree.length;
    const fixed = this.agreed[index];
    if (fixed === undefined) this.agreed.push(entry);
    else if (fixed.zxid !== entry.zxid || !sameBytes(fixed.txn, entry.txn)) {
      this.fail(
        `${node.sid} applies ${formatZxid(entry.zxid)} at ${index}, where others applied ` +
          formatZxid(fixed.zxid),
      );
    }
    node.tree.push(entry);
    this.note(`${node.sid} applies ${formatZxid(entry.zxid)} at ${index}`);
    if (node.role === 'leading') this.acknowledged.add(entry.zxid);
  }

  private flush(node: ClusterNode): void {
    if (node.isFlushing || node.inFlight.length === 0) return;
    node.isFlushing = true;
    const batch = [...node.inFlight];
    this.later(node, 0, 15, () => {
      node.isFlushing = false;
      for (const { records, committed } of batch) {
        node.durable.push(...records);
        node.confirmedOnDisk = Math.max(node.confirmedOnDisk, committed);
      }
      node.inFlight = node.inFlight.slice(batch.length);
      for (const { token } of batch) this.input(node, { type: 'durable', token });
      this.flush(node);
    });
  }

  private notify(
    node: ClusterNode,
    to: number,
    output: Extract<Output, { readonly type: 'notify' }>,
  ): void {
    if (this.isCut(node.sid, to)) return;
    const target = this.node(to);
    this.at(this.nowMs + this.delay(), () => {
      if (this.isCut(node.sid, to) || node.peer === null) return;
      this.input(target, {
        type: 'notification',
        from: node.sid,
        notification: output.notification,
      });
    });
  }

  private dial(node: ClusterNode, sid: number, attempt: number): void {
    this.later(node, 1, 10, () => {
      const target = this.node(sid);
      if (target.peer === null || this.isCut(node.sid, sid)) {
        this.input(node, { type: 'dialFailed', attempt, reason: 'refused' });
        return;
      }
      const link: Link = {
        id: this.nextLink,
        dialler: node.sid,
        acceptor: sid,
        isOpen: true,
        lastAtMs: { toAcceptor: this.nowMs, toDialler: this.nowMs },
      };
      this.nextLink += 1;
      this.links.set(link.id, link);
      this.input(target, { type: 'linkAccepted', link: link.id });
      this.input(node, { type: 'linkUp', attempt, link: link.id });
    });
  }

  private send(node: ClusterNode, id: number, message: ZabMessage): void {
    const link = this.links.get(id);
    if (link === undefined || !link.isOpen) return;
    const isDialler = link.dialler === node.sid;
    const direction = isDialler ? 'toAcceptor' : 'toDialler';
    const target = this.node(isDialler ? link.acceptor : link.dialler);
    const atMs = Math.max(link.lastAtMs[direction], this.nowMs + this.delay());
    link.lastAtMs[direction] = atMs;
    this.at(atMs, () => {
      if (link.isOpen) this.input(target, { type: 'message', link: id, message });
    });
  }

  /** Both ends hear of it, each in its own time; what was on the way is lost. */
  private breakLink(link: Link, reason: string, by = -1): void {
    if (!link.isOpen) return;
    link.isOpen = false;
    this.links.delete(link.id);
    for (const sid of [link.dialler, link.acceptor]) {
      if (sid === by) continue;
      const node = this.node(sid);
      this.later(node, 0, 30, () => this.input(node, { type: 'linkDown', link: link.id, reason }));
    }
  }

  private recover(node: ClusterNode): HistoryState {
    const state = foldRecords(node.durable);
    const snapshot = state.base === 0 ? [] : node.snapshots.get(state.base);
    assert.ok(snapshot, `snapshot of ${formatZxid(state.base)}`);
    const confirmed = Math.min(node.confirmedOnDisk, state.entries.at(-1)?.zxid ?? state.base);
    const committed = Math.max(confirmed, state.base);
    node.tree = [...snapshot, ...state.entries.filter((entry) => entry.zxid <= committed)];
    this.note(`${node.sid} recovers ${describe(node.tree)}, logged ${state.entries.length}`);
    return { ...state, committed, confirmed };
  }

  private later(node: ClusterNode, min: number, spread: number, run: () => void): void {
    const { incarnation } = node;
    this.at(this.nowMs + min + this.prng.below(spread + 1), () => {
      if (node.incarnation === incarnation) run();
    });
  }

  private delay(): number {
    return this.prng.oneIn(20) ? this.prng.below(300) : 1 + this.prng.below(5);
  }

  private at(atMs: number, run: () => void): void {
    const event = { atMs, order: this.order, run };
    this.order += 1;
    // The list is kept latest first, and of equal times the later scheduled first.
    this.events.splice(this.firstNotLater(atMs), 0, event);
  }

  /** Events run from the end of the list: of equal times, the one scheduled first stands last. */
  private firstNotLater(atMs: number): number {
    let low = 0;
    let high = this.events.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.events[middle]?.atMs ?? 0) > atMs) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  private runNext(endMs: number): boolean {
    const event = this.events.at(-1);
    if (event === undefined || event.atMs > endMs) return false;
    this.events.pop();
    this.nowMs = Math.max(this.nowMs, event.atMs);
    event.run();
    return true;
  }

  private note(text: string): void {
    this.log.push(`${this.nowMs} ${text}`);
  }
}

function describe(tree: readonly HistoryEntry[]): string {
  return `${tree.length} up to ${formatZxid(tree.at(-1)?.zxid ?? 0)}`;
}

function foldRecords(records: readonly JournalRecord[]): HistoryState {
  let entries: HistoryEntry[] = [];
  let base = 0;
  let acceptedEpoch = 0;
  let currentEpoch = 0;
  let ancestry: { epoch: number; base: Zxid }[] = [];
  for (const record of records) {
    switch (record.type) {
      case 'txn':
        entries.push({ zxid: record.zxid, txn: record.txn });
        break;
      case 'promise':
        acceptedEpoch = Math.max(acceptedEpoch, record.epoch);
        break;
      case 'epoch':
        currentEpoch = record.epoch;
        ancestry.push({ epoch: record.epoch, base: record.base });
        break;
      case 'truncate':
        entries = entries.filter((entry) => entry.zxid <= record.zxid);
        ancestry = ancestry.filter((ancestor) => ancestor.base <= record.zxid);
        break;
      case 'snapshot':
        if (!record.isReset) break;
        entries = [];
        base = record.zxid;
        ancestry = [];
        break;
    }
  }
  return { acceptedEpoch, currentEpoch, ancestry, committed: 0, confirmed: 0, base, entries };
}

function withRule(
  verifier: ZabConfig['verifier'],
  containsQuorum: (sids: ReadonlySet<number>) => boolean,
): ZabConfig['verifier'] {
  return {
    version: verifier.version,
    participants: verifier.participants,
    observers: verifier.observers,
    containsQuorum,
    weightOf: (sid) => verifier.weightOf(sid),
    isParticipant: (sid) => verifier.isParticipant(sid),
  };
}

function range(from: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => from + i);
}

function pair(a: number, b: number): string {
  return a < b ? `${a}-${b}` : `${b}-${a}`;
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
