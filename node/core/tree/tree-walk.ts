/**
 * An exact walk over a tree that goes on changing: it yields every znode as it was at one zxid, so
 * a snapshot made from it needs no idempotent replay (ZOOKEEPER-3127, 3125, 3145 are what fuzzy
 * snapshots cost).
 *
 * It rests on two facts. The tree's map iterates in order of insertion, which is the order of
 * `seq`. And the tree tells the walk before it changes a znode: if that znode is still to come, its
 * before-image is put in line now, after those of its ancestors.
 */
import { invariant } from '../invariant.ts';
import type { SessionId } from '../session-id.ts';
import type { Zxid } from '../zxid.ts';
import { parentOf } from './path.ts';
import { recordOf, type Znode, type ZnodeRecord } from './znode.ts';

export type WalkedNode = ZnodeRecord;

export interface WalkedSession {
  readonly id: SessionId;
  readonly timeoutMs: number;
}

/** What a walk needs of its tree. */
export interface WalkSource {
  readonly lastZxid: Zxid;
  /** The largest `seq` given out so far. */
  readonly lastSeq: number;
  readonly sessions: readonly WalkedSession[];
  /** Live, in order of insertion. */
  readonly nodes: IterableIterator<Znode>;
  get(path: string): Znode | undefined;
  onClose(walk: TreeWalk): void;
}

export class TreeWalk {
  readonly zxid: Zxid;
  readonly sessions: readonly WalkedSession[];
  private readonly source: WalkSource;
  private readonly endSeq: number;
  private cursorSeq = -1;
  private isOpen = true;
  /** Znodes put in line before the cursor reached them, by `seq`. */
  private readonly ahead = new Set<number>();
  private line: ZnodeRecord[] = [];

  constructor(source: WalkSource) {
    this.source = source;
    this.zxid = source.lastZxid;
    this.endSeq = source.lastSeq;
    this.sessions = source.sessions;
  }

  /** Up to `limit` znodes, parents always before their children; empty when there are no more. */
  next(limit: number): readonly WalkedNode[] {
    invariant(limit > 0, 'a walk is asked for at least one znode', { limit });
    if (!this.isOpen) return [];
    // What stands in line goes first: the cursor may be about to yield children of it.
    const out = this.line.splice(0, limit);
    while (out.length < limit) {
      const step = this.source.nodes.next();
      if (step.done === true || step.value.seq > this.endSeq) {
        this.cursorSeq = this.endSeq;
        break;
      }
      const node = step.value;
      this.cursorSeq = node.seq;
      if (!this.ahead.delete(node.seq)) out.push(recordOf(node));
    }
    if (out.length === 0) this.close();
    return out;
  }

  /** Ends the walk early; the tree forgets it. */
  close(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.line = [];
    this.ahead.clear();
    this.source.onClose(this);
  }

  /** The tree is about to change `node` (its fields, its data or its being there). */
  beforeChange(node: Znode): void {
    if (this.isCovered(node)) return;
    const images = [node];
    for (let path = node.path; path !== '/'; ) {
      path = parentOf(path);
      const ancestor = this.source.get(path);
      invariant(ancestor !== undefined, 'a znode has a parent', { path: node.path });
      // An ancestor that is covered has its own ancestors covered too.
      if (this.isCovered(ancestor)) break;
      images.push(ancestor);
    }
    for (const image of images.reverse()) {
      this.ahead.add(image.seq);
      this.line.push(recordOf(image));
    }
  }

  /** True when `node` was yielded, is in line, or is younger than the walk. */
  private isCovered(node: Znode): boolean {
    return node.seq > this.endSeq || node.seq <= this.cursorSeq || this.ahead.has(node.seq);
  }
}
