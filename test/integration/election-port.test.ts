/** Election ports on real sockets: who dials whom, what is sent again, and who is turned away. */
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { type Notification, PeerState } from '../../node/core/zab/vote.ts';
import { encodeInitialMessage } from '../../node/jute/initial-message.ts';
import { decodeNotification, encodeNotification } from '../../node/jute/notification.ts';
import { ElectionPort } from '../../node/net/election-port.ts';
import type { HostPort } from '../../node/net/sockets.ts';
import { systemTimers, type Timers } from '../../node/net/timers.ts';
import {
  eventually,
  framed,
  ManualTimers,
  RawServer,
  RawSocket,
  RecordingLog,
  turns,
} from '../helpers/ports.ts';

const cleanups: (() => Promise<unknown> | unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function vote(round: number): Notification {
  return {
    state: PeerState.looking,
    leader: 1,
    zxid: 7,
    peerEpoch: 1,
    electionEpoch: round,
    version: 2,
    config: '',
  };
}

/** A port with the log of what its handlers were told. */
class Peer {
  readonly heard: [number, number][] = [];
  readonly events: string[] = [];
  readonly log = new RecordingLog();
  readonly peers = new Map<number, HostPort>();
  readonly port: ElectionPort;

  constructor(sid: number, timers: Timers = systemTimers, listenPort = 0) {
    this.port = new ElectionPort({
      sid,
      listenHost: '127.0.0.1',
      listenPort,
      electionAddress: `127.0.0.1:${listenPort}`,
      peers: this.peers,
      cnxTimeoutMs: 2000,
      handlers: {
        onNotification: (from, { electionEpoch }) => this.heard.push([from, electionEpoch]),
        onLinkUp: (peer) => this.events.push(`up ${peer}`),
        onLinkDown: (peer) => this.events.push(`down ${peer}`),
      },
      log: this.log,
      timers,
    });
    cleanups.push(() => this.port.close());
  }

  knows(sid: number, port: number): void {
    this.peers.set(sid, { host: '127.0.0.1', port });
  }

  hasHeard(from: number, round: number): boolean {
    return this.heard.some(([sid, epoch]) => sid === from && epoch === round);
  }
}

async function pair(): Promise<[Peer, Peer]> {
  const [one, two] = [new Peer(1), new Peer(2)];
  await one.port.start();
  await two.port.start();
  one.knows(2, two.port.port);
  two.knows(1, one.port.port);
  return [one, two];
}

/** A peer with sid 2 whose neighbours 1 and 3 are the test's raw sockets. */
async function lonePeer(timers: Timers = systemTimers): Promise<[Peer, RawServer]> {
  const neighbour = await RawServer.listen();
  cleanups.push(() => neighbour.close());
  const peer = new Peer(2, timers);
  await peer.port.start();
  peer.knows(1, neighbour.port);
  peer.knows(3, neighbour.port);
  return [peer, neighbour];
}

const initial = (sid: number) => encodeInitialMessage(sid, '127.0.0.1:1');

test('the larger sid dials and both hear each other over one connection', async () => {
  const [one, two] = await pair();
  two.port.send(1, vote(2));
  await eventually('one hears two', () => one.hasHeard(2, 2));
  one.port.send(2, vote(1));
  await eventually('two hears one', () => two.hasHeard(1, 1));
  assert.deepEqual(one.events, ['up 2']);
  assert.deepEqual(two.events, ['up 1']);
});

test('the smaller sid asks to be dialled and its vote arrives', async () => {
  const [one, two] = await pair();
  one.port.send(2, vote(1));
  await eventually('two hears one', () => two.hasHeard(1, 1));
  assert.ok(one.port.isUp(2) && two.port.isUp(1));
  assert.deepEqual(one.events, ['up 2']);
});

test('both dialling at once settle on one connection', async () => {
  for (let round = 0; round < 20; round += 1) {
    const [one, two] = await pair();
    one.port.send(2, vote(1));
    two.port.send(1, vote(2));
    await eventually('both hear', () => one.hasHeard(2, 2) && two.hasHeard(1, 1));
    await eventually('both are up', () => one.port.isUp(2) && two.port.isUp(1));
    await one.port.close();
    await two.port.close();
  }
});

test('the smaller sid sends its initial message and hangs up', async () => {
  const [peer, neighbour] = await lonePeer();
  peer.port.send(3, vote(1));
  await eventually('the request ends', () => neighbour.accepted[0]?.isEnded === true);
  assert.equal(neighbour.accepted[0]?.received.readBigInt64BE(8), 2n);
  assert.ok(!peer.port.isUp(3));
  const three = await RawSocket.connect(peer.port.port);
  three.write(initial(3));
  const expected = framed(encodeNotification(vote(1)));
  await eventually('the vote', () => three.received.equals(expected));
  three.write(framed(encodeNotification(vote(9))));
  await eventually('the answer', () => peer.hasHeard(3, 9));
});

test('a smaller sid that dials is dialled back, even if we thought it was connected', async () => {
  const [peer, neighbour] = await lonePeer();
  peer.port.send(1, vote(1));
  await eventually('the first dial', () => (neighbour.accepted[0]?.received.length ?? 0) > 40);
  const request = await RawSocket.connect(peer.port.port);
  request.write(initial(1));
  await request.closed();
  await neighbour.accepted[0]?.closed('the old connection to be closed');
  await eventually('the second dial', () => (neighbour.accepted[1]?.received.length ?? 0) > 40);
  const second = neighbour.accepted[1];
  assert.ok(second);
  const start = second.received.readInt32BE(16) + 20;
  // The last vote is sent again.
  assert.equal(decodeNotification(second.received.subarray(start + 4)).electionEpoch, 1);
  assert.deepEqual(peer.events, ['up 1', 'down 1', 'up 1']);
});

test('a connection that the smaller sid no longer has is given up at once', async () => {
  const [peer, neighbour] = await lonePeer();
  peer.port.send(1, vote(1));
  await eventually('it is up', () => peer.port.isUp(1));
  const away = await RawServer.listen();
  peer.knows(1, away.port);
  await away.close();
  const request = await RawSocket.connect(peer.port.port);
  request.write(initial(1));
  await neighbour.accepted[0]?.closed('the old connection to be closed');
  await eventually('the dial back fails', () => peer.log.count(/cannot reach server 1/) === 1);
  assert.ok(!peer.port.isUp(1));
});

test('a newer connection of the larger sid takes the place of the older', async () => {
  const [peer] = await lonePeer();
  const first = await RawSocket.connect(peer.port.port);
  first.write(initial(3));
  await eventually('the first is up', () => peer.port.isUp(3));
  const second = await RawSocket.connect(peer.port.port);
  second.write(initial(3));
  await first.closed();
  second.write(framed(encodeNotification(vote(4))));
  await eventually('the second is heard', () => peer.hasHeard(3, 4));
  assert.deepEqual(peer.events, ['up 3', 'up 3']);
});

test('own sid and unknown sids are refused with a reason', async () => {
  const [peer] = await lonePeer();
  const own = await RawSocket.connect(peer.port.port);
  own.write(initial(2));
  await own.closed();
  assert.equal(peer.log.count(/warn: .*own sid 2; check both myid/), 1);
  const unknown = await RawSocket.connect(peer.port.port);
  unknown.write(initial(9));
  await unknown.closed();
  assert.equal(peer.log.count(/warn: .*127\.0\.0\.1:\d+: there is no server\.9 here/), 1);
  const again = await RawSocket.connect(peer.port.port);
  again.write(initial(9));
  await again.closed();
  assert.equal(peer.log.count(/no server\.9/), 1, 'a burst is one line');
  assert.deepEqual(peer.events, []);
});

test('an observer without a sid is heard and answered under a negative one', async () => {
  const [peer] = await lonePeer();
  const observer = await RawSocket.connect(peer.port.port);
  observer.write(Buffer.from('7fffffffffffffff', 'hex'));
  observer.write(framed(encodeNotification(vote(5))));
  await eventually('the observer is heard', () => peer.hasHeard(-1, 5));
  peer.port.send(-1, vote(6));
  await eventually('the answer', () => observer.received.length > 4);
  observer.socket.destroy();
  await eventually('it is forgotten', () => peer.events.includes('down -1'));
  peer.port.send(-1, vote(7));
  assert.equal(peer.log.count(/no election address for server -1/), 1);
});

test('garbage costs its connection and nothing else', async () => {
  const [peer] = await lonePeer();
  const good = await RawSocket.connect(peer.port.port);
  good.write(initial(3));
  await eventually('it is up', () => peer.port.isUp(3));
  for (const garbage of ['GET / HTTP/1.1\r\n\r\n', Buffer.alloc(64, 0xff)]) {
    const bad = await RawSocket.connect(peer.port.port);
    bad.write(garbage);
    await bad.closed();
  }
  good.write(framed(encodeNotification(vote(3))));
  await eventually('the good one is heard', () => peer.hasHeard(3, 3));
});

for (const [what, bytes] of [
  ['an oversized length', Buffer.from('00080001', 'hex')],
  ['a negative length', Buffer.from('ffffffff', 'hex')],
  ['an empty notification', Buffer.from('00000000', 'hex')],
  ['a malformed notification', framed(Buffer.alloc(30))],
] as const) {
  test(`${what} ends the link`, async () => {
    const [peer] = await lonePeer();
    const bad = await RawSocket.connect(peer.port.port);
    bad.write(Buffer.concat([initial(3), bytes]));
    await bad.closed();
    assert.deepEqual(peer.events, ['up 3', 'down 3']);
    assert.deepEqual(peer.heard, []);
  });
}

test('a notification that ends in the middle is not heard', async () => {
  const [peer] = await lonePeer();
  const cut = await RawSocket.connect(peer.port.port);
  const bytes = Buffer.concat([initial(3), framed(encodeNotification(vote(3)))]);
  cut.socket.end(bytes.subarray(0, bytes.length - 1));
  await eventually('it is down', () => peer.events.includes('down 3'));
  assert.deepEqual(peer.heard, []);
});

test('a connection that does not say who it is has until the deadline', async () => {
  const timers = new ManualTimers();
  const [peer] = await lonePeer(timers);
  const slow = await RawSocket.connect(peer.port.port);
  slow.write(initial(3).subarray(0, 19));
  await eventually('the deadline runs', () => timers.pendingCount === 1);
  timers.advance(1999);
  assert.ok(!slow.isClosed);
  timers.advance(1);
  await slow.closed();
  assert.equal(peer.log.count(/no initial message within 2000 ms/), 1);
  assert.equal(timers.pendingCount, 0);
});

test('only so many connections may wait for their initial message', async () => {
  const [peer] = await lonePeer();
  const waiting = await Promise.all(
    Array.from({ length: 65 }, () => RawSocket.connect(peer.port.port)),
  );
  await eventually('one is refused', () => waiting.filter((raw) => raw.isClosed).length === 1);
  for (const { socket } of waiting) socket.destroy();
});

test('dials to a peer that is away keep a distance, and each send leads to one', async () => {
  const timers = new ManualTimers();
  const [peer, neighbour] = await lonePeer(timers);
  const away = await RawServer.listen();
  peer.knows(1, away.port);
  await away.close();
  const dials = (): number => peer.log.count(/cannot reach server 1/);
  for (let i = 0; i < 10; i += 1) peer.port.send(1, vote(i));
  await eventually('the first dial fails', () => dials() === 1);
  for (let i = 0; i < 10; i += 1) peer.port.send(1, vote(i));
  timers.advance(99);
  await turns();
  assert.equal(dials(), 1);
  timers.advance(1);
  await eventually('the second dial fails', () => dials() === 2);
  // Without another send there is no other dial.
  timers.advance(60_000);
  assert.equal(timers.pendingCount, 0);
  assert.equal(peer.log.count(/warn: cannot reach server 1/), 1, 'said once');
  // The address is looked up at every dial.
  peer.knows(1, neighbour.port);
  peer.port.send(1, vote(99));
  await eventually('it is up', () => peer.port.isUp(1));
});

test('of what waits for a peer that does not read only the newest is kept', async () => {
  const [peer] = await lonePeer();
  const slow = await RawSocket.connect(peer.port.port);
  slow.socket.pause();
  slow.write(initial(3));
  await eventually('it is up', () => peer.port.isUp(3));
  const config = 'x'.repeat(400_000);
  for (let round = 1; round <= 100; round += 1) {
    peer.port.send(3, { ...vote(round), config });
    await new Promise((resolve) => setImmediate(resolve));
  }
  slow.socket.resume();
  const rounds: number[] = [];
  await eventually('the newest arrives', () => {
    while (slow.received.length >= 4) {
      const length = 4 + slow.received.readInt32BE(0);
      if (slow.received.length < length) break;
      rounds.push(decodeNotification(slow.received.subarray(4, length)).electionEpoch);
      slow.received = slow.received.subarray(length);
    }
    return rounds.at(-1) === 100;
  });
  assert.ok(rounds.length < 60, `${rounds.length} of 100 were sent`);
  assert.deepEqual(
    rounds,
    [...rounds].sort((a, b) => a - b),
  );
});

test('a port that is taken is named', async () => {
  const [peer] = await lonePeer();
  const second = new Peer(2, systemTimers, peer.port.port);
  const expected = new RegExp(`election port ${peer.port.port} on 127.0.0.1 is taken.*server.2`);
  await assert.rejects(second.port.start(), expected);
});

test('after close nothing is delivered and the port is free', async () => {
  const [one, two] = await pair();
  two.port.send(1, vote(2));
  await eventually('one hears two', () => one.hasHeard(2, 2));
  const { port } = one.port;
  await one.port.close();
  const events = [...one.events];
  two.port.send(1, vote(3));
  await eventually('two notices', () => two.events.includes('down 1'));
  assert.deepEqual(one.events, events);
  const next = new Peer(1, systemTimers, port);
  await next.port.start();
  next.knows(2, two.port.port);
  next.port.send(2, vote(8));
  await eventually('two hears the next one', () => two.hasHeard(1, 8));
  await eventually('the vote of two is sent again', () => next.hasHeard(2, 3));
});
