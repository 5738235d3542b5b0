/**
 * The network of a simulated ensemble: links that keep the order of their packets, each with a
 * random delay; partitions between pairs; dials that fail when the other side is away. A broken
 * link loses what was on the way, and each end hears of it in its own time.
 */
import type { Prng } from '../../node/core/prng.ts';
import type { Input } from '../../node/core/zab/inputs.ts';
import type { ZabMessage } from '../../node/core/zab/messages.ts';
import type { Notification } from '../../node/core/zab/vote.ts';
import type { VirtualTime } from './virtual-time.ts';
import type { ClusterNode } from './zab-cluster-node.ts';

interface Link {
  readonly id: number;
  readonly dialler: number;
  readonly acceptor: number;
  isOpen: boolean;
  /** No packet may overtake another: the time of the last delivery in each direction. */
  readonly lastAtMs: { toAcceptor: number; toDialler: number };
}

export interface NetworkHost {
  readonly time: VirtualTime;
  readonly prng: Prng;
  node(sid: number): ClusterNode;
  input(node: ClusterNode, input: Input): void;
}

export class ClusterNetwork {
  private nextLink = 1;
  private readonly links = new Map<number, Link>();
  private readonly cuts = new Set<string>();
  private readonly host: NetworkHost;

  constructor(host: NetworkHost) {
    this.host = host;
  }

  cut(a: number, b: number): void {
    this.cuts.add(pair(a, b));
    for (const link of this.links.values()) {
      if (pair(link.dialler, link.acceptor) === pair(a, b)) this.break(link, 'partition');
    }
  }

  heal(): void {
    this.cuts.clear();
  }

  isCut(a: number, b: number): boolean {
    return this.cuts.has(pair(a, b));
  }

  breakAllOf(sid: number): void {
    for (const link of this.links.values()) {
      if (link.dialler === sid || link.acceptor === sid) this.break(link, 'crashed');
    }
  }

  notify(from: ClusterNode, to: number, notification: Notification): void {
    if (this.isCut(from.sid, to)) return;
    const { time } = this.host;
    time.at(time.nowMs + this.delay(), () => {
      if (this.isCut(from.sid, to) || from.peer === null) return;
      const target = this.host.node(to);
      this.host.input(target, { type: 'notification', from: from.sid, notification });
    });
  }

  dial(node: ClusterNode, sid: number, attempt: number): void {
    this.later(node, 1, 10, () => {
      const target = this.host.node(sid);
      if (target.peer === null || this.isCut(node.sid, sid)) {
        this.host.input(node, { type: 'dialFailed', attempt, reason: 'refused' });
        return;
      }
      const { nowMs } = this.host.time;
      const link: Link = {
        id: this.nextLink,
        dialler: node.sid,
        acceptor: sid,
        isOpen: true,
        lastAtMs: { toAcceptor: nowMs, toDialler: nowMs },
      };
      this.nextLink += 1;
      this.links.set(link.id, link);
      this.host.input(target, { type: 'linkAccepted', link: link.id });
      this.host.input(node, { type: 'linkUp', attempt, link: link.id });
    });
  }

  send(node: ClusterNode, id: number, message: ZabMessage): void {
    const link = this.links.get(id);
    if (link === undefined || !link.isOpen) return;
    const isDialler = link.dialler === node.sid;
    const direction = isDialler ? 'toAcceptor' : 'toDialler';
    const target = this.host.node(isDialler ? link.acceptor : link.dialler);
    const atMs = Math.max(link.lastAtMs[direction], this.host.time.nowMs + this.delay());
    link.lastAtMs[direction] = atMs;
    this.host.time.at(atMs, () => {
      if (link.isOpen) this.host.input(target, { type: 'message', link: id, message });
    });
  }

  close(node: ClusterNode, id: number, reason: string): void {
    const link = this.links.get(id);
    if (link !== undefined) this.break(link, reason, node.sid);
  }

  /** Runs after `min` to `min + spread` ms, unless the node has lost power by then. */
  later(node: ClusterNode, min: number, spread: number, run: () => void): void {
    const { incarnation } = node;
    const { time, prng } = this.host;
    time.at(time.nowMs + min + prng.below(spread + 1), () => {
      if (node.incarnation === incarnation) run();
    });
  }

  private break(link: Link, reason: string, by = -1): void {
    if (!link.isOpen) return;
    link.isOpen = false;
    this.links.delete(link.id);
    for (const sid of [link.dialler, link.acceptor]) {
      if (sid === by) continue;
      const node = this.host.node(sid);
      this.later(node, 0, 30, () => {
        this.host.input(node, { type: 'linkDown', link: link.id, reason });
      });
    }
  }

  private delay(): number {
    const { prng } = this.host;
    return prng.oneIn(20) ? prng.below(300) : 1 + prng.below(5);
  }
}

function pair(a: number, b: number): string {
  return a < b ? `${a}-${b}` : `${b}-${a}`;
}
