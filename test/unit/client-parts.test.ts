/** The parts of the client that need no connection: paths, errors, rotation, watches, create. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasCode, ZooKeeperError } from '../../node/client/client-error.ts';
import { shuffled } from '../../node/client/client-options.ts';
import { pathProblem, prependChroot, stripChroot } from '../../node/client/client-path.ts';
import { createRequest } from '../../node/client/create-request.ts';
import { HostRotation } from '../../node/client/host-rotation.ts';
import { MultiError } from '../../node/client/multi-error.ts';
import { type WatchEvent, WatchRegistry } from '../../node/client/watch-registry.ts';
import { ErrorCode } from '../../node/core/request/error-code.ts';
import { OpCode } from '../../node/core/request/op-code.ts';
import { validatePath } from '../../node/core/tree/path.ts';

test('a path is refused in the words of ZooKeeper', () => {
  const invalid = (path: string, cause: string) =>
    assert.equal(pathProblem(path), `Invalid path string "${path}" caused by ${cause}`);
  assert.equal(pathProblem(''), 'Path length must be > 0');
  assert.equal(pathProblem('a'), 'Path must start with / character');
  assert.equal(pathProblem('/a/'), 'Path must not end with / character');
  invalid('/a//b', 'empty node name specified @3');
  invalid('/a/../b', 'relative paths not allowed @4');
  invalid('/a/.', 'relative paths not allowed @3');
  invalid('/a\u0000', 'null character not allowed @2');
  invalid('/a\u001f', 'invalid character @2');
  invalid('/\ud800', 'invalid character @1');
});

test('client and server agree on every kind of path', () => {
  const pieces = ['', '/', '.', '..', 'a', '...', '\u0000', '\u0020', '\u007f', '\ue000', '\uffff'];
  for (const a of pieces) {
    for (const b of pieces) {
      for (const c of pieces) {
        for (const isSequential of [false, true]) {
          const path = `/${a}${b}/${c}`;
          assert.equal(
            pathProblem(path, isSequential) === undefined,
            validatePath(path, isSequential) === null,
            JSON.stringify({ path, isSequential }),
          );
        }
      }
    }
  }
});

test('a chroot is put on and taken off again', () => {
  for (const path of ['/', '/a', '/a/b']) {
    assert.equal(stripChroot('/app', prependChroot('/app', path)), path);
    assert.equal(stripChroot('', prependChroot('', path)), path);
  }
  assert.equal(prependChroot('/app', '/'), '/app');
  assert.equal(prependChroot('/app', '/a'), '/app/a');
  assert.equal(stripChroot('/app', '/apple'), '/apple');
});

test('errors carry code, name, path and the message of the Java client', () => {
  const error = new ZooKeeperError(ErrorCode.noNode, '/a');
  assert.equal(error.message, 'KeeperErrorCode = NoNode for /a');
  assert.deepEqual([error.name, error.code, error.path], ['NoNode', -101, '/a']);
  assert.ok(hasCode(error, ErrorCode.noNode) && !hasCode(error, ErrorCode.nodeExists));
  const messages = new Map([
    [ErrorCode.notEmpty, 'Directory not empty'],
    [ErrorCode.invalidAcl, 'InvalidACL'],
    [ErrorCode.sessionExpired, 'Session expired'],
    [-9999, 'Unknown error -9999'],
  ]);
  for (const [code, text] of messages) {
    assert.equal(new ZooKeeperError(code).message, `KeeperErrorCode = ${text}`);
  }
  assert.equal(new ZooKeeperError(ErrorCode.notEmpty).name, 'NotEmpty');
});

test('a failed multi names the operation that failed, not those that were not tried', () => {
  const result = (err: number) => ({ type: -1, err, path: null, stat: null, results: null });
  const ops = ['/a', '/b', '/c'].map(
    (path) => ({ type: OpCode.delete, path, version: -1 }) as const,
  );
  const error = MultiError.of(ops, [0, -101, -2].map(result));
  assert.deepEqual([error?.index, error?.name, error?.path], [1, 'NoNode', '/b']);
  assert.equal(MultiError.of(ops, [0, 0, 0].map(result)), undefined);
  assert.equal(MultiError.of(ops, [-2, -2, -2].map(result))?.code, -2);
});

test('each server is tried without a pause, then pauses double up to a second', () => {
  const hosts = ['a', 'b'].map((host) => ({ host, port: 1 }));
  const rotation = new HostRotation(hosts, () => 1);
  const tried = Array.from({ length: 14 }, () => rotation.next());
  assert.deepEqual(
    tried
      .slice(0, 5)
      .map(({ host }) => host.host)
      .join(''),
    'ababa',
  );
  assert.deepEqual(
    tried.map(({ delayMs }) => delayMs),
    [0, 0, 100, 100, 200, 200, 400, 400, 800, 800, 1000, 1000, 1000, 1000],
  );
  rotation.reset();
  assert.deepEqual(rotation.next(), { host: hosts[0], delayMs: 0 });
  const early = new HostRotation(hosts, () => 0);
  assert.deepEqual(
    [1, 2, 3].map(() => early.next().delayMs),
    [0, 0, 50],
  );
});

test('an event takes the watchers of its kinds, each once', () => {
  const registry = new WatchRegistry();
  const calls: string[] = [];
  const [a, b] = [() => calls.push('a'), () => calls.push('b')];
  const fire = (type: WatchEvent['type'], path: string) => {
    calls.length = 0;
    for (const watcher of registry.take({ type, path })) watcher({ type, path });
    return calls.join('');
  };
  registry.add('data', '/x', a);
  registry.add('child', '/x', a);
  registry.add('child', '/x', b);
  registry.add('exist', '/y', b);
  assert.equal(fire('NodeChildrenChanged', '/y'), '');
  assert.equal(fire('NodeDataChanged', '/x'), 'a');
  assert.equal(fire('NodeDataChanged', '/x'), '');
  assert.equal(fire('NodeDeleted', '/x'), 'ab');
  assert.equal(fire('NodeCreated', '/y'), 'b');
  assert.deepEqual(
    registry.batches((path) => path, 100),
    [],
  );
});

test('watches are sent again in batches of bounded size', () => {
  const registry = new WatchRegistry();
  for (const path of ['/1', '/2', '/3']) registry.add('data', path, () => undefined);
  registry.add('child', '/4', () => undefined);
  const batches = registry.batches((path) => `/app${path}`, 20);
  assert.deepEqual(batches, [
    { dataWatches: ['/app/1', '/app/2'], existWatches: [], childWatches: [] },
    { dataWatches: ['/app/3'], existWatches: [], childWatches: ['/app/4'] },
  ]);
});

test('a create goes out under the op code that its mode needs', () => {
  const types = [0, 1, 2, 3, 4, 5, 6].map(
    (flags) => createRequest(OpCode.create2, '/a', 'x', { flags }).type,
  );
  assert.deepEqual(types, [15, 15, 15, 15, 19, 21, 21]);
  const plain = createRequest(OpCode.create, '/a', null, {});
  assert.deepEqual([plain.type, plain.flags, plain.data], [OpCode.create, 0, null]);
});

test('shuffling keeps every item', () => {
  const items = [1, 2, 3, 4, 5, 6, 7, 8];
  assert.deepEqual(shuffled(items).sort(), items);
});
