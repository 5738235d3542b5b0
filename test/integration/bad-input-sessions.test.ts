/**
 * Clients that have a session and misuse it: requests that are not what their op code says, replies
 * and events that they do not read. It costs them their connection, and nobody else anything.
 */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { after, before, test } from 'node:test';
import type { ZooKeeperClient } from '../../node/client/zookeeper-client.ts';
import { Prng } from '../../node/core/prng.ts';
import { ErrorCode } from '../../node/core/request/error-code.ts';
import { OpCode } from '../../node/core/request/op-code.ts';
import type { SessionId } from '../../node/core/session-id.ts';
import { JuteWriter } from '../../node/jute/writer.ts';
import { Xid } from '../../node/jute/xids.ts';
import { assertEqualTrees, clientOf } from '../helpers/client-tree.ts';
import { awaitEqualZxids, awaitLeader, logsOf } from '../helpers/ensemble.ts';
import { PicketEnsemble } from '../helpers/picket.ts';
import { framed } from '../helpers/ports.ts';
import { until } from '../helpers/processes.ts';
import { WireClient } from '../helpers/wire-client.ts';

const WAIT_MS = 30_000;
const SIDS = [1, 2, 3];
const GROWTH_KIB_MAX = 128 * 1024;
const BIG_BYTES = 900_000;

let ensemble: PicketEnsemble;
let client: ZooKeeperClient;

before(async () => {
  const config = ['maxSessionTimeout=60000', 'minSessionTimeout=500'];
  ensemble = await PicketEnsemble.start(3, { tickTimeMs: 500, config });
  client = await clientOf(ensemble, SIDS, 60_000);
  await client.create('/busy', '');
});

after(async () => {
  await client.close();
  await ensemble.stop();
});

function procFile(sid: number, name: string): string {
  return `/proc/${ensemble.pid(sid)}/${name}`;
}

/** KiB of memory that the peer has taken at most since `forgetPeak`. */
function peakKib(sid: number): number {
  const status = fs.readFileSync(procFile(sid, 'status'), 'utf8');
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]);
}

/** The peak is from now on what is taken at this moment, in KiB. */
function forgetPeak(sid: number): number {
  fs.writeFileSync(procFile(sid, 'clear_refs'), '5');
  return peakKib(sid);
}

async function wire(sid: number): Promise<WireClient> {
  return (await wireSession(sid, 60_000))[0];
}

async function wireSession(sid: number, timeoutMs: number): Promise<[WireClient, SessionId]> {
  const connection = await WireClient.open(ensemble.server(sid).clientPort);
  const answer = await connection.hello({ timeoutMs });
  assert.ok(answer !== null && answer.timeoutMs > 0);
  return [connection, answer.session];
}

function request(xid: number, opCode: number, body: Uint8Array): Buffer {
  return framed(Buffer.concat([new JuteWriter().int(xid).int(opCode).take(), body]));
}

const prng = new Prng(31_415);
const ints = (...values: number[]) => {
  const writer = new JuteWriter();
  for (const value of values) writer.int(value);
  return writer.take();
};

/** Records that are none of any op code, or lie about what follows. */
const BODIES: readonly (readonly [what: string, body: Uint8Array])[] = [
  ['nothing', Buffer.alloc(0)],
  ['one byte', Buffer.alloc(1)],
  ['a null path', ints(-1, 0, 0, 0)],
  ['a length beyond the frame', ints(1000, 0)],
  ['a length of 2 GiB', ints(0x7fffffff, 0, 0)],
  ['a negative length', ints(-2, 0, 0)],
  ['a path that is no UTF-8', Buffer.concat([ints(4), Buffer.from('2fffc0aa', 'hex'), ints(0, 0)])],
  ['a path with a null character', new JuteWriter().string('/a\0b').int(0).int(0).take()],
  ['a path that is none', new JuteWriter().string('no/slash//..').int(0).int(0).take()],
  ['a vector of 2^31 - 1', Buffer.concat([ints(0, 0, 0x7fffffff), Buffer.alloc(20)])],
  ['noise', prng.bytes(100)],
  ['much noise', prng.bytes(100_000)],
];

