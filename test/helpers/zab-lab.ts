/**
 * An ensemble of Zab peers in which nothing happens unless it is asked for: packets, votes and disk
 * writes wait in one queue, any of them can be held back, and every event is written to a trace.
 * For schedules that a random run would hit once in a thousand, and for people to read.
 */
import assert from 'node:assert/strict';
import type { HistoryEntry } from '../../node/core/zab/history.ts';
import type { Input } from '../../node/core/zab/inputs.ts';
import type { ZabMessage } from '../../node/core/zab/messages.ts';
import type { Output } from '../../node/core/zab/outputs.ts';
import { ZabPeer } from '../../node/core/zab/peer.ts';
import { ClusterNode } from './zab-cluster-node.ts';
import { zabConfig } from './zab-config.ts';
import {
  entriesText,
  entryText,
  messageText,
  notificationText,
  outputText,
  STATES,
} from './zab-text.ts';

/** What waits in the queue: `1->2` a packet, `votes 1->2`, `dial 1->2`, `disk 1`, `snapshot 1`. */
interface Event {
  readonly channel: string;
  /** A link whose end takes the event away; -1 for none. */
  readonly link: number;
  readonly text: string;
  readonly run: () => void;
}

interface Link {
  readonly id: number;
  readonly dialler: number;
  readonly acceptor: number;
}

export interface LabOptions {
  readonly participants: number;
  readonly observers?: number;
  readonly containsQuorum?: (sids: ReadonlySet<number>) => boolean;
}

/** More than any of these schedules needs without time passing. */
const EVENTS_MAX = 5000;

export class ZabLab {
  readonly nodes = new Map<number, ClusterNode>();
  nowMs = 0;
  /** One line for each event and each thing that came of it. */
  trace: string[] = [];
  /** What broke the promise of one history, in words. */
  readonly violations: string[] = [];
  /** Acknowledged to clients. */
  readonly acknowledged: HistoryEntry[] = [];
  private readonly agreed: { by: number; entry: HistoryEntry }[] = [];
  private queue: Event[] = [];
  private readonly links = new Map<number, Link>();
  private nextLink = 1;
  private readonly held = new Set<string>();
  /** The side of the partition each peer is on. */
  private sides = new Map<number, number>();
  private readonly options: LabOptions;

  constructor(options: LabOptions) {
    this.options = options;
    for (let sid = 1; sid <= options.participants + (options.observers ?? 0); sid += 1) {
      this.nodes.set(sid, new ClusterNode(sid));
    }
  }

  node(sid: number): ClusterNode {
    const node = this.nodes.get(sid);
    assert.ok(node, `there is no peer ${sid}`);
    return node;
  }

  start(sid: number): void {
    const node = this.node(sid);
    assert.equal(node.peer, null, `peer ${sid} runs`);
    node.incarnation += 1;
    const state = node.recover();
    const logged = entriesText(state.entries);
    this.say(`${sid} starts with [${entriesText(node.tree)}] applied, [${logged}] logged`);
    node.peer = new ZabPeer(zabConfig({ ...this.options, sid }), state);
    node.role = 'looking';
    node.halted = null;
    this.input(node, { type: 'start' });
  }

  /** Power is gone; of what was in flight to the disk the first `kept` records survive. */
  crash(sid: number, kept = 0): void {
    const node = this.node(sid);
    node.losePower(kept);
    node.role = 'looking';
    this.queue = this.queue.filter(({ channel }) => !isOwn(channel, sid));
    for (const link of [...this.links.values()]) {
      if (link.dialler === sid || link.acceptor === sid) this.end(link, 'reset', sid);
    }
  }

  /** Peers in different groups do not reach each other; peers in no group reach nobody. */
  cut(groups: readonly (readonly number[])[]): void {
    for (const sid of this.nodes.keys()) this.sides.set(sid, -sid);
    for (const [side, sids] of groups.entries()) for (const sid of sids) this.sides.set(sid, side);
    for (const link of [...this.links.values()]) {
      if (this.isCut(link.dialler, link.acceptor)) this.end(link, 'partition');
    }
    this.queue = this.queue.filter(({ channel }) => {
      const match = /^votes (\d+)->(\d+)$/.exec(channel);
      return match === null || !this.isCut(Number(match[1]), Number(match[2]));
    });
  }

  heal(): void {
    this.sides = new Map();
  }

  /** The connections between two peers are reset. */
  reset(a: number, b: number): void {
    for (const link of [...this.links.values()]) {
      if (pairOf(link) === pairOf({ dialler: a, acceptor: b })) this.end(link, 'reset');
    }
  }

  /** `1->2` holds back all packets from 1 to 2, `1->2 NEWLEADER` from the first of that kind on. */
  hold(what: string): void {
    this.held.add(what);
  }

