/** Random write requests over a few paths and sessions, so that they meet each other often. */
import type { Prng } from '../../node/core/prng.ts';
import { OpCode } from '../../node/core/request/op-code.ts';
import type { MultiOp, WriteRequest } from '../../node/core/request/requests.ts';
import type { SessionId } from '../../node/core/session-id.ts';
import { OPEN_ACL_UNSAFE, READ_ACL_UNSAFE } from '../../node/core/tree/acl.ts';
import {
  CLOSE,
  check,
  create,
  multi,
  OTHER_SESSION,
  remove,
  SESSION,
  setAcl,
  setData,
} from './tree-driver.ts';

const NAMES = ['a', 'b', 'c'];

export interface RandomRequest {
  readonly request: WriteRequest;
  readonly session: SessionId;
}

export function randomRequest(prng: Prng): RandomRequest {
  return { request: randomWrite(prng), session: prng.pick([SESSION, OTHER_SESSION]) };
}

function randomWrite(prng: Prng): WriteRequest {
  if (prng.oneIn(20)) return CLOSE;
  if (prng.oneIn(20)) {
    // Mostly open again, so that the tree stays alive.
    const acl = prng.oneIn(3) ? READ_ACL_UNSAFE : OPEN_ACL_UNSAFE;
    return setAcl(randomPath(prng), acl, prng.oneIn(2) ? -1 : prng.below(3));
  }
  if (prng.oneIn(6)) {
    return multi(...Array.from({ length: prng.below(5) }, () => randomOp(prng)));
  }
  for (;;) {
    const op = randomOp(prng);
    if (op.type !== OpCode.check) return op;
  }
}

function randomOp(prng: Prng): MultiOp {
  const path = randomPath(prng);
  const version = prng.oneIn(3) ? prng.below(3) : -1;
  switch (prng.below(8)) {
    case 0:
    case 1:
    case 2:
      return create(path, prng.pick([0, 0, 0, 1, 2, 3]));
    case 3:
    case 4:
      return remove(path, version);
    case 5:
      return check(path, version);
    default:
      return setData(path, `${prng.below(1000)}`, version);
  }
}

function randomPath(prng: Prng): string {
  let path = '';
  for (let depth = 1 + prng.below(3); depth > 0; depth -= 1) path += `/${prng.pick(NAMES)}`;
  // Now and then the name that a sequential create has chosen.
  return prng.oneIn(6) ? `${path}000000000${prng.below(10)}` : path;
}
