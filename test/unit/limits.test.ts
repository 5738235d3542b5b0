import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkLimits, LIMITS, limitsFor } from '../../node/core/limits.ts';

test('the limits make room for whatever jute.maxbuffer allows', () => {
  for (const frameBytesMax of [1024, 0xfffff, 8 * 1024 * 1024, 268_435_456]) {
    checkLimits(limitsFor(frameBytesMax), frameBytesMax);
  }
  assert.deepEqual(limitsFor(0xfffff), LIMITS);
  assert.throws(() => checkLimits(LIMITS, 8 * 1024 * 1024), /outbound limit of a client/);
});
