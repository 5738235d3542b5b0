/** Why a multi did not happen: the operation that failed, and what the server said of each. */
import { ErrorCode } from '../core/request/error-code.ts';
import type { MultiOp } from '../core/request/requests.ts';
import type { TxnResult } from '../core/tree/txn-result.ts';
import { ZooKeeperError } from './client-error.ts';

export class MultiError extends ZooKeeperError {
  /** The position of the operation that failed. */
  readonly index: number;
  /** 0 before `index`, the error at it, RuntimeInconsistency ("not tried") after it. */
  readonly results: readonly TxnResult[];

  constructor(code: number, path: string | undefined, index: number, results: TxnResult[]) {
    super(code, path);
    this.index = index;
    this.results = results;
  }

  /** Undefined when every operation succeeded. */
  static of(ops: readonly MultiOp[], results: TxnResult[]): MultiError | undefined {
    const failed = (code: number) => code !== 0 && code !== ErrorCode.runtimeInconsistency;
    let index = results.findIndex(({ err }) => failed(err));
    if (index === -1) index = results.findIndex(({ err }) => err !== 0);
    const result = results[index];
    if (result === undefined) return undefined;
    return new MultiError(result.err, ops[index]?.path, index, results);
  }
}
