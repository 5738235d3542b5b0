/**
 * The watches that the clients of one peer have set. They live with the connection, not with the
 * session, and are never replicated: every peer fires its own when it applies a transaction. The
 * table listens to the tree, so a watcher hears of a change before anyone can read beyond it.
 */
import { type SetWatchesRequest, WatcherType } from '../request/requests.ts';
import type { Zxid } from '../zxid.ts';
import type { AclList } from './acl.ts';
import type { DataTree, TreeListener } from './data-tree.ts';
import type { TxnHeader } from './txn.ts';
import { WatchIndex, WatchMode } from './watch-index.ts';
import type { Znode } from './znode.ts';

/** Event types of ZooKeeper's WatcherEvent record, as far as a server sends them. */
export const WatchEventType = {
  created: 1,
  deleted: 2,
  dataChanged: 3,
  childrenChanged: 4,
} as const;
export type WatchEventType = (typeof WatchEventType)[keyof typeof WatchEventType];

/** One connection. */
export interface Watcher {
  /**
   * `zxid` is the transaction that fired the watch, -1 for an event that setWatches makes up.
   * `acl` guards the znode at `path`: who may not read it is not to learn that it changed
   * (CVE-2024-23944). Null where ZooKeeper does not ask.
   */
  deliver(type: WatchEventType, path: string, zxid: Zxid, acl: AclList | null): void;
}

/** The modes in each table that a kind of watch stands for. */
function modesOf(watcherType: number): { readonly data: number; readonly child: number } {
  const { standard, persistent, recursive } = WatchMode;
  switch (watcherType) {
    case WatcherType.children:
      return { data: 0, child: standard };
    case WatcherType.data:
      return { data: standard, child: 0 };
    case WatcherType.any:
      return { data: standard | persistent | recursive, child: standard | persistent };
    case WatcherType.persistent:
      return { data: persistent, child: persistent };
    case WatcherType.persistentRecursive:
      return { data: recursive, child: 0 };
    default:
      return { data: 0, child: 0 };
  }
}

/** Where a change that setWatches finds is not tied to one transaction. */
const NO_ZXID: Zxid = -1;

const NOBODY: ReadonlySet<Watcher> = new Set();

/** Told how many watchers one change has hit. */
export type FiredListener = (type: WatchEventType, watchers: number) => void;

export class WatchTable implements TreeListener {
  private readonly data = new WatchIndex<Watcher>();
  private readonly child = new WatchIndex<Watcher>();
  private readonly onFired: FiredListener;

  constructor(onFired: FiredListener = () => {}) {
    this.onFired = onFired;
  }

  /** Watches, as ZooKeeper counts them (`watch_count`): a persistent one counts in both tables. */
  get count(): number {
    return this.data.count + this.child.count;
  }

  /** What the four-letter word `wchs` reports, which leaves out the watches on children. */
  get summary(): {
    readonly connections: number;
    readonly paths: number;
    readonly watches: number;
  } {
    const { watcherCount, pathCount, count } = this.data;
    return { connections: watcherCount, paths: pathCount, watches: count };
  }

  /** What `wchp` and `wchc` report; they leave out the watches on children too. */
  byPath(): IterableIterator<readonly [path: string, watchers: Iterable<Watcher>]> {
    return this.data.entriesByPath();
  }

  byWatcher(): IterableIterator<readonly [watcher: Watcher, paths: Iterable<string>]> {
    return this.data.entriesByWatcher();
  }

  /** A watch on the data or the existence of `path`, which need not exist. */
  addData(path: string, watcher: Watcher): void {
    this.data.add(path, watcher, WatchMode.standard);
  }

  addChild(path: string, watcher: Watcher): void {
    this.child.add(path, watcher, WatchMode.standard);
  }

  /** A watch that stays: on `path`, or with `isRecursive` on everything from there down. */
  addPersistent(path: string, watcher: Watcher, isRecursive: boolean): void {
    if (isRecursive) {
      this.data.add(path, watcher, WatchMode.recursive);
      return;
    }
    this.data.add(path, watcher, WatchMode.persistent);
    this.child.add(path, watcher, WatchMode.persistent);
  }

