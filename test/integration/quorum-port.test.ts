/** Quorum ports on real sockets: order, snapshots in slices, limits, and silence after close. */
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { InvariantError } from '../../node/core/invariant.ts';
import type { ZabMessage } from '../../node/core/zab/messages.ts';
import { makeZxid } from '../../node/core/zxid.ts';
import { encodeMessage } from '../../node/jute/quorum-packet.ts';
import { JuteWriter } from '../../node/jute/writer.ts';
import { QuorumPort, type QuorumPortOptions } from '../../node/net/quorum-port.ts';
import type { HostPort } from '../../node/net/sockets.ts';
import { eventually, ManualTimers, RawServer, RawSocket, RecordingLog } from '../helpers/ports.ts';
import {
  FROM_LEADER,
  FROM_LEARNER,
  RecordingImage,
  SESSIONS,
  sourceOf,
  TREE,
  znode,
} from '../helpers/quorum-samples.ts';

const cleanups: (() => Promise<unknown> | unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

class Peer {
  readonly events: string[] = [];
  readonly messages: ZabMessage[] = [];
  readonly log = new RecordingLog();
  readonly peers = new Map<number, HostPort>();
  readonly port: QuorumPort;
  /** The newest link that was accepted or came up. */
  link = 0;
  /** Signs of life while a tree is on its way. */
  activity = 0;
  onMessage: (link: number, message: ZabMessage) => void = () => undefined;

  constructor(over: Partial<QuorumPortOptions> = {}) {
    this.port = new QuorumPort({
      sid: 1,
      listenHost: '127.0.0.1',
      listenPort: 0,
      peers: this.peers,
      cnxTimeoutMs: 2000,
      packetBytesMax: 1024 * 1024,
      outboundBytesMax: 64 * 1024 * 1024,
      learnersMax: 16,
      newImage: () => new RecordingImage(),
      handlers: {
        onAccept: (link) => {
          this.link = link;
          this.events.push('accept');
        },
        onUp: (link) => {
          this.link = link;
          this.events.push('up');
        },
        onMessage: (link, message) => {
          this.messages.push(message);
          this.onMessage(link, message);
        },
        onActive: () => {
          this.activity += 1;
        },
        onDown: (_, reason) => this.events.push(`down: ${reason}`),
      },
      log: this.log,
      ...over,
    });
    cleanups.push(() => this.port.closeAll());
  }
}

/** A leader that accepts and a learner that has dialled it. */
async function connected(over: Partial<QuorumPortOptions> = {}): Promise<[Peer, Peer]> {
  const [leader, learner] = [new Peer(over), new Peer()];
  await leader.port.start();
  leader.port.accepting = true;
  learner.peers.set(1, { host: '127.0.0.1', port: leader.port.port });
  learner.port.dial(1);
  await eventually('both are up', () => leader.link > 0 && learner.link > 0);
  return [leader, learner];
}

function encode(message: ZabMessage): Buffer {
  return encodeMessage(new JuteWriter(), message).take();
}

test('every message arrives, in order, both ways', async () => {
  const [leader, learner] = await connected();
  for (const message of FROM_LEADER) leader.port.send(leader.link, message);
  for (const message of FROM_LEARNER) learner.port.send(learner.link, message);
  await eventually('the learner has all', () => learner.messages.length === FROM_LEADER.length);
  await eventually('the leader has all', () => leader.messages.length === FROM_LEARNER.length);
  assert.deepEqual(learner.messages, FROM_LEADER);
  assert.deepEqual(leader.messages, FROM_LEARNER);
  assert.deepEqual(leader.events, ['accept']);
  assert.deepEqual(learner.events, ['up']);
});

test('what is sent in one turn leaves in one write', async () => {
  const leader = new Peer();
  await leader.port.start();
  leader.port.accepting = true;
  const raw = await RawSocket.connect(leader.port.port);
  await eventually('it is accepted', () => leader.link > 0);
  let chunks = 0;
  raw.socket.on('data', () => {
    chunks += 1;
  });
  for (let i = 0; i < 100; i += 1) leader.port.send(leader.link, { type: 'commit', zxid: i });
  await eventually('all arrive', () => raw.received.length === 100 * 20);
  assert.equal(chunks, 1);
});

test('what is sent before a dial is through is not lost', async () => {
  const [leader, learner] = [new Peer(), new Peer()];
  await leader.port.start();
  leader.port.accepting = true;
  learner.peers.set(1, { host: '127.0.0.1', port: leader.port.port });
  learner.port.send(learner.port.dial(1), { type: 'ack', zxid: 3 });
  await eventually('the ack', () => leader.messages.length === 1);
});

test('a tree is streamed, and what is sent meanwhile follows it', async () => {
  const [leader, learner] = await connected();
  const zxid = makeZxid(3, 9);
  const nodes = [...TREE, ...Array.from({ length: 20_000 }, (_, i) => znode(`/a/n${i}`))];
  const source = sourceOf(nodes, zxid);
  leader.port.send(leader.link, { type: 'commit', zxid: 1 });
  leader.port.sendSnapshot(leader.link, zxid, source);
  for (let i = 2; i < 50; i += 1) leader.port.send(leader.link, { type: 'commit', zxid: i });
  await eventually('everything arrives', () => learner.messages.length === 50);
  const [first, snap, ...rest] = learner.messages;
  assert.deepEqual(first, { type: 'commit', zxid: 1 });
  assert.ok(snap?.type === 'snap' && snap.image instanceof RecordingImage);
  assert.equal(snap.zxid, zxid);
  assert.equal(snap.image.zxid, zxid);
  assert.deepEqual(snap.image.sessions, SESSIONS);
  assert.deepEqual(snap.image.nodes, nodes);
  assert.deepEqual(
    rest,
    Array.from({ length: 48 }, (_, i) => ({ type: 'commit', zxid: i + 2 })),
  );
  assert.equal(source.closed, 1);
  // Neither side says anything for as long as that takes: both must know that the other lives.
  assert.ok(leader.activity > 5, `${leader.activity} on the leader`);
  assert.ok(learner.activity > 5, `${learner.activity} on the learner`);
});

test('the tree is asked for only as fast as the learner reads', async () => {
  const leader = new Peer();
  await leader.port.start();
  leader.port.accepting = true;
  const raw = await RawSocket.connect(leader.port.port);
  raw.socket.pause();
  await eventually('it is accepted', () => leader.link > 0);
  let asked = 0;
  const data = new Uint8Array(1000);
  const source = {
    ...sourceOf([], 1),
    acls: [znode('/').acl],
    next: (limit: number) => {
      asked += limit;
      return Array.from({ length: limit }, (_, i) => znode(`/n${asked + i}`, { data }));
    },
  };
  leader.port.sendSnapshot(leader.link, 1, source);
  let before = -1;
  await eventually('the sender waits', () => {
    const isStill = asked === before;
    before = asked;
    return isStill;
  });
  assert.ok(asked < 100_000, `${asked} znodes were asked for`);
  raw.socket.destroy();
  await eventually('it is down', () => leader.events.length === 2);
  assert.equal(source.closed, 1);
});

test('the source of a tree is closed when its link is closed or not there', async () => {
  const [leader] = await connected();
  const nodes = Array.from({ length: 20_000 }, (_, i) => znode(i === 0 ? '/' : `/n${i}`));
  const started = sourceOf(nodes, 1);
  leader.port.sendSnapshot(leader.link, 1, started);
  leader.port.close(leader.link);
  assert.equal(started.closed, 1);
  const late = sourceOf(nodes, 1);
  leader.port.sendSnapshot(leader.link, 1, late);
  assert.equal(late.closed, 1);
});

test('a snapshot without its tree is a bug, and so are two at a time', async () => {
  const [leader] = await connected();
  const snap: ZabMessage = { type: 'snap', zxid: 1, image: null };
  assert.throws(() => leader.port.send(leader.link, snap), InvariantError);
  const nodes = Array.from({ length: 20_000 }, (_, i) => znode(i === 0 ? '/' : `/n${i}`));
  leader.port.sendSnapshot(leader.link, 1, sourceOf(nodes, 1));
  const second = sourceOf(nodes, 1);
  assert.throws(() => leader.port.sendSnapshot(leader.link, 1, second), InvariantError);
});

test('a port that does not accept turns learners away and keeps those it has', async () => {
  const [leader, learner] = await connected();
  leader.port.accepting = false;
  const raw = await RawSocket.connect(leader.port.port);
  await raw.closed();
  learner.port.send(learner.link, { type: 'ack', zxid: 5 });
  await eventually('the old link works', () => leader.messages.length === 1);
  assert.deepEqual(leader.events, ['accept']);
});

test('only so many learners are let in', async () => {
  const [leader] = await connected({ learnersMax: 1 });
  const raw = await RawSocket.connect(leader.port.port);
  await raw.closed();
  assert.equal(leader.log.count(/warn: refused a learner from 127.0.0.1:\d+: 1 are connected/), 1);
  leader.port.close(leader.link);
  await RawSocket.connect(leader.port.port).then((again) =>
    cleanups.push(() => again.socket.destroy()),
  );
  await eventually('there is room again', () => leader.events.length === 2);
});

test('after close nothing of the link is delivered, not even of the same chunk', async () => {
  const leader = new Peer();
  await leader.port.start();
  leader.port.accepting = true;
  leader.onMessage = (link) => leader.port.close(link);
  const raw = await RawSocket.connect(leader.port.port);
  raw.write(Buffer.concat(FROM_LEARNER.map(encode)));
  await raw.closed();
  assert.deepEqual(leader.messages, [FROM_LEARNER[0]]);
  assert.deepEqual(leader.events, ['accept']);
});

test('link numbers are not used again', async () => {
  const [leader, learner] = await connected();
  const first = learner.link;
  learner.port.close(first);
  const second = learner.port.dial(1);
  assert.notEqual(second, first);
  await eventually('the second is up', () => learner.link === second);
  learner.port.send(first, { type: 'ack', zxid: 1 });
  learner.port.send(second, { type: 'ack', zxid: 2 });
  await eventually('one ack', () => leader.messages.length > 0);
  assert.deepEqual(leader.messages, [{ type: 'ack', zxid: 2 }]);
});

for (const [what, bytes, reason] of [
  ['garbage', Buffer.alloc(64, 0xff), /malformed stream/],
  ['a packet of the other side', encode({ type: 'upToDate' }), /a learner does not send/],
  ['an oversized packet', Buffer.from(`${'00'.repeat(12)}7fffffff`, 'hex'), /QuorumPacket of/],
] as const) {
  test(`${what} ends the link with a reason`, async () => {
    const leader = new Peer();
    await leader.port.start();
    leader.port.accepting = true;
    const raw = await RawSocket.connect(leader.port.port);
    raw.write(bytes);
    await raw.closed();
    await eventually('it is down', () => leader.events.length === 2);
    assert.match(leader.events[1] ?? '', reason);
    assert.deepEqual(leader.messages, []);
  });
}

test('a stream that ends in the middle of a packet is just down', async () => {
  const leader = new Peer();
  await leader.port.start();
  leader.port.accepting = true;
  const raw = await RawSocket.connect(leader.port.port);
  raw.socket.end(encode({ type: 'ack', zxid: 1 }).subarray(0, 19));
  await eventually('it is down', () => leader.events.length === 2);
  assert.deepEqual(leader.events, ['accept', 'down: the peer closed the connection']);
  assert.deepEqual(leader.messages, []);
});

test('a tree that the image refuses ends the link', async () => {
  class Refusing extends RecordingImage {
    override addNode(): void {
      throw new Error('bad tree image: no');
    }
  }
  const leader = new Peer();
  const learner = new Peer({ newImage: () => new Refusing() });
  await leader.port.start();
  leader.port.accepting = true;
  learner.peers.set(1, { host: '127.0.0.1', port: leader.port.port });
  learner.port.dial(1);
  await eventually('both are up', () => leader.link > 0 && learner.link > 0);
  leader.port.sendSnapshot(leader.link, 1, sourceOf(TREE, 1));
  await eventually('it is down', () => learner.events.length === 2);
  assert.equal(learner.events[1], 'down: malformed stream: bad tree image: no');
});

test('a learner that does not read costs its link', async () => {
  const leader = new Peer({ outboundBytesMax: 4 * 1024 * 1024 });
  await leader.port.start();
  leader.port.accepting = true;
  const raw = await RawSocket.connect(leader.port.port);
  raw.socket.pause();
  await eventually('it is accepted', () => leader.link > 0);
  const txn = Buffer.alloc(256 * 1024);
  await eventually('it is given up', () => {
    for (let i = 0; i < 8; i += 1)
      leader.port.send(leader.link, { type: 'proposal', zxid: 1, txn });
    return leader.events.length === 2;
  });
  assert.match(leader.events[1] ?? '', /more than 4194304 bytes wait/);
  raw.socket.destroy();
});

test('a dial that fails says why', async () => {
  const learner = new Peer();
  learner.port.dial(7);
  await eventually('no address', () => learner.events.length === 1);
  assert.equal(learner.events[0], 'down: there is no quorum address for server 7');
  const away = await RawServer.listen();
  learner.peers.set(1, { host: '127.0.0.1', port: away.port });
  await away.close();
  learner.port.dial(1);
  await eventually('nobody listens', () => learner.events.length === 2);
  assert.match(learner.events[1] ?? '', /ECONNREFUSED/);
});

test('a dial has until its deadline', async () => {
  const timers = new ManualTimers();
  const learner = new Peer({ timers });
  const server = await RawServer.listen();
  cleanups.push(() => server.close());
  learner.peers.set(1, { host: '127.0.0.1', port: server.port });
  learner.port.dial(1);
  // In the same turn: the kernel's answer cannot have been heard.
  timers.advance(2000);
  await eventually('it is given up', () => learner.events.length === 1);
  assert.match(learner.events[0] ?? '', /down: no answer from 127.0.0.1:\d+ within 2000 ms/);
  learner.port.dial(1);
  await eventually('the next is up', () => learner.events.length === 2);
  assert.equal(timers.pendingCount, 0, 'the deadline is for the dial alone');
});

test('a port that is taken is named', async () => {
  const leader = new Peer();
  await leader.port.start();
  const second = new Peer({ listenPort: leader.port.port });
  await assert.rejects(second.port.start(), /quorum port \d+ on 127.0.0.1 is taken.*server.1/);
});

test('closeAll silences every link at once', async () => {
  const [leader, learner] = await connected();
  leader.port.send(leader.link, { type: 'commit', zxid: 1 });
  await leader.port.closeAll();
  await eventually('the learner notices', () => learner.events.length === 2);
  assert.deepEqual(learner.messages, []);
  assert.deepEqual(leader.events, ['accept']);
});
