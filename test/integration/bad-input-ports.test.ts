/**
 * What does not belong on a port: garbage, lengths that lie, other protocols, connections that say
 * nothing or claim to be someone. Three peers under a light load go on through all of it, and each
 * such connection ends.
 */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { after, before, test } from 'node:test';
import { Prng } from '../../node/core/prng.ts';
import { PeerState } from '../../node/core/zab/vote.ts';
import { encodeInitialMessage } from '../../node/jute/initial-message.ts';
import { encodeNotification } from '../../node/jute/notification.ts';
import { encodeMessage } from '../../node/jute/quorum-packet.ts';
import { JuteWriter } from '../../node/jute/writer.ts';
import { assertEqualTrees, clientOf } from '../helpers/client-tree.ts';
import { awaitLeader, logsOf } from '../helpers/ensemble.ts';
import { PicketEnsemble } from '../helpers/picket.ts';
import { framed, RawSocket } from '../helpers/ports.ts';
import { until, within } from '../helpers/processes.ts';
import { LOAD, Writer } from '../helpers/writer.ts';

const WAIT_MS = 30_000;
const GROWTH_KIB_MAX = 128 * 1024;
const SIDS = [1, 2, 3];

let ensemble: PicketEnsemble;
let writers: Writer[];
let runs: Promise<unknown>;
let isOver = false;
const silent: { readonly name: string; readonly raw: RawSocket }[] = [];
const rssBefore = new Map<number, number>();

before(async () => {
  const config = ['cnxTimeout=2000'];
  ensemble = await PicketEnsemble.start(3, { tickTimeMs: 500, initLimit: 20, config });
  const first = await clientOf(ensemble, SIDS);
  await first.create(LOAD, '');
  await first.close();
  writers = SIDS.map((sid) => new Writer(String(sid), ensemble.connectString));
  await Promise.all(writers.map((writer) => writer.start()));
  runs = Promise.all(writers.map((writer) => writer.run(() => !isOver)));
  runs.catch(() => undefined);
  await until('some load', WAIT_MS, () => writers.every((writer) => writer.acknowledged > 100));
  for (const sid of SIDS) rssBefore.set(sid, rssKib(sid));
});

after(async () => {
  isOver = true;
  await Promise.all(writers.map((writer) => writer.client.close()));
  await ensemble.stop();
});

