/**
 * Several operations as one transaction: each is validated against the effects of those before it,
 * and when one fails the others never happened.
 */
import type { MultiTxn, SingleTxn } from '../tree/txn.ts';
import { ErrorCode } from './error-code.ts';
import { OpCode } from './op-code.ts';
import type { Overlay } from './overlay.ts';
import type { MultiOp, MultiRequest } from './requests.ts';

/**
 * After a failure the transaction holds an error for every operation: 0 for those before the one
 * that failed, its own code for that one, and runtimeInconsistency for those after it.
 */
export function prepareMulti(
  request: MultiRequest,
  overlay: Overlay,
  prepareOp: (op: MultiOp) => SingleTxn,
): MultiTxn {
  const mark = overlay.mark();
  const txns: SingleTxn[] = [];
  for (const op of request.ops) {
    const txn = prepareOp(op);
    if (txn.type === OpCode.error) {
      overlay.rollback(mark);
      return failedMulti(request.ops.length, txns.length, txn.err);
    }
    txns.push(txn);
  }
  return { type: OpCode.multi, txns };
}

function failedMulti(count: number, failedAt: number, err: number): MultiTxn {
  const txns = Array.from({ length: count }, (_, index): SingleTxn => {
    if (index === failedAt) return { type: OpCode.error, err };
    const other = index < failedAt ? ErrorCode.ok : ErrorCode.runtimeInconsistency;
    return { type: OpCode.error, err: other };
  });
  return { type: OpCode.multi, txns };
}
