/**
 * Random steps from a seed. What a step asks for depends on nothing but the seed, so that any
 * subset of a run's steps is a run, and a failure can be made smaller by leaving steps out.
 */
import { Prng } from '../../node/core/prng.ts';
import type { Field, Request } from './fields.ts';
import { mayClose, Op } from './operations.ts';
import { requestCount, type Step } from './steps.ts';
import * as words from './vocabulary.ts';

export const SLOTS = 4;
const BATCH_MAX = 8;

/**
 * Steps with `count` requests, or a few more. One seed in four sets quotas, and sends one request
 * at a time: what is checked against a quota is what has been applied, which is a matter of luck
 * while requests are on their way.
 */
export function generate(seed: number, count: number): Step[] {
  const prng = new Prng(seed);
  const hasQuotas = seed % 4 === 0;
  const steps: Step[] = hasQuotas ? quotaSteps(prng) : [];
  for (let total = 0; total < count; ) {
    const step = randomStep(prng, hasQuotas);
    steps.push(step);
    total += requestCount(step);
  }
  return steps;
}

function randomStep(prng: Prng, hasQuotas: boolean): Step {
  const slot = prng.below(SLOTS);
  if (prng.oneIn(50)) return { kind: prng.oneIn(3) ? 'steal' : 'reconnect', slot };
  if (prng.oneIn(150)) {
    return { kind: 'impostor', slot, how: prng.pick(['password', 'unknown', 'ahead'] as const) };
  }
  if (hasQuotas) {
    const request = prng.oneIn(12) ? quotaRequest(prng) : randomRequest(prng);
    return { kind: 'requests', slot, requests: [request] };
  }
  const wanted = prng.oneIn(4) ? 2 + prng.below(BATCH_MAX - 1) : 1;
  const requests = Array.from({ length: wanted }, () => randomRequest(prng));
  // What is behind a request that ends the connection may be done or not; and ZooKeeper checks the
  // old list as long as the new one is on its way.
  const lonely = requests.find((request) => mayClose(request) || request.op === Op.setAcl);
  return { kind: 'requests', slot, requests: lonely === undefined ? requests : [lonely] };
}

type Make = (prng: Prng) => Request;

const MAKERS: ReadonlyArray<readonly [weight: number, make: Make]> = [
  [22, createRequest],
  [10, deleteRequest],
  [10, (prng) => ({ op: Op.setData, fields: setDataFields(prng) })],
  [4, setAclRequest],
  [8, multi],
  [7, (prng) => pathWatch(prng, Op.exists)],
  [7, (prng) => pathWatch(prng, Op.getData)],
  [5, (prng) => pathWatch(prng, Op.getChildren)],
  [5, (prng) => pathWatch(prng, Op.getChildren2)],
  [3, (prng) => ({ op: Op.getAcl, fields: [['text', words.namedPath(prng)]] })],
  [2, (prng) => ({ op: Op.sync, fields: [path(prng)] })],
  [2, (prng) => ({ op: Op.getAllChildrenNumber, fields: [['text', words.namedPath(prng)]] })],
  [2, (prng) => ({ op: Op.getEphemerals, fields: [prefix(prng)] })],
  [4, multiRead],
  [5, addWatch],
  [4, (prng) => watchKind(prng, Op.removeWatches)],
  [3, (prng) => watchKind(prng, Op.checkWatches)],
  [3, setWatches],
  [3, authRequest],
  [2, () => ({ op: Op.whoAmI, fields: [] })],
  [2, () => ({ op: Op.ping, fields: [] })],
  [1, () => ({ op: Op.closeSession, fields: [] })],
  [1, oddRequest],
];
const TOTAL = MAKERS.reduce((sum, [weight]) => sum + weight, 0);

function randomRequest(prng: Prng): Request {
  let at = prng.below(TOTAL);
  for (const [weight, make] of MAKERS) {
    at -= weight;
    if (at < 0) return make(prng);
  }
  return { op: Op.ping, fields: [] };
}

function path(prng: Prng): Field {
  return ['text', words.path(prng)];
}

function prefix(prng: Prng): Field {
  return ['text', prng.pick(['/', '', ' ', '/t', '/t/a', '/t/a/b', 't', words.path(prng)])];
}

