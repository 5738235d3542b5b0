/**
 * One change that the ensemble has committed, as the bridge hears it from the apply path. A
 * transaction yields one for each znode it touches (a multi, or the end of a session with
 * ephemerals, yields several); a transaction that touches no data yields none.
 */
import type { SessionId } from '../core/session-id.ts';
import type { Stat } from '../core/tree/stat.ts';
import type { Zxid } from '../core/zxid.ts';

export interface CommittedChange {
  readonly zxid: Zxid;
  /** Position among the changes of the same transaction, ascending from 0. */
  readonly index: number;
  readonly kind: 'created' | 'changed' | 'deleted';
  readonly path: string;
  /** The data after the change; null when deleted, and when the znode's data is null. */
  readonly data: Uint8Array | null;
  /** The Stat after the change; null when deleted. */
  readonly stat: Stat | null;
  /** The leader's wall clock in the transaction header, milliseconds since 1970. */
  readonly timeMs: number;
  /** The session that asked for it. */
  readonly session: SessionId;
}

/** A znode as it stands now. */
export interface ZnodeState {
  readonly path: string;
  readonly data: Uint8Array | null;
  readonly stat: Stat;
}

/**
 * The committed tree, read when retained state must be published afresh. `nodes` is pulled a few
 * znodes at a time while the tree goes on changing: it must yield every znode that exists during
 * the whole walk, each as it stands when yielded, and must not fail because of a change.
 */
export interface TreeSource {
  nodes(): Iterable<ZnodeState>;
  has(path: string): boolean;
}

/** /zookeeper holds the service's own znodes (config, quota); they are not published. */
export function isPublishedPath(path: string): boolean {
  return path !== '/zookeeper' && !path.startsWith('/zookeeper/');
}
