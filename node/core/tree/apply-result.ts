/** Results of applying a transaction, and the one transaction whose result needs no tree. */
import { ErrorCode } from '../request/error-code.ts';
import { OpCode } from '../request/op-code.ts';
import type { Stat } from './stat.ts';
import type { MultiTxn } from './txn.ts';
import type { TxnResult } from './txn-result.ts';

/** `path` for a create; `stat` where the answer carries one. */
export function done(type: number, path: string | null, stat: Stat | null): TxnResult {
  return { type, err: ErrorCode.ok, path, stat, results: null };
}

export function failed(err: number): TxnResult {
  return { type: OpCode.error, err, path: null, stat: null, results: null };
}

/**
 * The result of a multi in which an operation failed, null for one that holds no error. It changes
 * nothing. A leader running Apache's code leaves the operations before the failed one as they
 * would have been (their error is then 0); ours puts an ErrorTxn in place of each.
 */
export function applyFailedMulti(multi: MultiTxn): TxnResult | null {
  if (!multi.txns.some((txn) => txn.type === OpCode.error)) return null;
  let hasFailed = false;
  let err: number = ErrorCode.ok;
  const results = multi.txns.map((txn) => {
    const isError = txn.type === OpCode.error;
    hasFailed ||= isError;
    const own = isError ? txn.err : hasFailed ? ErrorCode.runtimeInconsistency : ErrorCode.ok;
    if (err === ErrorCode.ok) err = own;
    return failed(own);
  });
  return { type: multi.type, err, path: null, stat: null, results };
}
