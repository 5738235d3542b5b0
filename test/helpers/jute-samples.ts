/** One of each: requests, transactions and results with every field set to something telling. */
import { OpCode } from '../../node/core/request/op-code.ts';
import type { CreateRequest, MultiRequest, Request } from '../../node/core/request/requests.ts';
import { SessionId } from '../../node/core/session-id.ts';
import { type AclList, OPEN_ACL_UNSAFE } from '../../node/core/tree/acl.ts';
import type { Stat } from '../../node/core/tree/stat.ts';
import type { MultiTxn, SingleTxn, Txn, TxnHeader } from '../../node/core/tree/txn.ts';
import type { TxnResult } from '../../node/core/tree/txn-result.ts';

export const ACL: AclList = [
  { perms: 31, id: { scheme: 'digest', id: 'bob:pw' } },
  { perms: 1, id: { scheme: 'ip', id: '10.0.0.0/8' } },
];

export const STAT: Stat = {
  czxid: 0x0000_0002_0000_0011,
  mzxid: 0x0000_0002_0000_0012,
  ctime: 1_700_000_000_123,
  mtime: 1_700_000_000_456,
  version: 7,
  cversion: -1,
  aversion: 9,
  ephemeralOwner: new SessionId(-5, 6),
  dataLength: 11,
  numChildren: 12,
  pzxid: 0x0000_0002_0000_0013,
};

const CREATE: CreateRequest = {
  type: OpCode.create,
  path: '/créé',
  data: Buffer.from('data'),
  acl: ACL,
  flags: 3,
  ttlMs: 0,
};

export const MULTI: MultiRequest = {
  type: OpCode.multi,
  ops: [
    CREATE,
    { ...CREATE, type: OpCode.create2, acl: OPEN_ACL_UNSAFE },
    { ...CREATE, type: OpCode.createContainer, flags: 4, data: null },
    { ...CREATE, type: OpCode.createTtl, flags: 5, ttlMs: 60_000 },
    { type: OpCode.delete, path: '/d', version: 2 },
    { type: OpCode.setData, path: '/s', data: Buffer.alloc(0), version: -1 },
    { type: OpCode.check, path: '/c', version: 4 },
  ],
};

export const REQUESTS: readonly Request[] = [
  CREATE,
  { ...CREATE, acl: null, data: null },
  { ...CREATE, type: OpCode.create2, acl: [] },
  { ...CREATE, type: OpCode.createContainer, flags: 4 },
  { ...CREATE, type: OpCode.createTtl, flags: 6, ttlMs: 2 ** 40 - 1 },
  { type: OpCode.delete, path: '/d', version: -1 },
  { type: OpCode.setData, path: '/s', data: Buffer.from([1, 2, 3]), version: 5 },
  { type: OpCode.setAcl, path: '/a', acl: ACL, version: 6 },
  MULTI,
  { type: OpCode.multi, ops: [] },
  { type: OpCode.createSession, timeoutMs: 4000 },
  { type: OpCode.closeSession },
  { type: OpCode.exists, path: '/e', watch: true },
  { type: OpCode.getData, path: '/g', watch: false },
  { type: OpCode.getChildren, path: '/', watch: true },
  { type: OpCode.getChildren2, path: '/', watch: false },
  { type: OpCode.getAcl, path: '/g' },
  {
    type: OpCode.setWatches,
    relativeZxid: 0x0000_0002_0000_0001,
    dataWatches: ['/a', '/b'],
    existWatches: [],
    childWatches: ['/'],
    persistentWatches: [],
    recursiveWatches: [],
  },
  {
    type: OpCode.setWatches2,
    relativeZxid: 0x0000_0002_0000_0001,
    dataWatches: [],
    existWatches: ['/e'],
    childWatches: [],
    persistentWatches: ['/p', '/p2'],
    recursiveWatches: ['/r'],
  },
  { type: OpCode.addWatch, path: '/w', mode: 1 },
  { type: OpCode.removeWatches, path: '/w', watcherType: 3 },
  { type: OpCode.checkWatches, path: '/w', watcherType: 5 },
  { type: OpCode.getEphemerals, prefix: '/e' },
  { type: OpCode.getAllChildrenNumber, path: '/' },
  { type: OpCode.whoAmI },
  {
    type: OpCode.multiRead,
    ops: [
      { type: OpCode.getData, path: '/g', watch: true },
      { type: OpCode.getChildren, path: '/', watch: false },
    ],
  },
  { type: OpCode.sync, path: '/' },
  { type: OpCode.ping },
  { type: OpCode.auth, scheme: 'digest', auth: Buffer.from('bob:secret') },
];

export const HEADER: TxnHeader = {
  session: new SessionId(0x01020304, -6),
  cxid: 42,
  zxid: 0x0000_0007_0000_0009,
  timeMs: 1_700_000_000_000,
};

const CREATED = {
  path: '/c',
  data: Buffer.from('data'),
  acl: OPEN_ACL_UNSAFE,
  parentCversion: 8,
};

const SINGLE_TXNS: readonly SingleTxn[] = [
  { ...CREATED, type: OpCode.create, ephemeral: true },
  { ...CREATED, type: OpCode.create2, ephemeral: false, acl: ACL, data: null },
  { ...CREATED, type: OpCode.createContainer },
  { ...CREATED, type: OpCode.createTtl, ttlMs: 2 ** 40 - 1 },
  { type: OpCode.delete, path: '/d' },
  { type: OpCode.deleteContainer, path: '/e' },
  { type: OpCode.setData, path: '/s', data: Buffer.alloc(0), version: 3 },
  { type: OpCode.reconfig, path: '/zookeeper/config', data: Buffer.from('x'), version: 4 },
  { type: OpCode.setAcl, path: '/a', acl: ACL, aversion: 5 },
  { type: OpCode.check, path: '/k', version: 6 },
  { type: OpCode.createSession, timeoutMs: 30_000 },
  { type: OpCode.closeSession, paths: ['/x', '/y/z'] },
  { type: OpCode.closeSession, paths: [] },
  { type: OpCode.error, err: -110 },
];

/** As an Apache leader writes it: the operation before the failed one keeps its record. */
export const FAILED_MULTI: MultiTxn = {
  type: OpCode.multi,
  txns: [
    { type: OpCode.delete, path: '/d' },
    { type: OpCode.error, err: -101 },
    { type: OpCode.error, err: -2 },
  ],
};

export const TXNS: readonly Txn[] = [
  ...SINGLE_TXNS,
  { type: OpCode.closeSession, paths: null },
  { type: OpCode.multi, txns: SINGLE_TXNS },
  FAILED_MULTI,
  { type: OpCode.multi, txns: [] },
];

const NOTHING: TxnResult = { type: 0, err: 0, path: null, stat: null, results: null };

/** As a client sees them: the other two creates come back as create2. */
export const MULTI_RESULTS: readonly TxnResult[] = [
  { ...NOTHING, type: OpCode.create, path: '/a' },
  { ...NOTHING, type: OpCode.create2, path: '/b', stat: STAT },
  { ...NOTHING, type: OpCode.setData, stat: STAT },
  { ...NOTHING, type: OpCode.delete },
  { ...NOTHING, type: OpCode.check },
  { ...NOTHING, type: OpCode.error },
  { ...NOTHING, type: OpCode.error, err: -110 },
];