test('requests of every op code that are malformed', async () => {
  const opCodes: number[] = [...Object.values(OpCode), 10, 99, 500, 0x7fffffff, -0x80000000];
  const sid = (await awaitLeader(ensemble)) % 3;
  let refused = 0;
  for (const [what, body] of BODIES) {
    let connection = await wire(sid + 1);
    for (const [i, opCode] of opCodes.entries()) {
      connection.sendRaw(request(i + 1, opCode, body));
      const reply = await connection.reply();
      // A reply with an error, or the end: never success for what changes or reads the tree.
      const isHarmless = opCode === OpCode.ping || opCode === OpCode.closeSession;
      if (reply !== null && reply.err === ErrorCode.ok && !isHarmless) {
        assert.ok(
          [OpCode.whoAmI, OpCode.multi].some((it) => it === opCode),
          `${opCode} of ${what}`,
        );
      }
      if (reply !== null && reply.err !== ErrorCode.unimplemented && !isHarmless) continue;
      refused += 1;
      connection.drop();
      connection = await wire(sid + 1);
    }
    connection.drop();
  }
  assert.ok(refused > opCodes.length, 'many were refused');
  await assertUnharmed();
});

test('frames of every wrong size in a session', async () => {
  for (const bytes of [ints(-1), ints(0x00100000), ints(0), ints(3, 0), ints(0x7fffffff)]) {
    const connection = await wire(2);
    connection.sendRaw(bytes);
    await connection.closed();
  }
  // The limit itself is allowed: 0xfffff bytes.
  const connection = await wire(2);
  const data = Buffer.alloc(0xfffff - 8 - 4 - 6 - 4 - 4);
  const body = new JuteWriter().string('/busy').buffer(data).int(-1).take();
  const whole = request(1, OpCode.setData, body);
  assert.ok(whole.length <= 4 + 0xfffff);
  connection.sendRaw(whole);
  assert.equal((await connection.reply())?.err, ErrorCode.ok);
  connection.drop();
  await client.setData('/busy', '');
  await assertUnharmed();
});

test('a second connect request is no request', async () => {
  const connection = await wire(1);
  assert.equal(await connection.hello().catch(() => null), null);
  await connection.closed();
  await assertUnharmed();
});

test('a client that asks for much and reads nothing is held, and closed when its time is up', async () => {
  await client.create('/big', Buffer.alloc(BIG_BYTES, 1));
  const leader = await awaitLeader(ensemble);
  await Promise.all(
    SIDS.map(async (sid) => {
      const before = forgetPeak(sid);
      const [connection, session] = await wireSession(sid, 2000);
      connection.pause();
      const read = new JuteWriter().string('/big').boolean(true).take();
      // 900 MB of replies, if they were made.
      for (let xid = 1; xid <= 1000; xid += 1) {
        connection.sendRaw(request(xid, OpCode.getData, read));
      }
      // Its pings, if it sent any, would stand behind what it does not read.
      await until('its session to expire', WAIT_MS, () =>
        ensemble.log(leader, 10_000).includes(`session ${session} has expired`),
      );
      assertGrowth(sid, before);
      connection.readAgain();
      await connection.closed();
    }),
  );
  await assertUnharmed();
});

test('a client that watches a busy subtree and reads nothing is closed', async () => {
  const leader = await awaitLeader(ensemble);
  const sid = (leader % 3) + 1;
  // Long paths make large events: 900 bytes each.
  const path = `/busy/${'x'.repeat(900)}`;
  await client.create(path, '');
  const before = forgetPeak(sid);
  const connection = await wire(sid);
  // Persistent and recursive: every change below is told.
  const watch = new JuteWriter().string('/busy').int(1).take();
  connection.sendRaw(request(1, OpCode.addWatch, watch));
  assert.equal((await connection.reply())?.err, ErrorCode.ok);
  connection.pause();
  const refusal = /closed the connection from [^"]*: it does not read/;
  const set = { type: OpCode.setData, path, data: null, version: -1 } as const;
  for (let round = 0; !refusal.test(ensemble.log(sid, 1000)); round += 1) {
    assert.ok(round < 60, 'it is closed within 60 000 events');
    const multis = Array.from({ length: 10 }, () =>
      client.multi(Array.from({ length: 100 }, () => set)),
    );
    await Promise.all(multis);
    connection.sendRaw(request(Xid.ping, OpCode.ping, Buffer.alloc(0)));
  }
  assertGrowth(sid, before);
  connection.readAgain();
  await connection.closed();
  await assertUnharmed();
});

function assertGrowth(sid: number, beforeKib: number): void {
  const growth = peakKib(sid) - beforeKib;
  assert.ok(growth < GROWTH_KIB_MAX, `peer ${sid} has grown by ${growth} KiB`);
}

async function assertUnharmed(): Promise<void> {
  await client.setData('/busy', 'still');
  await awaitEqualZxids(ensemble);
  await assertEqualTrees(ensemble);
  for (const sid of SIDS) {
    assert.doesNotMatch(ensemble.log(sid, 100_000), /"level":"error"/, logsOf(ensemble));
  }
}
