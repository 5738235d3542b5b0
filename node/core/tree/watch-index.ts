/**
 * One of the two watch tables of a peer: who watches which path, in which mode. Both directions are
 * kept, so a trigger costs the watchers of a path (and of its ancestors while there are recursive
 * watches), and a closed connection costs its own watches.
 */
import { invariant } from '../invariant.ts';
import { parentOf } from './path.ts';

/** Bits: one watcher may watch a path in several modes and still hears of a change once. */
export const WatchMode = { standard: 1, persistent: 2, recursive: 4 } as const;
export type WatchMode = (typeof WatchMode)[keyof typeof WatchMode];

export class WatchIndex<W> {
  private readonly byPath = new Map<string, Map<W, number>>();
  private readonly byWatcher = new Map<W, Set<string>>();
  private total = 0;
  private recursives = 0;

  /** Pairs of path and watcher. */
  get count(): number {
    return this.total;
  }

  get pathCount(): number {
    return this.byPath.size;
  }

  get watcherCount(): number {
    return this.byWatcher.size;
  }

  add(path: string, watcher: W, mode: WatchMode): void {
    let modes = this.byPath.get(path);
    if (modes === undefined) {
      modes = new Map();
      this.byPath.set(path, modes);
    }
    let paths = this.byWatcher.get(watcher);
    if (paths === undefined) {
      paths = new Set();
      this.byWatcher.set(watcher, paths);
    }
    const before = modes.get(watcher) ?? 0;
    if (before === 0) this.total += 1;
    if (mode === WatchMode.recursive && !has(before, mode)) this.recursives += 1;
    modes.set(watcher, before | mode);
    paths.add(path);
  }

  /** For reports: every path with those who watch it in whatever mode, oldest path first. */
  *entriesByPath(): IterableIterator<readonly [string, Iterable<W>]> {
    for (const [path, modes] of this.byPath) yield [path, modes.keys()];
  }

  /** For reports: every watcher with its paths. */
  entriesByWatcher(): IterableIterator<readonly [W, Iterable<string>]> {
    return this.byWatcher.entries();
  }

  /** Something happened at `path`: who is to hear of it. Standard watches are used up by it. */
  trigger(path: string): ReadonlySet<W> {
    const hit = new Set<W>();
    const modes = this.byPath.get(path);
    if (modes !== undefined) {
      for (const [watcher, mode] of modes) {
        hit.add(watcher);
        if (has(mode, WatchMode.standard)) this.drop(path, watcher, mode & ~WatchMode.standard);
      }
    }
    if (this.recursives > 0) this.addRecursives(path, hit);
    return hit;
  }

  /** True when `watcher` watches `path` in one of `modes` (bits). */
  has(path: string, watcher: W, modes: number): boolean {
    return ((this.byPath.get(path)?.get(watcher) ?? 0) & modes) !== 0;
  }

  /** Forgets the watches of `watcher` on `path` in `modes` (bits). False when there are none. */
  removeModes(path: string, watcher: W, modes: number): boolean {
    const before = this.byPath.get(path)?.get(watcher) ?? 0;
    if ((before & modes) === 0) return false;
    this.drop(path, watcher, before & ~modes);
    return true;
  }

  /** Forgets all watches of `watcher`, whose connection is gone. */
  remove(watcher: W): void {
    for (const path of this.byWatcher.get(watcher) ?? []) this.drop(path, watcher, 0);
  }

  private addRecursives(path: string, hit: Set<W>): void {
    for (let at = path; at !== '/'; ) {
      at = parentOf(at);
      for (const [watcher, mode] of this.byPath.get(at) ?? []) {
        if (has(mode, WatchMode.recursive)) hit.add(watcher);
      }
    }
  }

  /** Leaves `rest` of the modes in which `watcher` watches `path`. */
  private drop(path: string, watcher: W, rest: number): void {
    const modes = this.byPath.get(path);
    const paths = this.byWatcher.get(watcher);
    const mode = modes?.get(watcher) ?? 0;
    invariant(
      modes !== undefined && paths !== undefined && mode !== 0,
      'the two directions of a watch table agree',
      { path },
    );
    if (has(mode & ~rest, WatchMode.recursive)) this.recursives -= 1;
    if (rest !== 0) {
      modes.set(watcher, rest);
      return;
    }
    modes.delete(watcher);
    if (modes.size === 0) this.byPath.delete(path);
    paths.delete(path);
    if (paths.size === 0) this.byWatcher.delete(watcher);
    this.total -= 1;
  }
}

function has(modes: number, mode: WatchMode): boolean {
  return (modes & mode) !== 0;
}
