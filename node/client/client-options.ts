/** What a client is made with, and what it asks of a create. */
import type { AclList } from '../core/tree/acl.ts';
import type { SessionEvent } from './client-session.ts';
import type { Watcher } from './watch-registry.ts';

export interface ZooKeeperClientOptions {
  /** `host:port,host:port/chroot`; see `parseConnectString`. */
  readonly connectString: string;
  /** What the client asks for; the server may grant another. Default 30 000. */
  readonly sessionTimeoutMs?: number;
  /** Also take a server that has lost its quorum and only serves reads. */
  readonly readOnly?: boolean;
  /** Told of every change of the session's state. */
  readonly onState?: (event: SessionEvent) => void;
  /** Told when a server could not be reached or refused the session; the next one is tried. */
  readonly onConnectFailure?: (server: string, reason: Error) => void;
  /** The default watcher: called for watches that were set with `true`. */
  readonly onWatch?: Watcher;
  /** The order in which servers are tried; random unless given. */
  readonly shuffle?: <T>(hosts: readonly T[]) => readonly T[];
}

export interface CreateOptions {
  /** A `CreateMode`; persistent unless given. */
  readonly flags?: number;
  /** Open to everybody unless given. */
  readonly acl?: AclList;
  /** For the two modes with a time to live. */
  readonly ttlMs?: number;
}

export const SESSION_TIMEOUT_MS_DEFAULT = 30_000;

/** Fisher and Yates: the default `shuffle`. */
export function shuffled<T>(items: readonly T[]): T[] {
  const out = [...items];
  for (let i = out.length - 1; i > 0; i -= 1) {
    const j = Math.floor(Math.random() * (i + 1));
    const [a, b] = [out[i], out[j]];
    if (a !== undefined && b !== undefined) [out[i], out[j]] = [b, a];
  }
  return out;
}
