/**
 * What applying a transaction yields: the part of the client's answer that only the tree knows.
 * Every peer computes it; only the peer that holds the client's connection turns it into a reply.
 */
import type { Stat } from './stat.ts';

export interface TxnResult {
  /** The op code of the transaction (create 1, create2 15, delete 2 ...); -1 for a failed one. */
  readonly type: number;
  /** An error code (`ErrorCode`); 0 when the transaction took effect. */
  readonly err: number;
  /** The path that was created, with its sequence suffix; null except for the four creates. */
  readonly path: string | null;
  /** For create2, createContainer, createTtl, setData and setAcl; null otherwise. */
  readonly stat: Stat | null;
  /** One for each operation of a multi, in order; null otherwise. */
  readonly results: readonly TxnResult[] | null;
}