  /** True when `watcher` has a watch of that kind (a `WatcherType`) on `path`. */
  hasWatch(path: string, watcherType: number, watcher: Watcher): boolean {
    const { data, child } = modesOf(watcherType);
    return this.data.has(path, watcher, data) || this.child.has(path, watcher, child);
  }

  /** Forgets the watches of that kind on `path`. False when there were none. */
  removeWatch(path: string, watcherType: number, watcher: Watcher): boolean {
    const { data, child } = modesOf(watcherType);
    const hadData = this.data.removeModes(path, watcher, data);
    const hadChild = this.child.removeModes(path, watcher, child);
    return hadData || hadChild;
  }

  /** The connection is gone. */
  removeWatcher(watcher: Watcher): void {
    this.data.remove(watcher);
    this.child.remove(watcher);
  }

  /**
   * A client that comes from another peer sets again what it had there. What changed after
   * `relativeZxid`, the last zxid it saw, is told at once and the watch is thereby used up.
   */
  setWatches(request: Omit<SetWatchesRequest, 'type'>, tree: DataTree, watcher: Watcher): void {
    const { relativeZxid } = request;
    for (const path of request.dataWatches) {
      const node = tree.get(path);
      if (node === undefined) watcher.deliver(WatchEventType.deleted, path, NO_ZXID, null);
      else if (node.mzxid > relativeZxid) {
        watcher.deliver(WatchEventType.dataChanged, path, NO_ZXID, null);
      } else this.addData(path, watcher);
    }
    for (const path of request.existWatches) {
      if (tree.get(path) === undefined) this.addData(path, watcher);
      else watcher.deliver(WatchEventType.created, path, NO_ZXID, null);
    }
    for (const path of request.childWatches) {
      const node = tree.get(path);
      if (node === undefined) watcher.deliver(WatchEventType.deleted, path, NO_ZXID, null);
      else if (node.pzxid > relativeZxid) {
        watcher.deliver(WatchEventType.childrenChanged, path, NO_ZXID, null);
      } else this.addChild(path, watcher);
    }
    // What changed meanwhile is not told to these: they stay set, and the client knows that.
    for (const path of request.persistentWatches) this.addPersistent(path, watcher, false);
    for (const path of request.recursiveWatches) this.addPersistent(path, watcher, true);
  }

  created(path: string, node: Znode, { zxid }: TxnHeader, parent: Znode): void {
    this.fire(this.data, WatchEventType.created, path, node.acl, zxid);
    this.fire(this.child, WatchEventType.childrenChanged, parent.path, parent.acl, zxid);
  }

  deleted(path: string, node: Znode, { zxid }: TxnHeader, parent: Znode): void {
    const told = this.fire(this.data, WatchEventType.deleted, path, node.acl, zxid);
    this.fire(this.child, WatchEventType.deleted, path, node.acl, zxid, told);
    this.fire(this.child, WatchEventType.childrenChanged, parent.path, parent.acl, zxid);
  }

  dataChanged(path: string, node: Znode, { zxid }: TxnHeader): void {
    this.fire(this.data, WatchEventType.dataChanged, path, node.acl, zxid);
  }

  /** No watch fires for an access control list. */
  aclChanged(): void {}

  /** Tells the watchers of `path` except those `told` already; returns all of them. */
  private fire(
    index: WatchIndex<Watcher>,
    type: WatchEventType,
    path: string,
    acl: AclList,
    zxid: Zxid,
    told: ReadonlySet<Watcher> = NOBODY,
  ): ReadonlySet<Watcher> {
    if (index.count === 0) return NOBODY;
    const hit = index.trigger(path);
    if (hit.size > 0) this.onFired(type, hit.size);
    for (const watcher of hit) {
      if (!told.has(watcher)) watcher.deliver(type, path, zxid, acl);
    }
    return hit;
  }
}