  release(what: string): void {
    assert.ok(this.held.delete(what), `${what} was not held`);
  }

  /** Loses what waits in a channel. */
  drop(channel: string): void {
    for (const event of this.queue) if (event.channel === channel) this.say(`lost ${event.text}`);
    this.queue = this.queue.filter((event) => event.channel !== channel);
  }

  /** Everything that can happen now happens, oldest first. */
  run(): void {
    for (let events = 0; this.next(); events += 1) {
      assert.ok(events < EVENTS_MAX, 'it never ends: the peers answer each other');
    }
  }

  /** The oldest event that is not held back; false when there is none. */
  next(): boolean {
    const blocked = new Set<string>();
    const index = this.queue.findIndex((event) => {
      if (this.isHeld(event)) blocked.add(event.channel);
      return !blocked.has(event.channel);
    });
    const [event] = index === -1 ? [] : this.queue.splice(index, 1);
    if (event === undefined) return false;
    if (event.text !== '') this.say(event.text);
    event.run();
    return true;
  }

  /** Time passes: ticks come when they are due, and between them everything happens that can. */
  wait(ms: number): void {
    const end = this.nowMs + ms;
    for (;;) {
      this.run();
      let due: ClusterNode | undefined;
      for (const node of this.nodes.values()) {
        if (deadlineOf(node) <= end && deadlineOf(node) < deadlineOf(due)) due = node;
      }
      if (due === undefined) break;
      this.nowMs = Math.max(this.nowMs, deadlineOf(due));
      this.input(due, { type: 'tick' });
    }
    this.nowMs = end;
  }

  write(sid: number, text: string): void {
    const node = this.node(sid);
    assert.equal(node.role, 'leading', `peer ${sid} does not lead`);
    const zxid = node.peer?.nextZxid() ?? -1;
    this.input(node, { type: 'propose', zxid, txn: new TextEncoder().encode(text) });
  }

  /** A packet that the peer at one end never sent, on the newest link between the two. */
  forge(from: number, to: number, message: ZabMessage): void {
    const pair = pairOf({ dialler: from, acceptor: to });
    const link = [...this.links.values()].reverse().find((it) => pairOf(it) === pair);
    assert.ok(link, `there is no link ${from}->${to}`);
    this.say(`${from}->${to} forged ${messageText(message)}`);
    this.input(this.node(to), { type: 'message', link: link.id, message });
  }

  resign(sid: number): void {
    this.input(this.node(sid), { type: 'resign', reason: 'asked to' });
  }

  private input(node: ClusterNode, input: Input): void {
    const { peer, incarnation } = node;
    if (peer === null) return;
    const before = peer.state;
    const outputs = peer.step(this.nowMs, input);
    if (peer.state !== before) this.came(node.sid, `is ${STATES[peer.state]}`);
    for (const output of outputs) {
      if (node.incarnation === incarnation) this.carryOut(node, output);
    }
  }

