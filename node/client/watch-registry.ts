/**
 * The one-shot watches of a client, by path and kind. The server forgets a connection's watches
 * with the connection; what is kept here is what the client sends again (setWatches) after it has
 * reconnected, and the server then fires at once those whose znode has changed meanwhile.
 */

export type WatchEventType =
  | 'None'
  | 'NodeCreated'
  | 'NodeDeleted'
  | 'NodeDataChanged'
  | 'NodeChildrenChanged';

export interface WatchEvent {
  readonly type: WatchEventType;
  readonly path: string;
}

export type Watcher = (event: WatchEvent) => void;

/** `exist` is a watch on a znode that is not there. */
export type WatchKind = 'data' | 'exist' | 'child';

export interface WatchPaths {
  readonly dataWatches: string[];
  readonly existWatches: string[];
  readonly childWatches: string[];
}

const FIRED_BY: Readonly<Record<WatchEventType, readonly WatchKind[]>> = {
  None: [],
  NodeCreated: ['data', 'exist'],
  NodeDeleted: ['data', 'exist', 'child'],
  NodeDataChanged: ['data', 'exist'],
  NodeChildrenChanged: ['child'],
};
const LISTS = { data: 'dataWatches', exist: 'existWatches', child: 'childWatches' } as const;

export class WatchRegistry {
  private readonly watchers = {
    data: new Map<string, Set<Watcher>>(),
    exist: new Map<string, Set<Watcher>>(),
    child: new Map<string, Set<Watcher>>(),
  };

  /** The same watcher on the same path and kind is held, and called, once. */
  add(kind: WatchKind, path: string, watcher: Watcher): void {
    const set = this.watchers[kind].get(path);
    if (set === undefined) this.watchers[kind].set(path, new Set([watcher]));
    else set.add(watcher);
  }

  /** Removes the watchers that the event fires and returns each once. */
  take(event: WatchEvent): Watcher[] {
    const fired = new Set<Watcher>();
    for (const kind of FIRED_BY[event.type]) {
      for (const watcher of this.watchers[kind].get(event.path) ?? []) fired.add(watcher);
      this.watchers[kind].delete(event.path);
    }
    return [...fired];
  }

  clear(): void {
    for (const map of Object.values(this.watchers)) map.clear();
  }

  /** The watched paths after `toServer`, in batches of about `bytesMax` at most. */
  batches(toServer: (path: string) => string, bytesMax: number): WatchPaths[] {
    const batches: WatchPaths[] = [];
    let bytes = Number.POSITIVE_INFINITY;
    for (const kind of ['data', 'exist', 'child'] as const) {
      for (const key of this.watchers[kind].keys()) {
        const path = toServer(key);
        const size = 4 + Buffer.byteLength(path);
        if (bytes + size > bytesMax) {
          batches.push({ dataWatches: [], existWatches: [], childWatches: [] });
          bytes = 0;
        }
        batches.at(-1)?.[LISTS[kind]].push(path);
        bytes += size;
      }
    }
    return batches;
  }
}
