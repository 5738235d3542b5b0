/**
 * Builds a tree from an image of it: a snapshot file or what a leader sent. An image comes from
 * disk or from the network, so what is wrong with it is an error to handle, not a broken
 * invariant: `BadTreeImageError` says what, and the half-built tree is dropped.
 */
import type { SessionId } from '../session-id.ts';
import type { Zxid } from '../zxid.ts';
import { DataTree } from './data-tree.ts';
import { parentOf, validatePath } from './path.ts';
import { freshRecord, SPECIAL_PATHS } from './special-znodes.ts';
import type { ZnodeRecord } from './znode.ts';

export class BadTreeImageError extends Error {
  constructor(message: string) {
    super(`bad tree image: ${message}`);
    this.name = 'BadTreeImageError';
  }
}

export class TreeImage {
  private readonly tree = new DataTree(true);
  private isFinished = false;

  addSession(id: SessionId, timeoutMs: number): void {
    this.mustBeOpen();
    if (id.isNone) throw new BadTreeImageError('a session has the id 0');
    if (!Number.isInteger(timeoutMs) || timeoutMs < 0) {
      throw new BadTreeImageError(`session ${id} has the timeout ${timeoutMs} ms`);
    }
    if (this.tree.sessions.has(id)) throw new BadTreeImageError(`session ${id} comes twice`);
    this.tree.sessions.set(id, timeoutMs);
  }

  /** Adds a znode; its parent must have come before it, and none may come twice. */
  addNode(record: ZnodeRecord): void {
    this.mustBeOpen();
    const { path } = record;
    const problem = validatePath(path, false);
    if (problem !== null) throw new BadTreeImageError(`${problem}: ${JSON.stringify(path)}`);
    if (this.tree.get(path) !== undefined) throw new BadTreeImageError(`${path} comes twice`);
    if (path !== '/') {
      const parent = this.tree.get(parentOf(path));
      if (parent === undefined) throw new BadTreeImageError(`${path} comes before its parent`);
      if (parent.isEphemeral) throw new BadTreeImageError(`${path} is the child of an ephemeral`);
    }
    this.tree.insert(record);
  }

  /**
   * The tree of the image, whose last transaction was `zxid`. Znodes under /zookeeper that the
   * image lacks (older ZooKeepers had no config znode) are as in a fresh tree.
   */
  finish(zxid: Zxid): DataTree {
    this.mustBeOpen();
    if (!Number.isSafeInteger(zxid) || zxid < 0) {
      throw new BadTreeImageError(`its zxid is ${zxid}`);
    }
    if (this.tree.get('/') === undefined) throw new BadTreeImageError('it holds no znode /');
    for (const path of SPECIAL_PATHS) {
      if (this.tree.get(path) === undefined) this.tree.insert(freshRecord(path));
    }
    this.tree.quotas.rebuild();
    this.tree.startAt(zxid);
    this.isFinished = true;
    return this.tree;
  }

  private mustBeOpen(): void {
    if (this.isFinished) throw new BadTreeImageError('it is finished');
  }
}
