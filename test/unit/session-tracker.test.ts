import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ErrorCode } from '../../node/core/request/error-code.ts';
import { SessionId } from '../../node/core/session-id.ts';
import { SessionTracker } from '../../node/core/tree/session-tracker.ts';

const TICK = 1000;
const A = new SessionId(1, 1);
const B = new SessionId(1, 2);
const C = new SessionId(-1, 0);

function ids(sessions: readonly SessionId[]): readonly string[] {
  return sessions.map(String);
}

test('a session expires at the tick after its timeout', () => {
  const tracker = new SessionTracker(TICK);
  tracker.track(A, 2500, 100);
  assert.equal(tracker.nextDeadlineMs(), 3000);
  assert.deepEqual(tracker.expired(2999), []);
  assert.deepEqual(ids(tracker.expired(3000)), [`${A}`]);
});

test('a timeout that ends on a tick is rounded up to the next', () => {
  const tracker = new SessionTracker(TICK);
  tracker.track(A, 2000, 1000);
  assert.equal(tracker.nextDeadlineMs(), 4000);
});

test('sessions that expire together are reported together, the next ones first', () => {
  const tracker = new SessionTracker(TICK);
  tracker.track(A, 9000, 0);
  tracker.track(B, 2500, 0);
  tracker.track(C, 2600, 0);
  const sets = tracker.sets.map((set) => [set.deadlineMs, ids(set.ids)]);
  assert.deepEqual(sets, [
    [3000, [`${B}`, `${C}`]],
    [10_000, [`${A}`]],
  ]);
});

test('an expired session is reported once and may do nothing more', () => {
  const tracker = new SessionTracker(TICK);
  tracker.track(A, 1000, 0);
  tracker.check(A, 1);
  tracker.expired(5000);
  assert.deepEqual(tracker.expired(9000), []);
  assert.equal(tracker.nextDeadlineMs(), null);
  assert.equal(tracker.touch(A, null, 5000), false);
  assert.equal(tracker.check(A, 1), ErrorCode.sessionExpired);
  assert.equal(tracker.setOwner(A, 2), false);
});

test('a touch starts the timeout again', () => {
  const tracker = new SessionTracker(TICK);
  tracker.track(A, 2000, 0);
  assert.equal(tracker.touch(A, null, 1500), true);
  assert.deepEqual(tracker.expired(3999), []);
  assert.deepEqual(ids(tracker.expired(4000)), [`${A}`]);
});

test('a touch may bring its own timeout', () => {
  const tracker = new SessionTracker(TICK);
  tracker.track(A, 2000, 0);
  tracker.touch(A, 9500, 0);
  assert.equal(tracker.nextDeadlineMs(), 10000);
});

test('an unknown session is not touched', () => {
  assert.equal(new SessionTracker(TICK).touch(A, 1000, 0), false);
});

test('a session that is tracked again keeps its owner', () => {
  const tracker = new SessionTracker(TICK);
  tracker.track(A, 1000, 0);
  tracker.setOwner(A, 1);
  tracker.track(A, 1000, 5000);
  assert.equal(tracker.check(A, 2), ErrorCode.sessionMoved);
  assert.equal(tracker.nextDeadlineMs(), 7000);
});

test('sessions expire by deadline, then by id', () => {
  const tracker = new SessionTracker(TICK);
  tracker.track(C, 1000, 0);
  tracker.track(B, 1000, 0);
  tracker.track(A, 1000, 0);
  tracker.track(new SessionId(9, 9), 0, 0);
  assert.deepEqual(ids(tracker.expired(60000)), [`${new SessionId(9, 9)}`, `${A}`, `${B}`, `${C}`]);
});

test('a closed session does not expire', () => {
  const tracker = new SessionTracker(TICK);
  tracker.track(A, 1000, 0);
  tracker.track(B, 1000, 0);
  tracker.setClosing(A);
  assert.equal(tracker.check(A, 1), ErrorCode.sessionExpired);
  tracker.remove(A);
  assert.deepEqual([tracker.size, ids(tracker.expired(60000))], [1, [`${B}`]]);
});

test('the first server to ask owns the session, another one is refused', () => {
  const tracker = new SessionTracker(TICK);
  tracker.track(A, 1000, 0);
  assert.equal(tracker.check(A, 1), ErrorCode.ok);
  assert.equal(tracker.check(A, 2), ErrorCode.sessionMoved);
  assert.equal(tracker.check(A, 1), ErrorCode.ok);
});

test('a session that moved is refused through its old server', () => {
  const tracker = new SessionTracker(TICK);
  tracker.track(A, 1000, 0);
  tracker.check(A, 1);
  assert.equal(tracker.setOwner(A, 2), true);
  assert.equal(tracker.check(A, 2), ErrorCode.ok);
  assert.equal(tracker.check(A, 1), ErrorCode.sessionMoved);
});

test('an unknown session has expired', () => {
  assert.equal(new SessionTracker(TICK).check(A, 1), ErrorCode.sessionExpired);
});

test('a cleared tracker knows nobody', () => {
  const tracker = new SessionTracker(TICK);
  tracker.track(A, 1000, 0);
  tracker.clear();
  assert.deepEqual([tracker.size, tracker.nextDeadlineMs(), tracker.expired(9999)], [0, null, []]);
});