  private carryOut(node: ClusterNode, output: Output): void {
    const { sid } = node;
    switch (output.type) {
      case 'notify':
        return this.vote(node, output);
      case 'dial':
        return this.enqueue(`dial ${sid}->${output.sid}`, `${sid}->${output.sid} dials`, () =>
          this.dial(node, output.sid, output.attempt),
        );
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
        if (link === undefined) return;
        this.came(sid, `closes the link ${link.dialler}->${link.acceptor}: ${output.reason}`);
        return this.end(link, 'closed', sid);
      }
      case 'log':
        return;
      case 'fromLearner':
        if (output.message.type === 'ping') return;
        return this.came(sid, outputText(output));
      default:
        this.came(sid, outputText(output));
        return this.keep(node, output);
    }
  }

  /** Outputs that stay within the board. */
  private keep(node: ClusterNode, output: Output): void {
    const { sid } = node;
    switch (output.type) {
      case 'append':
        node.inFlight.push(output);
        if (node.inFlight.length === 1) {
          this.enqueue(`disk ${sid}`, `${sid} has written`, () => this.flush(node));
        }
        return;
      case 'installSnapshot': {
        const tree = [...(output.image as HistoryEntry[]), ...output.replay];
        const { token } = output;
        return this.enqueue(`snapshot ${sid}`, `${sid} has written a snapshot`, () => {
          node.snapshots.set(output.zxid, tree);
          node.staged = { token, tree };
          this.input(node, { type: 'snapshotInstalled', token });
        });
      }
      case 'adoptSnapshot':
        assert.equal(node.staged?.token, output.token);
        node.tree = [...(node.staged?.tree ?? [])];
        return;
      case 'apply':
        for (const entry of output.entries) this.apply(node, entry);
        return;
      case 'role':
        node.role = output.role;
        node.leader = output.leader;
        return;
      case 'halt':
        node.halted = output.cause;
        return;
      default:
        return;
    }
  }

  private apply(node: ClusterNode, entry: HistoryEntry): void {
    const index = node.tree.length;
    const fixed = this.agreed[index];
    if (fixed === undefined) this.agreed.push({ by: node.sid, entry });
    else if (entryText(fixed.entry) !== entryText(entry)) {
      const where = `where ${fixed.by} applied ${entryText(fixed.entry)}`;
      this.violations.push(`${node.sid} applied ${entryText(entry)} ${where}`);
      this.came(node.sid, `TWO HISTORIES: ${this.violations.at(-1)}`);
    }
    node.tree.push(entry);
    if (node.role !== 'leading') return;
    this.acknowledged.push(entry);
    this.came(node.sid, `acknowledges ${entryText(entry)} to its client`);
  }

  private flush(node: ClusterNode): void {
    for (const token of node.flushed(node.inFlight.length)) {
      this.input(node, { type: 'durable', token });
    }
  }

  private vote(node: ClusterNode, output: Extract<Output, { readonly type: 'notify' }>): void {
    const { to, notification } = output;
    if (this.isCut(node.sid, to)) return;
    const text = `${node.sid}->${to} ${notificationText(notification)}`;
    this.enqueue(`votes ${node.sid}->${to}`, text, () => {
      this.input(this.node(to), { type: 'notification', from: node.sid, notification });
    });
  }

  private dial(node: ClusterNode, to: number, attempt: number): void {
    const target = this.node(to);
    if (target.peer === null || target.halted !== null || this.isCut(node.sid, to)) {
      this.came(node.sid, 'is refused');
      this.input(node, { type: 'dialFailed', attempt, reason: 'refused' });
      return;
    }
    const link: Link = { id: this.nextLink, dialler: node.sid, acceptor: to };
    this.nextLink += 1;
    this.links.set(link.id, link);
    this.input(target, { type: 'linkAccepted', link: link.id });
    this.input(node, { type: 'linkUp', attempt, link: link.id });
  }

  private send(node: ClusterNode, id: number, message: ZabMessage): void {
    const link = this.links.get(id);
    if (link === undefined) return;
    const to = link.dialler === node.sid ? link.acceptor : link.dialler;
    const channel = `${node.sid}->${to}`;
    // Pings would drown what matters.
    const text = message.type === 'ping' ? '' : `${channel} ${messageText(message)}`;
    this.enqueue(
      channel,
      text,
      () => this.input(this.node(to), { type: 'message', link: id, message }),
      id,
    );
  }

  /** What was on the way is lost; both ends hear of it, except the one that ended it. */
  private end(link: Link, reason: string, by = -1): void {
    this.links.delete(link.id);
    for (const event of this.queue) {
      if (event.link === link.id && event.text !== '') this.say(`lost ${event.text}`);
    }
    this.queue = this.queue.filter((event) => event.link !== link.id);
    for (const sid of [link.dialler, link.acceptor]) {
      const other = sid === link.dialler ? link.acceptor : link.dialler;
      if (sid === by) continue;
      this.enqueue(`end ${sid}`, `${sid} loses the link to ${other}`, () => {
        this.input(this.node(sid), { type: 'linkDown', link: link.id, reason });
      });
    }
  }

  private enqueue(channel: string, text: string, run: () => void, link = -1): void {
    this.queue.push({ channel, link, text, run });
  }

  private isHeld({ channel, text }: Event): boolean {
    for (const what of this.held) {
      if (what === channel) return true;
      const [kind = ''] = text.slice(channel.length + 1).split(' ');
      if (what === `${channel} ${kind}`) return true;
    }
    return false;
  }

  private isCut(a: number, b: number): boolean {
    return this.sides.size > 0 && this.sides.get(a) !== this.sides.get(b);
  }

  private say(text: string): void {
    this.trace.push(text);
  }

  private came(sid: number, text: string): void {
    this.trace.push(`    ${sid} ${text}`);
  }
}

function deadlineOf(node: ClusterNode | undefined): number {
  return node?.peer?.deadlineMs ?? Number.POSITIVE_INFINITY;
}

function pairOf({ dialler, acceptor }: Pick<Link, 'dialler' | 'acceptor'>): string {
  return dialler < acceptor ? `${dialler}-${acceptor}` : `${acceptor}-${dialler}`;
}

/** True when the event ends with the board: what it does itself, what leaves it or reaches it. */
function isOwn(channel: string, sid: number): boolean {
  // Whoever dials a board that is down is refused, and must hear of it.
  if (channel.startsWith('dial ')) return channel.startsWith(`dial ${sid}->`);
  return new RegExp(`\\b${sid}\\b`).test(channel);
}
