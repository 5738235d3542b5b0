/**
 * Requests that are on their way see each other: sessions, multis, and what is applied meanwhile.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ErrorCode } from '../../node/core/request/error-code.ts';
import { OpCode } from '../../node/core/request/op-code.ts';
import { READ_ACL_UNSAFE } from '../../node/core/tree/acl.ts';
import type { Txn } from '../../node/core/tree/txn.ts';
import {
  CLOSE,
  check,
  create,
  errOf,
  multi,
  OTHER_SESSION,
  remove,
  setAcl,
  setData,
  TreeDriver,
} from '../helpers/tree-driver.ts';

function errsOf(txn: Txn): readonly number[] {
  assert.ok(txn.type === OpCode.multi);
  return txn.txns.map(errOf);
}

function pathsOf(txn: Txn): readonly string[] | null {
  assert.ok(txn.type === OpCode.closeSession);
  return txn.paths;
}

test('a create sees the create before it', () => {
  const driver = new TreeDriver();
  driver.propose(create('/a'));
  assert.equal(errOf(driver.propose(create('/a'))), ErrorCode.nodeExists);
  assert.equal(errOf(driver.propose(create('/a/b'))), ErrorCode.ok);
});

test('a delete sees the children on their way', () => {
  const driver = new TreeDriver();
  driver.write(create('/a'));
  driver.propose(create('/a/b'));
  assert.equal(errOf(driver.propose(remove('/a'))), ErrorCode.notEmpty);
  driver.propose(remove('/a/b'));
  assert.equal(errOf(driver.propose(remove('/a'))), ErrorCode.ok);
  assert.equal(errOf(driver.propose(create('/a/b'))), ErrorCode.noNode);
});

test('versions count up on their way', () => {
  const driver = new TreeDriver();
  driver.write(create('/a'));
  driver.propose(setData('/a', '1', 0));
  assert.equal(errOf(driver.propose(setData('/a', '2', 0))), ErrorCode.badVersion);
  assert.equal(errOf(driver.propose(setData('/a', '2', 1))), ErrorCode.ok);
});

test('a list on its way guards what comes after it', () => {
  const driver = new TreeDriver();
  driver.write(create('/a'));
  driver.propose(setAcl('/a', READ_ACL_UNSAFE));
  assert.equal(errOf(driver.propose(setData('/a', 'x'))), ErrorCode.noAuth);
});

test('what is applied is read from the tree, what is not still stands', () => {
  const driver = new TreeDriver();
  driver.propose(create('/a'));
  driver.propose(setData('/a', '1'));
  driver.commit();
  assert.equal(errOf(driver.propose(setData('/a', '2', 0))), ErrorCode.badVersion);
  while (driver.inFlight > 0) driver.commit();
  assert.equal(driver.preparer.pendingChanges, 0);
  assert.equal(errOf(driver.propose(setData('/a', '2', 1))), ErrorCode.ok);
});

test('after a reset nothing is on its way', () => {
  const driver = new TreeDriver();
  driver.propose(create('/a'));
  driver.propose(create('/e', 1));
  driver.preparer.reset();
  assert.equal(driver.preparer.pendingChanges, 0);
  assert.equal(errOf(driver.propose(create('/a'))), ErrorCode.ok);
  assert.deepEqual(pathsOf(driver.propose(CLOSE)), []);
});

test('closeSession lists, sorted, committed ephemerals and those on their way, but no deleted ones', () => {
  const driver = new TreeDriver();
  driver.write(create('/kept', 1));
  driver.write(create('/deleted', 1));
  driver.write(create('/other', 1), { session: OTHER_SESSION });
  driver.propose(create('/new', 1));
  driver.propose(remove('/deleted'));
  driver.propose(create('/brief', 1));
  driver.propose(remove('/brief'));
  driver.propose(setData('/kept', 'x'));
  driver.propose(setData('/kept', 'y'));
  const paths = pathsOf(driver.propose(CLOSE));
  assert.deepEqual(paths, ['/kept', '/new']);
  while (driver.inFlight > 0) driver.commit();
  assert.deepEqual(driver.tree.ephemeralsOf(OTHER_SESSION), ['/other']);
  assert.equal(driver.tree.ephemeralsCount, 1);
});

test('an ephemeral that another session has taken over does not go with the first', () => {
  const driver = new TreeDriver();
  driver.write(create('/lock', 1));
  driver.propose(remove('/lock'), { session: OTHER_SESSION });
  driver.propose(create('/lock', 1), { session: OTHER_SESSION });
  assert.deepEqual(pathsOf(driver.propose(CLOSE)), []);
  assert.deepEqual(pathsOf(driver.propose(CLOSE, { session: OTHER_SESSION })), ['/lock']);
});

test('what a closing session owned is gone for those that come after', () => {
  const driver = new TreeDriver();
  driver.write(create('/p'));
  driver.write(create('/p/e', 1));
  driver.propose(CLOSE);
  assert.equal(errOf(driver.propose(setData('/p/e', 'x'))), ErrorCode.noNode);
  assert.deepEqual(pathsOf(driver.propose(CLOSE)), []);
  assert.equal(errOf(driver.propose(remove('/p'))), ErrorCode.ok);
  while (driver.inFlight > 0) driver.commit();
  assert.equal(driver.tree.get('/p'), undefined);
});

test('a session that expires is closed in spite of its error', () => {
  const sessionError = ErrorCode.sessionExpired;
  assert.deepEqual(pathsOf(new TreeDriver().propose(CLOSE, { sessionError })), []);
});

test('createSession carries the timeout', () => {
  const txn = new TreeDriver().propose({ type: OpCode.createSession, timeoutMs: 5000 });
  assert.deepEqual(txn, { type: OpCode.createSession, timeoutMs: 5000 });
});

test('the operations of a multi see each other', () => {
  const driver = new TreeDriver();
  const txn = driver.propose(
    multi(create('/a'), create('/a/b'), setData('/a', 'x', 0), check('/a', 1), remove('/a/b')),
  );
  assert.deepEqual(errsOf(txn), [0, 0, 0, 0, 0]);
  assert.deepEqual(
    driver.commit().results?.map((result) => result.err),
    [0, 0, 0, 0, 0],
  );
});

test('a check states the version as ZooKeeper does, one more', () => {
  const driver = new TreeDriver();
  const txn = driver.propose(multi(create('/a'), check('/a', 0)));
  assert.ok(txn.type === OpCode.multi);
  assert.deepEqual(txn.txns[1], { type: OpCode.check, path: '/a', version: 1 });
});

test('a failed multi holds an error for each operation', () => {
  const driver = new TreeDriver();
  const txn = driver.propose(multi(create('/a'), create('/b'), create('/a'), create('/c')));
  const { ok, nodeExists, runtimeInconsistency } = ErrorCode;
  assert.deepEqual(txn, multiOf([ok, ok, nodeExists, runtimeInconsistency]));
});

function multiOf(errs: readonly number[]): Txn {
  return { type: OpCode.multi, txns: errs.map((err) => ({ type: OpCode.error, err })) };
}

test('an empty multi is one, even of a session that is gone', () => {
  const sessionError = ErrorCode.sessionExpired;
  assert.deepEqual(new TreeDriver().propose(multi(), { sessionError }), multiOf([]));
});

test('the session is checked in every operation of a multi', () => {
  const sessionError = ErrorCode.sessionMoved;
  const txn = new TreeDriver().propose(multi(create('/a'), create('/b')), { sessionError });
  assert.deepEqual(txn, multiOf([ErrorCode.sessionMoved, ErrorCode.runtimeInconsistency]));
});

test('a failed multi leaves what was on its way before it as it was', () => {
  const driver = new TreeDriver();
  driver.write(create('/q'));
  driver.propose(create('/q/n-', 2));
  driver.propose(create('/e', 1));
  const before = driver.preparer.pendingChanges;
  driver.propose(
    multi(create('/q/n-', 2), remove('/e'), create('/f', 1), setData('/q', 'x'), create('/q')),
  );
  assert.equal(driver.preparer.pendingChanges, before);
  const next = driver.propose(create('/q/n-', 2));
  assert.ok(next.type === OpCode.create2 && next.path === '/q/n-0000000001');
  assert.equal(errOf(driver.propose(setData('/q', 'x', 0))), ErrorCode.ok);
  assert.deepEqual(pathsOf(driver.propose(CLOSE)), ['/e']);
});
