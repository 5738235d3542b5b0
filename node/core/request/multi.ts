/**
 * Several operations as one transaction: each is validated against the effects of those before it,
 * and when one fails the others never happened.
 */
import type { ErrorTxn, MultiTxn, SingleTxn } from '../tree/txn.ts';
import { ErrorCode } from './error-code.ts';
import { OpCode } from './op-code.ts';
import type { Overlay } from './overlay.ts';
import { errorTxn } from './prepare-scope.ts';
import { CreateMode, type MultiOp, type MultiRequest } from './requests.ts';

/**
 * After a failure the transaction holds an error for every operation: 0 for those before the one
 * that failed, its own code for that one, and runtimeInconsistency for those after it.
 */
export function prepareMulti(
  request: MultiRequest,
  overlay: Overlay,
  prepareOp: (op: MultiOp) => SingleTxn,
): MultiTxn | ErrorTxn {
  const mark = overlay.mark();
  const txns: SingleTxn[] = [];
  for (const op of request.ops) {
    const plain = withTypeOfMode(op);
    if (plain === null) {
      overlay.rollback(mark);
      return errorTxn(ErrorCode.marshallingError);
    }
    const txn = prepareOp(plain);
    if (txn.type === OpCode.error) {
      overlay.rollback(mark);
      return failedMulti(request.ops.length, txns.length, txn.err);
    }
    txns.push(txn);
  }
  return { type: OpCode.multi, txns };
}

/**
 * In a multi the mode says what kind of create it is, whatever the op code, as in ZooKeeper
 * (MultiOperationRecord.java, Op.java): there is no create2, and its servers would skip one that
 * stands in a transaction. Null for a TTL mode without a TTL, which it cannot even prepare.
 */
function withTypeOfMode(op: MultiOp): MultiOp | null {
  switch (op.type) {
    case OpCode.create:
    case OpCode.create2:
    case OpCode.createContainer:
    case OpCode.createTtl: {
      const { flags } = op;
      if (flags === CreateMode.container) return { ...op, type: OpCode.createContainer, ttlMs: 0 };
      const isTtlMode =
        flags === CreateMode.persistentWithTtl || flags === CreateMode.persistentSequentialWithTtl;
      if (!isTtlMode) return { ...op, type: OpCode.create, ttlMs: 0 };
      return op.type === OpCode.createTtl ? op : null;
    }
    default:
      return op;
  }
}

function failedMulti(count: number, failedAt: number, err: number): MultiTxn {
  const txns = Array.from({ length: count }, (_, index): SingleTxn => {
    if (index === failedAt) return { type: OpCode.error, err };
    const other = index < failedAt ? ErrorCode.ok : ErrorCode.runtimeInconsistency;
    return { type: OpCode.error, err: other };
  });
  return { type: OpCode.multi, txns };
}