function createRequest(prng: Prng): Request {
  const op = prng.pick([Op.create, Op.create, Op.create2, Op.createContainer, Op.createTtl]);
  return { op, fields: createFields(prng, op) };
}

function createFields(prng: Prng, op: number): Field[] {
  const at = words.path(prng);
  const head: Field[] = [['text', at], words.data(prng), words.acl(prng, at)];
  switch (op) {
    case Op.createContainer:
      return [...head, ['int', prng.oneIn(8) ? prng.below(4) : 4]];
    case Op.createTtl: {
      // No negative TTL with another mode: ZooKeeper accepts that and dies applying it.
      const isTtlMode = !prng.oneIn(8);
      const flags = isTtlMode ? 5 + prng.below(2) : prng.pick([0, 1, 2, 3, 4, 7, -1]);
      const odd = [0n, -1n, 1n, 2n ** 40n - 1n, 2n ** 40n, 2n ** 62n];
      const ttl = prng.oneIn(4) ? prng.pick(isTtlMode ? odd : [0n, 5n]) : 1_000_000n;
      return [...head, ['int', flags], ['long', ttl]];
    }
    default:
      return [...head, ['int', prng.oneIn(15) ? prng.pick([4, 5, 6, 7, -1, 99]) : flags(prng)]];
  }
}

function flags(prng: Prng): number {
  return prng.pick([0, 0, 0, 1, 2, 3]);
}

function deleteRequest(prng: Prng): Request {
  return { op: Op.delete, fields: [path(prng), words.version(prng)] };
}

function setDataFields(prng: Prng): Field[] {
  return [path(prng), words.data(prng), words.version(prng)];
}

function setAclRequest(prng: Prng): Request {
  const at = words.path(prng);
  return { op: Op.setAcl, fields: [['text', at], words.acl(prng, at), words.version(prng)] };
}

function quotaRequest(prng: Prng): Request {
  const name = words.quotaPath(prng);
  const at: Field = ['text', name];
  const content = words.text(words.quotaText(prng, name));
  switch (prng.below(4)) {
    case 0:
      return { op: Op.delete, fields: [at, ['int', -1]] };
    case 1:
      return { op: Op.setData, fields: [at, content, ['int', -1]] };
    default: {
      const open: Field = ['acl', [[31, 'world', 'anyone']]];
      return { op: Op.create, fields: [at, content, open, ['int', 0]] };
    }
  }
}

/** As `setquota` of zkCli does it. */
function quotaSteps(prng: Prng): Step[] {
  const at = `/zookeeper/quota${words.TOP}`;
  const limits = words.quotaText(prng, at);
  return [
    [at, ''],
    [`${at}/zookeeper_limits`, limits],
    [`${at}/zookeeper_stats`, 'count=0,bytes=0'],
  ].map(([path = '', content = '']): Step => {
    const open: Field = ['acl', [[31, 'world', 'anyone']]];
    const fields: Field[] = [['text', path], words.text(content), open, ['int', 0]];
    return { kind: 'requests', slot: 0, requests: [{ op: Op.create, fields }] };
  });
}

const END: readonly Field[] = [
  ['int', -1],
  ['bool', 1],
  ['int', -1],
];

function multi(prng: Prng): Request {
  const ops = Array.from({ length: prng.below(5) }, () => multiOp(prng));
  return { op: Op.multi, fields: [...ops.flat(), ...END] };
}

function multiOp(prng: Prng): Field[] {
  // Another kind of operation is no operation of a multi.
  const op = prng.oneIn(60)
    ? prng.pick([Op.getData, Op.getAcl, Op.multi, 99])
    : prng.pick([
        ...[Op.create, Op.create, Op.create2, Op.createContainer, Op.createTtl],
        ...[Op.delete, Op.setData, Op.check, Op.check],
      ]);
  return [['int', op], ['bool', 0], ['int', -1], ...multiOpFields(prng, op)];
}

function multiOpFields(prng: Prng, op: number): Field[] {
  switch (op) {
    case Op.delete:
    case Op.check:
      return [path(prng), words.version(prng)];
    case Op.setData:
      return setDataFields(prng);
    case Op.getData:
      return [path(prng), ['bool', 0]];
    case Op.getAcl:
      return [path(prng)];
    default:
      return createFields(prng, op);
  }
}

