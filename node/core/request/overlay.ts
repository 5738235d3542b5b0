/**
 * The tree as it will be once everything proposed is applied: the committed tree under the changes
 * of transactions that are on their way. A leader validates against this, so that pipelined
 * requests see each other. An entry goes when its transaction is applied, unless a later one has
 * replaced it.
 */
import { invariant } from '../invariant.ts';
import { type SessionId, SessionMap } from '../session-id.ts';
import type { AclList } from '../tree/acl.ts';
import type { DataTree } from '../tree/data-tree.ts';
import { ownerKind } from '../tree/owner.ts';
import type { Zxid } from '../zxid.ts';

/** What validation needs to know of a znode; a `Znode` is one. */
export interface NodeView {
  readonly version: number;
  /** As stored. */
  readonly cversion: number;
  readonly aversion: number;
  readonly acl: AclList;
  readonly ephemeralOwner: SessionId;
  readonly numChildren: number;
  /** Bytes. */
  readonly dataLength: number;
}

/** A copy with the fields of a view and no more; a znode has many others. */
export function viewOf(node: NodeView): NodeView {
  return {
    version: node.version,
    cversion: node.cversion,
    aversion: node.aversion,
    acl: node.acl,
    ephemeralOwner: node.ephemeralOwner,
    numChildren: node.numChildren,
    dataLength: node.dataLength,
  };
}

/** `view` null: deleted. */
interface Pending {
  readonly view: NodeView | null;
}

interface Change {
  readonly zxid: Zxid;
  readonly path: string;
  readonly pending: Pending;
  /** What stood for the path before; only needed to take the change back. */
  readonly replaced: Pending | undefined;
}

export class Overlay {
  private readonly tree: DataTree;
  private readonly byPath = new Map<string, Pending>();
  /** The ephemerals in `byPath`, by owner. */
  private readonly ephemerals = new SessionMap<Set<string>>();
  /** In zxid order; those before `head` are applied. */
  private readonly changes: Change[] = [];
  private head = 0;
  private lastZxid: Zxid = 0;

  constructor(tree: DataTree) {
    this.tree = tree;
  }

  /** Changes on their way. */
  get size(): number {
    return this.changes.length - this.head;
  }

  /** The znode as it will be, null when it will not be there. */
  get(path: string): NodeView | null {
    const pending = this.byPath.get(path);
    if (pending !== undefined) return pending.view;
    return this.tree.get(path) ?? null;
  }

  /** Records that the transaction `zxid` makes the znode `view`, or deletes it (null). */
  set(zxid: Zxid, path: string, view: NodeView | null): void {
    invariant(zxid >= this.lastZxid, 'changes are proposed in zxid order', { zxid, path });
    this.lastZxid = zxid;
    const pending = { view };
    this.changes.push({ zxid, path, pending, replaced: this.byPath.get(path) });
    this.replace(path, pending);
  }

  /** The ephemerals that `session` will own, sorted: they reach the wire in this order. */
  ephemeralsOf(session: SessionId): readonly string[] {
    const committed = this.tree.ephemeralsOf(session).filter((path) => !this.byPath.has(path));
    return [...committed, ...(this.ephemerals.get(session) ?? [])].sort();
  }

  /** A point to roll back to; valid until the next `applied`. */
  mark(): number {
    return this.changes.length;
  }

  /** Takes back all changes since `mark`, newest first. */
  rollback(mark: number): void {
    invariant(mark >= this.head, 'what is rolled back is not applied', { mark, head: this.head });
    while (this.changes.length > mark) {
      const change = this.changes.pop();
      if (change !== undefined) this.replace(change.path, change.replaced);
    }
  }

  /** The transactions up to `zxid` are in the tree now. */
  applied(zxid: Zxid): void {
    for (;;) {
      const change = this.changes[this.head];
      if (change === undefined || change.zxid > zxid) break;
      this.head += 1;
      if (this.byPath.get(change.path) === change.pending) this.replace(change.path, undefined);
    }
    // What is cut off is at least as long as what is moved, so a change costs constant time.
    if (this.head > 0 && this.head * 2 >= this.changes.length) {
      this.changes.splice(0, this.head);
      this.head = 0;
    }
  }

  /** Leadership ended: what was on its way may never happen. */
  clear(): void {
    this.byPath.clear();
    this.ephemerals.clear();
    this.changes.length = 0;
    this.head = 0;
    this.lastZxid = 0;
  }

  private replace(path: string, next: Pending | undefined): void {
    const before = ownerOf(this.byPath.get(path));
    if (before !== null) {
      const owned = this.ephemerals.get(before);
      owned?.delete(path);
      if (owned?.size === 0) this.ephemerals.delete(before);
    }
    if (next === undefined) this.byPath.delete(path);
    else this.byPath.set(path, next);
    const owner = ownerOf(next);
    if (owner === null) return;
    const owned = this.ephemerals.get(owner);
    if (owned === undefined) this.ephemerals.set(owner, new Set([path]));
    else owned.add(path);
  }
}

/** The session that owns the znode, null when none does. */
function ownerOf(pending: Pending | undefined): SessionId | null {
  const owner = pending?.view?.ephemeralOwner;
  return owner !== undefined && ownerKind(owner) === 'session' ? owner : null;
}
