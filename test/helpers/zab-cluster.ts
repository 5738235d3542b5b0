/**
 * An ensemble of Zab cores in one process on virtual time, driven by a seed: FIFO links with random
 * delay, partitions, crashes that lose what was not flushed. It checks, at every apply, that all
 * peers apply the same transactions in the same order, and that nothing acknowledged is lost.
 */
import assert from 'node:assert/strict';
import { Prng } from '../../node/core/prng.ts';
import type { HistoryEntry } from '../../node/core/zab/history.ts';
import type { Input } from '../../node/core/zab/inputs.ts';
import type { JournalRecord } from '../../node/core/zab/journal-record.ts';
import type { Output } from '../../node/core/zab/outputs.ts';
import { ZabPeer } from '../../node/core/zab/peer.ts';
import { formatZxid, type Zxid } from '../../node/core/zxid.ts';
import { VirtualTime } from './virtual-time.ts';
import { ClusterNetwork } from './zab-cluster-network.ts';
import { ClusterNode } from './zab-cluster-node.ts';
import { zabConfig } from './zab-config.ts';

export { ClusterNode } from './zab-cluster-node.ts';

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
  readonly time = new VirtualTime();
  /** The history that the first peer to apply each transaction has fixed. */
  readonly agreed: HistoryEntry[] = [];
  /** Acknowledged to a client: must be in `agreed`, and in every tree in the end. */
  readonly acknowledged = new Set<Zxid>();
  readonly log: string[] = [];
  private readonly network: ClusterNetwork;
  private readonly options: ClusterOptions;

  constructor(options: ClusterOptions) {
    this.options = options;
    this.prng = new Prng(options.seed);
    this.network = new ClusterNetwork({
      time: this.time,
      prng: this.prng,
      node: (sid) => this.node(sid),
      input: (node, input) => this.input(node, input),
    });
    const total = options.participants + (options.observers ?? 0);
    for (let sid = 1; sid <= total; sid += 1) {
      const node = new ClusterNode(sid);
      node.durable = [...(options.journals?.get(sid) ?? [])];
      this.nodes.set(sid, node);
    }
  }

  get nowMs(): number {
    return this.time.nowMs;
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
    const state = node.recover();
    this.note(`${sid} recovers ${describe(node.tree)}, logged ${state.entries.length}`);
    node.peer = new ZabPeer(zabConfig({ ...this.options, sid }), state);
    node.role = 'looking';
    node.halted = null;
    this.input(node, { type: 'start' });
  }

  /** Loses a random part of what was not flushed, always a suffix. */
  crash(sid: number): void {
    const node = this.node(sid);
    if (node.peer === null) return;
    let kept = 0;
    for (const { records } of node.inFlight) {
      if (!this.prng.oneIn(2)) break;
      const count = this.prng.below(records.length + 1);
      kept += count;
      if (count < records.length) break;
    }
    node.losePower(kept);
    this.network.breakAllOf(sid);
    for (const other of this.nodes.keys()) this.loseElectionLink(other, sid);
  }

  partition(a: number, b: number): void {
    this.network.cut(a, b);
    this.loseElectionLink(a, b);
    this.loseElectionLink(b, a);
  }

  private loseElectionLink(at: number, sid: number): void {
    const node = this.node(at);
    this.network.later(node, 0, 30, () => {
      this.input(node, { type: 'electionLink', sid, isUp: false });
    });
  }

  heal(): void {
    this.network.heal();
  }

  isCut(a: number, b: number): boolean {
    return this.network.isCut(a, b);
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
      if (!this.time.runNext(end)) this.fail(`not within ${limitMs} ms: ${what}`);
    }
  }

  runFor(ms: number): void {
    this.time.runFor(ms);
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

  private input(node: ClusterNode, input: Input): void {
    if (node.peer === null) return;
    const { peer, incarnation } = node;
    const outputs = peer.step(this.nowMs, input);
    for (const output of outputs) {
      if (node.incarnation === incarnation) this.carryOut(node, output);
    }
    const deadline = peer.deadlineMs;
    if (deadline === Number.POSITIVE_INFINITY) return;
    this.time.at(Math.max(deadline, this.nowMs + 1), () => {
      if (node.peer === peer && peer.deadlineMs <= this.nowMs) this.input(node, { type: 'tick' });
    });
  }

  private carryOut(node: ClusterNode, output: Output): void {
    switch (output.type) {
      case 'notify':
        return this.network.notify(node, output.to, output.notification);
      case 'dial':
        return this.network.dial(node, output.sid, output.attempt);
      case 'send':
        return this.network.send(node, output.link, output.message);
      case 'answerPing':
        return this.network.send(node, output.link, {
          type: 'ping',
          zxid: output.zxid,
          sessions: [],
        });
      case 'sendSnapshot': {
        const zxid = node.tree.at(-1)?.zxid ?? 0;
        return this.network.send(node, output.link, { type: 'snap', zxid, image: [...node.tree] });
      }
      case 'close':
        return this.network.close(node, output.link, output.reason);
      case 'append':
        node.inFlight.push(output);
        return this.flush(node);
      case 'installSnapshot': {
        const tree = [...(output.image as HistoryEntry[]), ...output.replay];
        this.network.later(node, 1, 20, () => {
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
    const count = node.inFlight.length;
    this.network.later(node, 0, 15, () => {
      node.isFlushing = false;
      for (const token of node.flushed(count)) this.input(node, { type: 'durable', token });
      this.flush(node);
    });
  }

  private note(text: string): void {
    this.log.push(`${this.nowMs} ${text}`);
  }
}

function describe(tree: readonly HistoryEntry[]): string {
  return `${tree.length} up to ${formatZxid(tree.at(-1)?.zxid ?? 0)}`;
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
