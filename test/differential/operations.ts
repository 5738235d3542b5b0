/** The operations by number: what they are called and what stands in a successful reply. */
import type { Request } from './fields.ts';

export type Part = 'text' | 'bytes' | 'int' | 'stat' | 'acl' | 'names' | 'ids' | 'results';

interface Operation {
  readonly name: string;
  readonly reply: readonly Part[];
}

export const Op = {
  create: 1,
  delete: 2,
  exists: 3,
  getData: 4,
  setData: 5,
  getAcl: 6,
  setAcl: 7,
  getChildren: 8,
  sync: 9,
  ping: 11,
  getChildren2: 12,
  check: 13,
  multi: 14,
  create2: 15,
  reconfig: 16,
  checkWatches: 17,
  removeWatches: 18,
  createContainer: 19,
  createTtl: 21,
  multiRead: 22,
  auth: 100,
  setWatches: 101,
  getEphemerals: 103,
  getAllChildrenNumber: 104,
  setWatches2: 105,
  addWatch: 106,
  whoAmI: 107,
  closeSession: -11,
} as const;

const OPERATIONS: ReadonlyMap<number, Operation> = new Map([
  [Op.create, { name: 'create', reply: ['text'] }],
  [Op.delete, { name: 'delete', reply: [] }],
  [Op.exists, { name: 'exists', reply: ['stat'] }],
  [Op.getData, { name: 'getData', reply: ['bytes', 'stat'] }],
  [Op.setData, { name: 'setData', reply: ['stat'] }],
  [Op.getAcl, { name: 'getACL', reply: ['acl', 'stat'] }],
  [Op.setAcl, { name: 'setACL', reply: ['stat'] }],
  [Op.getChildren, { name: 'getChildren', reply: ['names'] }],
  [Op.sync, { name: 'sync', reply: ['text'] }],
  [Op.ping, { name: 'ping', reply: [] }],
  [Op.getChildren2, { name: 'getChildren2', reply: ['names', 'stat'] }],
  [Op.multi, { name: 'multi', reply: ['results'] }],
  [Op.create2, { name: 'create2', reply: ['text', 'stat'] }],
  [Op.reconfig, { name: 'reconfig', reply: [] }],
  [Op.checkWatches, { name: 'checkWatches', reply: [] }],
  [Op.removeWatches, { name: 'removeWatches', reply: [] }],
  [Op.createContainer, { name: 'createContainer', reply: ['text', 'stat'] }],
  [Op.createTtl, { name: 'createTTL', reply: ['text', 'stat'] }],
  [Op.multiRead, { name: 'multiRead', reply: ['results'] }],
  [Op.auth, { name: 'auth', reply: [] }],
  [Op.setWatches, { name: 'setWatches', reply: [] }],
  [Op.getEphemerals, { name: 'getEphemerals', reply: ['names'] }],
  [Op.getAllChildrenNumber, { name: 'getAllChildrenNumber', reply: ['int'] }],
  [Op.setWatches2, { name: 'setWatches2', reply: [] }],
  [Op.addWatch, { name: 'addWatch', reply: ['int'] }],
  [Op.whoAmI, { name: 'whoAmI', reply: ['ids'] }],
  [Op.closeSession, { name: 'closeSession', reply: [] }],
]);

/** What stands behind the header of one result of a multi or multiRead. */
const RESULTS: ReadonlyMap<number, readonly Part[]> = new Map<number, readonly Part[]>([
  [Op.create, ['text']],
  [Op.create2, ['text', 'stat']],
  [Op.delete, []],
  [Op.setData, ['stat']],
  [Op.check, []],
  [Op.getData, ['bytes', 'stat']],
  [Op.getChildren, ['names']],
  [-1, ['int']],
]);

/** Undefined for an operation that nobody knows. */
export function replyOf(op: number): readonly Part[] | undefined {
  return OPERATIONS.get(op)?.reply;
}

export function resultOf(type: number): readonly Part[] | undefined {
  return RESULTS.get(type);
}

/** Some operations have a fixed xid; the others count. */
export function fixedXid(op: number): number | undefined {
  if (op === Op.ping) return -2;
  if (op === Op.auth) return -4;
  return op === Op.setWatches || op === Op.setWatches2 ? -8 : undefined;
}

/** Whether a server may end the connection after its reply. */
export function mayClose({ op }: Request): boolean {
  return op === Op.auth || op === Op.closeSession || !OPERATIONS.has(op);
}

export function opName(op: number): string {
  return OPERATIONS.get(op)?.name ?? `op ${op}`;
}

export function requestText({ op, fields }: Request): string {
  return `${opName(op)}(${fields.map((field) => valueText(field[1])).join(', ')})`;
}

function valueText(value: unknown): string {
  return typeof value === 'bigint' ? String(value) : JSON.stringify(value);
}
