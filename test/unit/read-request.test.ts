/** Reads that ask for something odd: what is answered, and what is remembered. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ErrorCode } from '../../node/core/request/error-code.ts';
import { OpCode } from '../../node/core/request/op-code.ts';
import type { ReadRequest } from '../../node/core/request/requests.ts';
import { NO_SESSION } from '../../node/core/session-id.ts';
import { JuteReader } from '../../node/jute/reader.ts';
import { decodeReplyHeader } from '../../node/jute/reply-decoder.ts';
import { JuteWriter } from '../../node/jute/writer.ts';
import { answerRead } from '../../node/runtime/read-request.ts';
import { Replica } from '../../node/runtime/replica.ts';
import { create, TreeDriver } from '../helpers/tree-driver.ts';

function setUp() {
  const driver = new TreeDriver();
  driver.write(create('/a'));
  const replica = new Replica(driver.tree, null);
  const watcher = { deliver: () => undefined };
  const reader = { replica, skipAcl: false, ids: [], session: NO_SESSION, watcher };
  const errOf = (request: ReadRequest): number => {
    const writer = new JuteWriter();
    answerRead(reader, 1, request, writer);
    return decodeReplyHeader(new JuteReader(writer.take(), 4)).err;
  };
  return { replica, errOf };
}

test('the operations of a multiRead set no watch, whatever their flags say', () => {
  const { replica, errOf } = setUp();
  const ops = [OpCode.getData, OpCode.getChildren].map(
    (type) => ({ type, path: '/a', watch: true }) as const,
  );
  assert.equal(errOf({ type: OpCode.multiRead, ops }), ErrorCode.ok);
  assert.equal(replica.watches.count, 0);
});

test('a kind of watch that nobody knows is a marshalling error, not a missing watch', () => {
  const { errOf } = setUp();
  for (const type of [OpCode.removeWatches, OpCode.checkWatches] as const) {
    for (const watcherType of [-1, 0, 6]) {
      assert.equal(errOf({ type, path: '/a', watcherType }), ErrorCode.marshallingError);
    }
    for (const watcherType of [1, 5]) {
      assert.equal(errOf({ type, path: '/a', watcherType }), ErrorCode.noWatcher);
    }
  }
});

test('exists with a null character in the path is refused and waits for nothing', () => {
  const { replica, errOf } = setUp();
  const request = { type: OpCode.exists, path: '/a\0', watch: true } as const;
  assert.equal(errOf(request), ErrorCode.badArguments);
  assert.equal(replica.watches.count, 0);
});