function rssKib(sid: number): number {
  const status = fs.readFileSync(`/proc/${ensemble.pid(sid)}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]);
}

/** Every port of every peer, with a name for messages. */
function ports(): [name: string, port: number][] {
  return ensemble.servers.flatMap(
    ({ sid, clientPort, quorumPort, electionPort }): [string, number][] => [
      [`client port of ${sid}`, clientPort],
      [`quorum port of ${sid}`, quorumPort],
      [`election port of ${sid}`, electionPort],
    ],
  );
}

/** Each writer has writes acknowledged that it began after this call, without having lost anything. */
async function assertGoesOn(): Promise<void> {
  const before = writers.map((writer) => writer.acknowledged);
  await until('the writers to go on', WAIT_MS, () =>
    writers.every((writer, i) => writer.acknowledged > (before[i] ?? 0) + 1),
  );
  for (const sid of SIDS) {
    const growth = rssKib(sid) - (rssBefore.get(sid) ?? 0);
    assert.ok(growth < GROWTH_KIB_MAX, `peer ${sid} has grown by ${growth} KiB`);
  }
}

const prng = new Prng(20_260_801);
const padded = (hex: string) => Buffer.concat([Buffer.from(hex, 'hex'), Buffer.alloc(60)]);
const TLS_HELLO = Buffer.from('16030100c8010000c40303', 'hex');
const BAD: readonly (readonly [what: string, bytes: Buffer])[] = [
  ['noise', Buffer.from(prng.bytes(64 * 1024))],
  ['more noise', Buffer.from(prng.bytes(3000))],
  ['ones', Buffer.alloc(1000, 0xff)],
  ['a length of 2 GiB', padded('7fffffff')],
  ['a negative length', padded('80000000')],
  ['a length above the limit', padded('00100001')],
  ['HTTP', Buffer.from('GET / HTTP/1.1\r\nHost: picket\r\n\r\n')],
  ['TLS', Buffer.concat([TLS_HELLO, Buffer.from(prng.bytes(200))])],
  ['SSH', Buffer.from('SSH-2.0-OpenSSH_9.2p1\r\n')],
  ['a long line', Buffer.alloc(2_000_000, 'a')],
];

test('connections that say nothing keep no peer out', async () => {
  const connectAll = async (places: readonly [string, number][], count: number) => {
    const connections = places.flatMap((place) => Array.from({ length: count }, () => place));
    const opened = connections.map(async ([name, port], i) => {
      const raw = await RawSocket.connect(port);
      if (i % 2 === 0) raw.write(Buffer.from([0]));
      return { name, raw };
    });
    silent.push(...(await Promise.all(opened)));
  };
  await connectAll(ports(), 150);
  const leader = await awaitLeader(ensemble);
  const follower = SIDS.find((sid) => sid !== leader) ?? 0;
  await ensemble.kill(follower);
  // Its place, too: none is left at the quorum port of the leader when it comes back.
  const quorumPort = `quorum port of ${leader}`;
  await connectAll(
    ports().filter(([name]) => name === quorumPort),
    10,
  );
  await ensemble.restart(follower);
  assert.equal(await ensemble.mode(follower), 'follower');
  const waiting = silent.filter(({ name, raw }) => name === quorumPort && !raw.isClosed);
  assert.ok(waiting.length > 100, `${waiting.length} of the silent ones are still there`);
  rssBefore.set(follower, rssKib(follower));
  await assertGoesOn();
});

for (const [what, bytes] of BAD) {
  test(`${what} on every port`, async () => {
    const sockets = await Promise.all(
      ports().map(async ([name, port]) => {
        const raw = await RawSocket.connect(port);
        raw.write(bytes);
        return { name, raw };
      }),
    );
    await Promise.all(
      sockets.map(({ name, raw }) => within(WAIT_MS, `the ${name} to hang up`, raw.closed())),
    );
    await assertGoesOn();
  });
}

test('messages that end in the middle', async () => {
  const hello = encodeMessage(new JuteWriter(), learnerInfo(2)).take();
  const initial = encodeInitialMessage(2, '127.0.0.1:3888');
  const connect = framed(Buffer.alloc(44));
  for (const whole of [hello, initial, connect]) {
    for (const part of [1, 4, Math.floor(whole.length / 2), whole.length - 1]) {
      await Promise.all(
        ports().map(async ([name, port]) => {
          const raw = await RawSocket.connect(port);
          raw.socket.end(whole.subarray(0, part));
          await within(WAIT_MS, `the ${name} to hang up`, raw.closed());
        }),
      );
    }
  }
  await assertGoesOn();
});

function learnerInfo(sid: number, acceptedEpoch = 0) {
  return {
    type: 'learnerInfo',
    isObserver: false,
    acceptedEpoch,
    sid,
    protocolVersion: 0x10000,
    configVersion: 0,
  } as const;
}

test('a learner with a sid that is not in the ensemble, and one with the sid of the leader', async () => {
  const leader = await awaitLeader(ensemble);
  for (const sid of [9, 0, -1, leader]) {
    const raw = await RawSocket.connect(ensemble.server(leader).quorumPort);
    raw.write(encodeMessage(new JuteWriter(), learnerInfo(sid, 1000)).take());
    await within(WAIT_MS, 'the leader to hang up', raw.closed());
    assert.equal(raw.received.length, 0, 'it is told nothing');
  }
  assert.equal(await ensemble.leader(), leader);
  await assertGoesOn();
  assert.match(ensemble.log(leader, 200), /sid 9 stands in no server line/);
  assert.match(ensemble.log(leader, 200), new RegExp(`claims to be ${leader}, which is this peer`));
});

test('a voter with a sid that is not in the ensemble, and one with the sid of the peer itself', async () => {
  const vote = { leader: 9, zxid: 2 ** 50, peerEpoch: 2 ** 20, electionEpoch: 2 ** 30 };
  const notification = { ...vote, state: PeerState.looking, version: 2, config: '' };
  const leader = await awaitLeader(ensemble);
  for (const { sid: own, electionPort } of ensemble.servers) {
    for (const sid of [9, own]) {
      const raw = await RawSocket.connect(electionPort);
      raw.write(encodeInitialMessage(sid, '127.0.0.1:3888'));
      raw.write(framed(encodeNotification(notification)));
      await within(WAIT_MS, 'the peer to hang up', raw.closed());
    }
    assert.match(ensemble.log(own, 200), /there is no server\.9 here/);
    assert.match(ensemble.log(own, 200), new RegExp(`claims this peer's own sid ${own}`));
  }
  assert.equal(await ensemble.leader(), leader);
  await assertGoesOn();
});

test('the silent ones have been hung up on by now, or soon are', async () => {
  for (const { name, raw } of silent) {
    await within(WAIT_MS, `the ${name} to hang up`, raw.closed());
  }
  await assertGoesOn();
});

test('the ensemble has come through: one leader, equal trees, no error in a log', async () => {
  isOver = true;
  await runs.catch(() => undefined);
  await Promise.all(writers.map((writer) => writer.client.close()));
  const tree = await assertEqualTrees(ensemble);
  for (const writer of writers) {
    writer.assertAcknowledgedIn(tree);
    assert.ok(writer.longestGapMs < 5000, `a writer waited ${writer.longestGapMs} ms`);
  }
  for (const sid of SIDS) {
    assert.doesNotMatch(ensemble.log(sid, 100_000), /"level":"error"/, logsOf(ensemble));
  }
});
