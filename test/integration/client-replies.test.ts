/** What a client hears from one peer in the odd cases, as the bytes of the replies. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ErrorCode } from '../../node/core/request/error-code.ts';
import { OpCode } from '../../node/core/request/op-code.ts';
import type { Request } from '../../node/core/request/requests.ts';
import { type AclList, OPEN_ACL_UNSAFE } from '../../node/core/tree/acl.ts';
import { readIds } from '../../node/jute/records.ts';
import { decodeWatcherEvent } from '../../node/jute/reply-decoder.ts';
import { Xid } from '../../node/jute/xids.ts';
import { PicketEnsemble } from '../helpers/picket.ts';
import { WireClient } from '../helpers/wire-client.ts';

const PING: Request = { type: OpCode.ping };

let ensemble: PicketEnsemble;

before(async () => {
  ensemble = await PicketEnsemble.start(1);
});

after(() => ensemble.stop());

async function connected(): Promise<WireClient> {
  const connection = await WireClient.open(ensemble.server(1).clientPort);
  const answer = await connection.hello();
  assert.ok(answer !== null && answer.timeoutMs > 0);
  return connection;
}

function rawRequest(xid: number, opCode: number, hex: string): Buffer {
  const body = Buffer.from(hex, 'hex');
  const frame = Buffer.alloc(12 + body.length);
  frame.writeInt32BE(8 + body.length, 0);
  frame.writeInt32BE(xid, 4);
  frame.writeInt32BE(opCode, 8);
  frame.set(body, 12);
  return frame;
}

function createOf(path: string, acl: AclList): Request {
  return { type: OpCode.create, path, data: null, acl, flags: 0, ttlMs: 0 };
}

test('a read or sync with a bad record is answered in its turn, and the connection stays', async () => {
  const connection = await connected();
  connection.sendRaw(
    Buffer.concat([
      rawRequest(1, OpCode.getData, '000000022f61'),
      rawRequest(2, OpCode.sync, ''),
      rawRequest(3, OpCode.getChildren, '00ffffff'),
    ]),
  );
  for (const xid of [1, 2, 3]) {
    const reply = await connection.reply();
    assert.deepEqual([reply?.xid, reply?.err], [xid, ErrorCode.marshallingError]);
  }
  assert.equal((await connection.call(Xid.ping, PING))?.err, ErrorCode.ok);
  connection.drop();
});

test('an op code that nobody knows is answered without a zxid, and that is the end', async () => {
  const connection = await connected();
  connection.sendRaw(rawRequest(7, 99, ''));
  const reply = await connection.reply();
  assert.deepEqual([reply?.xid, reply?.zxid, reply?.err], [7, -1, ErrorCode.unimplemented]);
  await connection.closed();
});

test('who proves the same thing twice has it once', async () => {
  const connection = await connected();
  const auth: Request = { type: OpCode.auth, scheme: 'digest', auth: Buffer.from('bob:pw') };
  await connection.call(Xid.auth, auth);
  await connection.call(Xid.auth, auth);
  const reply = await connection.call(1, { type: OpCode.whoAmI });
  assert.ok(reply !== null);
  assert.deepEqual(
    readIds(reply.body).map(({ scheme, id }) => `${scheme}:${id}`),
    ['ip:127.0.0.1', 'digest:bob'],
  );
  connection.drop();
});

test('nobody hears of a change of what he may not read', async () => {
  const watcher = await connected();
  const writer = await connected();
  const own: AclList = [{ perms: 31, id: { scheme: 'auth', id: '' } }];
  await writer.call(Xid.auth, { type: OpCode.auth, scheme: 'digest', auth: Buffer.from('eve:pw') });
  assert.equal((await writer.call(1, createOf('/hall', OPEN_ACL_UNSAFE)))?.err, ErrorCode.ok);
  await watcher.call(1, { type: OpCode.addWatch, path: '/hall', mode: 1 });
  assert.equal((await writer.call(2, createOf('/hall/secret', own)))?.err, ErrorCode.ok);
  const set: Request = { type: OpCode.setData, path: '/hall/secret', data: null, version: -1 };
  assert.equal((await writer.call(3, set))?.err, ErrorCode.ok);
  assert.equal((await writer.call(4, createOf('/hall/poster', OPEN_ACL_UNSAFE)))?.err, 0);
  const event = await watcher.reply();
  assert.equal(event?.xid, Xid.notification);
  assert.equal(event && decodeWatcherEvent(event.body).path, '/hall/poster');
  watcher.drop();
  writer.drop();
});
