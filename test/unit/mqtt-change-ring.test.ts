import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NO_SESSION } from '../../node/core/session-id.ts';
import { ChangeRing } from '../../node/mqtt/change-ring.ts';
import type { CommittedChange } from '../../node/mqtt/committed-change.ts';

function change(zxid: number, index = 0, bytes = 0): CommittedChange {
  return {
    zxid,
    index,
    kind: 'changed',
    path: '/a',
    data: new Uint8Array(bytes),
    stat: null,
    timeMs: 0,
    session: NO_SESSION,
  };
}

function zxids(ring: ChangeRing): number[] {
  const out: number[] = [];
  for (let seq = ring.first; seq < ring.end; seq += 1) out.push(ring.at(seq)?.zxid ?? -1);
  return out;
}

test('keeps what fits, by count, and says from where on', () => {
  const ring = new ChangeRing(4, 1e6);
  assert.equal(ring.coveredAfter, undefined);
  ring.reset(10);
  for (const zxid of [11, 12, 15]) ring.push(change(zxid));
  assert.deepEqual([zxids(ring), ring.coveredAfter], [[11, 12, 15], 10]);
  ring.push(change(16));
  assert.deepEqual([zxids(ring), ring.coveredAfter, ring.lastZxid], [[12, 15, 16], 11, 16]);
  assert.equal(ring.at(ring.seqAfter(12))?.zxid, 15);
  assert.equal(ring.at(ring.seqAfter(13))?.zxid, 15);
  assert.equal(ring.seqAfter(16), ring.end);
  assert.equal(ring.at(ring.first - 1), undefined);
});

test('keeps what fits, by bytes', () => {
  const ring = new ChangeRing(1000, 2000);
  for (let zxid = 1; zxid <= 20; zxid += 1) ring.push(change(zxid, 0, 400));
  assert.ok(ring.byteCount <= 2000);
  assert.deepEqual([zxids(ring), ring.coveredAfter], [[18, 19, 20], 17]);
  ring.push(change(21, 0, 5000));
  assert.deepEqual([zxids(ring), ring.coveredAfter, ring.byteCount], [[], 21, 0]);
});

test('never keeps half a transaction', () => {
  const ring = new ChangeRing(4, 1e6);
  for (let index = 0; index < 3; index += 1) ring.push(change(1, index));
  ring.push(change(2));
  assert.deepEqual([zxids(ring), ring.coveredAfter], [[2], 1]);
  // A transaction larger than the ring leaves nothing, and its rest is not taken for a whole.
  for (let index = 0; index < 9; index += 1) ring.push(change(3, index));
  assert.deepEqual([zxids(ring), ring.coveredAfter], [[], 3]);
  ring.push(change(4));
  assert.deepEqual([zxids(ring), ring.coveredAfter], [[4], 3]);
});

test('what the tree had already is ignored; going back voids', () => {
  const ring = new ChangeRing(8, 1e6);
  ring.reset(5);
  ring.push(change(5));
  ring.push(change(4));
  assert.deepEqual([zxids(ring), ring.coveredAfter], [[], 5]);
  ring.push(change(7));
  ring.push(change(8));
  ring.push(change(7));
  assert.deepEqual([zxids(ring), ring.coveredAfter], [[], 8]);
  ring.push(change(9, 1));
  ring.push(change(9, 1));
  assert.deepEqual([zxids(ring), ring.coveredAfter], [[], 9]);
});
