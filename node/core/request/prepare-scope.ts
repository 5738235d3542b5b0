/** What a preparation is told and what it works with. */
import type { SessionId } from '../session-id.ts';
import type { AclList } from '../tree/acl.ts';
import type { ErrorTxn } from '../tree/txn.ts';
import type { Zxid } from '../zxid.ts';
import type { ErrorCode } from './error-code.ts';
import { OpCode } from './op-code.ts';
import type { Overlay } from './overlay.ts';
import type { Ids } from './requests.ts';

export interface PrepareContext {
  /** Who asks: the session of the transaction's header. */
  readonly session: SessionId;
  readonly ids: Ids;
  /** The zxid of the transaction, larger than that of any before. */
  readonly zxid: Zxid;
  /** The time in the transaction's header; no check depends on it. */
  readonly timeMs: number;
  /** What the session tracker says: `ok`, `sessionExpired` or `sessionMoved`. */
  readonly sessionError: ErrorCode;
}

/** What the preparation of one kind of request works with. */
export interface PrepareScope {
  readonly overlay: Overlay;
  readonly context: PrepareContext;
  /** True when the caller has one of the permission bits `perm` by the list `acl`. */
  may(acl: AclList, perm: number): boolean;
  /** True when a hard quota forbids so much more at `path`. */
  exceedsQuota(path: string, bytesDiff: number, countDiff: number): boolean;
}

export function errorTxn(err: ErrorCode): ErrorTxn {
  return { type: OpCode.error, err };
}