function multiRead(prng: Prng): Request {
  const ops = Array.from({ length: prng.below(5) }, (): Field[] => {
    const op = prng.pick([Op.getData, Op.getChildren]);
    const at = words.namedPath(prng);
    const isWatch = words.watchModeOf(at) === 'standard' && prng.oneIn(2);
    return [
      ['int', op],
      ['bool', 0],
      ['int', -1],
      ['text', at],
      ['bool', isWatch ? 1 : 0],
    ];
  });
  return { op: Op.multiRead, fields: [...ops.flat(), ...END] };
}

function pathWatch(prng: Prng, op: number): Request {
  const at = words.namedPath(prng);
  const isComparable = op !== Op.exists || !words.mayHide(at);
  const isWatch = isComparable && words.watchModeOf(at) === 'standard' && !prng.oneIn(4);
  return {
    op,
    fields: [
      ['text', at],
      ['bool', isWatch ? 1 : 0],
    ],
  };
}

function addWatch(prng: Prng): Request {
  const mode = prng.pick(['persistent', 'recursive'] as const);
  const at: Field = ['text', words.watchPath(prng, mode)];
  if (prng.oneIn(15)) return { op: Op.addWatch, fields: [at, ['int', prng.pick([-1, 2, 3, 7])]] };
  return { op: Op.addWatch, fields: [at, ['int', mode === 'persistent' ? 0 : 1]] };
}

/** ZooKeeper 3.8 knows three kinds, and takes a persistent watch for one of the first two. */
function watchKind(prng: Prng, op: number): Request {
  const at = words.rootedPath(prng);
  const isStandard = words.watchModeOf(at) === 'standard';
  const kind = prng.oneIn(15) ? prng.pick([0, 6, -1]) : isStandard ? 1 + prng.below(3) : 3;
  return {
    op,
    fields: [
      ['text', at],
      ['int', kind],
    ],
  };
}

function setWatches(prng: Prng): Request {
  const list = (mode: words.WatchMode): Field => {
    const count = prng.below(4);
    return ['texts', Array.from({ length: count }, () => words.watchPath(prng, mode))];
  };
  const zxid: Field = ['zxidBack', prng.pick([0, 0, 1, 3, 10, 40])];
  const lists = [list('standard'), list('standard'), list('standard')];
  if (prng.oneIn(2)) return { op: Op.setWatches, fields: [zxid, ...lists] };
  const fields = [zxid, ...lists, list('persistent'), list('recursive')];
  return { op: Op.setWatches2, fields };
}

function authRequest(prng: Prng): Request {
  const [scheme, auth] = prng.pick(prng.oneIn(4) ? words.ODD_AUTH : words.GOOD_AUTH);
  const bytes: Field = auth === null ? ['bytes', null] : words.text(auth);
  return { op: Op.auth, fields: [['int', 0], ['text', scheme], bytes] };
}

/** Null is a text to these in ZooKeeper, or is looked at only after the mode. */
const NULL_TOLERANT: ReadonlySet<number> = new Set([
  ...[Op.sync, Op.addWatch, Op.removeWatches, Op.checkWatches],
  ...[Op.create, Op.create2, Op.createContainer, Op.createTtl],
]);

/** Operations that nobody knows, that clients may not send, and records that are cut off. */
function oddRequest(prng: Prng): Request {
  switch (prng.below(3)) {
    case 0:
      return { op: prng.pick([0, 10, 23, 99, 108, 1000, -1, -2]), fields: [] };
    case 1: {
      const { op, fields } = randomRequest(prng);
      const isCuttable = fields.length > 0 && op !== Op.auth && op !== Op.setWatches;
      return { op, fields: isCuttable ? fields.slice(0, -1) : fields };
    }
    default: {
      const { op, fields } = randomRequest(prng);
      const isNullable = fields[0]?.[0] === 'text' && !NULL_TOLERANT.has(op);
      return { op, fields: isNullable ? [['text', null], ...fields.slice(1)] : fields };
    }
  }
}
