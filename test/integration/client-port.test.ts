/** The client port on real sockets: frames, words, limits and clients that misbehave. */
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import type { ClientConnection } from '../../node/net/client-connection.ts';
import { ClientPort, type ClientPortOptions } from '../../node/net/client-port.ts';
import { formatJavaAddress } from '../../node/net/java-address.ts';
import {
  eventually,
  framed,
  ManualTimers,
  RawSocket,
  RecordingLog,
  turns,
} from '../helpers/ports.ts';

const cleanups: (() => Promise<unknown> | unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const HOUR_MS = 3_600_000;

class Server {
  readonly frames: string[] = [];
  readonly closed: string[] = [];
  readonly log = new RecordingLog();
  readonly timers = new ManualTimers();
  readonly port: ClientPort;
  argument = '';
  onFrame: (connection: ClientConnection, frame: Buffer) => void = () => undefined;

  constructor(over: Partial<ClientPortOptions> = {}) {
    this.port = new ClientPort({
      listenHost: '127.0.0.1',
      listenPort: 0,
      maxClientCnxns: 0,
      maxCnxns: 0,
      frameBytesMax: 1000,
      outboundBytesMax: 8 * 1024 * 1024,
      handshakeTimeoutMs: HOUR_MS,
      fourLetterWords: new Set(['stat', 'ruok']),
      handlers: {
        onFrame: (connection, frame) => {
          this.frames.push(frame.toString('latin1'));
          this.onFrame(connection, frame);
        },
        onFourLetterWord: (connection, word, argument) => {
          this.argument = argument.toString();
          connection.answer(`you said ${word}`);
        },
        onClose: (_, reason) => this.closed.push(reason),
      },
      log: this.log,
      timers: this.timers,
      wallClockMs: () => 1234,
      ...over,
    });
    cleanups.push(() => this.port.close());
  }

  get connection(): ClientConnection {
    const [connection] = this.port.connections;
    assert.ok(connection, 'there is a connection');
    return connection;
  }

  async connect(allowHalfOpen = false): Promise<RawSocket> {
    const before = this.port.connectionCount;
    const raw = await RawSocket.connect(this.port.port, allowHalfOpen);
    cleanups.push(() => raw.socket.destroy());
    await eventually('it is let in', () => this.port.connectionCount > before);
    return raw;
  }
}

async function started(over: Partial<ClientPortOptions> = {}): Promise<Server> {
  const server = new Server(over);
  await server.port.start();
  return server;
}

const frame = (text: string) => framed(Buffer.from(text, 'latin1'));

test('frames arrive in order however they are cut', async () => {
  const server = await started();
  const raw = await server.connect();
  const texts = ['a', '', 'stat', 'x'.repeat(1000)];
  const bytes = Buffer.concat(texts.map(frame));
  for (let at = 0; at < 30; at += 1) {
    raw.write(bytes.subarray(at, at + 1));
    await new Promise((resolve) => setImmediate(resolve));
  }
  raw.write(bytes.subarray(30));
  await eventually('all frames', () => server.frames.length === texts.length);
  assert.deepEqual(server.frames, texts);
  assert.equal(server.connection.stats.received, 4);
});

test('the replies of one turn leave in one write', async () => {
  const server = await started();
  server.onFrame = (connection, bytes) => {
    for (let i = 0; i < 50; i += 1) connection.send(frame(`${bytes}${i}`));
    connection.write((writer) => writer.int(2).raw(Buffer.from('ok')));
  };
  const raw = await server.connect();
  let chunks = 0;
  raw.socket.on('data', () => {
    chunks += 1;
  });
  raw.write(frame('r'));
  await eventually('all replies', () => raw.received.toString('latin1').endsWith('ok'));
  assert.equal(chunks, 1);
  assert.equal(server.connection.stats.sent, 51);
});

for (const [what, send] of [
  ['alone', (raw: RawSocket) => raw.write('stat')],
  ['with a newline', (raw: RawSocket) => raw.write('stat\n')],
  ['byte by byte', (raw: RawSocket) => [...'stat'].map((letter) => raw.write(letter))],
  ['and shut down', (raw: RawSocket) => raw.socket.end('stat')],
] as const) {
  test(`a four-letter word ${what} is answered, then the connection ends`, async () => {
    const server = await started();
    const raw = await server.connect(true);
    send(raw);
    await eventually('the answer ends', () => raw.isEnded);
    assert.equal(raw.received.toString(), 'you said stat');
    raw.socket.end();
    await raw.closed();
    await eventually('it is closed', () => server.closed.length === 1);
    assert.deepEqual(server.frames, []);
    assert.equal(server.timers.pendingCount, 0);
    assert.equal(server.argument, what === 'with a newline' ? '\n' : '');
    const { received, sent, bytesReceived, endings } = server.port.stats;
    assert.deepEqual([received, sent, bytesReceived, endings.server], [1, 1, 4, 1]);
  });
}

test('an answer that takes a while reaches a client that has shut its side down', async () => {
  const server = await started({
    handlers: {
      onFrame: () => undefined,
      onFourLetterWord: (connection) => void turns().then(() => connection.answer('late')),
      onClose: (_, reason) => server.closed.push(reason),
    },
  });
  const raw = await server.connect(true);
  raw.socket.end('stat');
  await eventually('the answer ends', () => raw.isEnded);
  assert.equal(raw.received.toString(), 'late');
});

test('a paused connection can be ended', async () => {
  const server = await started();
  server.onFrame = (connection) => connection.pause();
  const raw = await server.connect();
  raw.write(frame('connect'));
  await eventually('the frame', () => server.frames.length === 1);
  raw.write(frame('held'));
  server.connection.send(frame('refused'));
  server.connection.end();
  await raw.closed();
  await eventually('it is closed', () => server.closed.length === 1);
  assert.deepEqual(raw.received, frame('refused'));
  assert.deepEqual(server.frames, ['connect']);
});

test('what comes behind a word does not reset the answer', async () => {
  const server = await started();
  const raw = await server.connect(true);
  raw.write('stat');
  await eventually('the answer', () => raw.isEnded);
  for (let i = 0; i < 10; i += 1) raw.write('more');
  raw.socket.end();
  await raw.closed();
  assert.equal(raw.received.toString(), 'you said stat');
});

test('a client that does not hang up after its answer is hung up on', async () => {
  const server = await started();
  const raw = await server.connect(true);
  raw.write('stat');
  await eventually('the answer', () => raw.isEnded);
  server.timers.advance(1999);
  assert.deepEqual(server.closed, []);
  server.timers.advance(1);
  await eventually('it is closed', () => server.closed.length === 1);
  assert.deepEqual(server.closed, ['ended by this server']);
});

for (const [what, bytes, pattern] of [
  ['letters that are no word', Buffer.from('abcd'), /Len error 1633837924/],
  ['a negative length', Buffer.from('ffffffff', 'hex'), /Len error -1/],
  ['a length above jute.maxbuffer', Buffer.from('000003e9', 'hex'), /Len error 1001/],
] as const) {
  test(`${what}: the connection is closed with a line in the log`, async () => {
    const server = await started();
    const raw = await server.connect();
    raw.write(bytes);
    await raw.closed();
    assert.equal(server.log.count(pattern), 1);
    assert.equal(server.log.count(/warn: closed the connection from \/127\.0\.0\.1:\d+: /), 1);
    assert.match(server.closed.join(), pattern);
    assert.deepEqual(server.frames, []);
    assert.equal(server.port.stats.endings.badFrame, 1);
  });
}

test('frames before a bad length are delivered', async () => {
  const server = await started();
  const raw = await server.connect();
  raw.write(Buffer.concat([frame('good'), Buffer.alloc(4, 0xff)]));
  await raw.closed();
  assert.deepEqual(server.frames, ['good']);
});

test('a paused connection delivers nothing, not even of the same chunk, until resumed', async () => {
  const server = await started();
  server.onFrame = (connection, bytes) => {
    if (bytes.toString() === 'connect') connection.pause();
  };
  const raw = await server.connect();
  raw.write(Buffer.concat([frame('connect'), frame('one')]));
  await eventually('the first', () => server.frames.length === 1);
  raw.write(frame('two'));
  await turns();
  assert.deepEqual(server.frames, ['connect']);
  server.connection.resume();
  assert.deepEqual(server.frames, ['connect'], 'not inside resume');
  await eventually('the rest', () => server.frames.length === 3);
  assert.deepEqual(server.frames, ['connect', 'one', 'two']);
});

test('a connection without a session has until the deadline, one with a session stays', async () => {
  const server = await started({ handshakeTimeoutMs: 10_000 });
  const settled = await server.connect();
  server.connection.settle();
  const slow = await server.connect();
  slow.write('sta');
  server.timers.advance(9999);
  assert.deepEqual(server.closed, []);
  server.timers.advance(1);
  await slow.closed();
  assert.deepEqual(server.closed, ['no session within 10000 ms']);
  assert.equal(server.port.stats.endings.noSession, 1);
  assert.ok(!settled.isClosed);
  assert.equal(server.port.connectionCount, 1);
});

test('connections of one address are limited, with one line a burst', async () => {
  const server = await started({ maxClientCnxns: 2 });
  const first = await server.connect();
  await server.connect();
  for (let i = 0; i < 5; i += 1) {
    const refused = await RawSocket.connect(server.port.port);
    await refused.closed();
  }
  assert.equal(server.log.count(/it has 2 connections already; maxClientCnxns/), 1);
  assert.equal(server.port.stats.refused, 5);
  assert.deepEqual(server.closed, [], 'what was never opened is not closed');
  first.socket.destroy();
  await eventually('room again', () => server.port.connectionCount === 1);
  await server.connect();
});

test('connections in all are limited', async () => {
  const server = await started({ maxCnxns: 1 });
  await server.connect();
  const refused = await RawSocket.connect(server.port.port);
  await refused.closed();
  assert.equal(server.log.count(/there are 1 connections already; maxCnxns/), 1);
});

test('a client that does not read is closed when too much waits', async () => {
  const server = await started({ outboundBytesMax: 1024 * 1024 });
  const raw = await server.connect();
  raw.socket.pause();
  const { connection } = server;
  const event = frame('x'.repeat(100_000));
  await eventually('it is closed', () => {
    for (let i = 0; i < 5; i += 1) connection.send(event);
    return server.closed.length === 1;
  });
  assert.match(server.closed.join(), /it does not read: more than 1048576 bytes wait/);
  assert.equal(server.port.stats.endings.slowReader, 1);
  assert.ok(!connection.isUsable);
});

test('a client that asks faster than it reads is slowed down, not closed', async () => {
  const server = await started({ outboundBytesMax: 4 * 1024 * 1024 });
  const reply = frame('y'.repeat(100_000));
  server.onFrame = (connection) => connection.send(reply);
  const raw = await server.connect();
  raw.socket.pause();
  const requests = 500;
  raw.write(Buffer.concat(Array.from({ length: requests }, () => frame('get'))));
  await eventually('it is held', () => server.connection.outboundBytes > 1024 * 1024);
  assert.ok(server.frames.length < requests);
  raw.socket.resume();
  const total = requests * reply.length;
  let bytes = 0;
  raw.socket.on('data', (chunk) => {
    bytes += chunk.length;
    raw.received = Buffer.alloc(0);
  });
  await eventually('all replies', () => bytes + raw.received.length >= total);
  assert.equal(server.frames.length, requests);
  assert.deepEqual(server.closed, []);
});

test('end sends what waits, close does not', async () => {
  const server = await started();
  const ending = await server.connect();
  server.connection.send(frame('bye'));
  server.connection.end();
  await ending.closed();
  assert.deepEqual(ending.received, frame('bye'));
  await eventually('it is closed', () => server.closed.length === 1);
  const closing = await server.connect();
  server.connection.send(frame('lost'));
  server.connection.close('session expired');
  server.connection.send(frame('lost too'));
  await closing.closed();
  assert.equal(closing.received.length, 0);
  assert.deepEqual(server.closed, ['ended by this server', 'session expired']);
});

test('after close nothing is delivered, not even of the same chunk', async () => {
  const server = await started();
  server.onFrame = (connection) => connection.close('enough');
  const raw = await server.connect();
  raw.write(Buffer.concat([frame('one'), frame('two')]));
  await raw.closed();
  assert.deepEqual(server.frames, ['one']);
  assert.deepEqual(server.closed, ['enough']);
});

test('a client that shuts its side down is closed', async () => {
  const server = await started();
  const raw = await server.connect();
  raw.socket.end(frame('last'));
  await raw.closed();
  assert.deepEqual(server.frames, ['last']);
  assert.deepEqual(server.closed, ['the client closed the connection']);
  const { received, bytesReceived, endings } = server.port.stats;
  assert.deepEqual([received, bytesReceived, endings.client], [1, 8, 1]);
});

test('a reset is no more than an ending', async () => {
  const server = await started();
  const raw = await server.connect();
  raw.socket.resetAndDestroy();
  await eventually('it is closed', () => server.closed.length === 1);
  assert.match(server.closed.join(), /ECONNRESET/);
  assert.equal(server.port.stats.endings.client, 1);
});

test('a connection is shown as ZooKeeper shows it', async () => {
  const server = await started();
  const raw = await server.connect();
  assert.equal(server.connection.remote, `/127.0.0.1:${raw.socket.localPort}`);
  assert.equal(server.connection.stats.establishedAtMs, 1234);
  assert.equal(formatJavaAddress('::ffff:10.0.0.9', 80), '/10.0.0.9:80');
  assert.equal(formatJavaAddress('::1', 80), '/[0:0:0:0:0:0:0:1]:80');
  assert.equal(formatJavaAddress('fe80::a0:1%eth0', 80), '/[fe80:0:0:0:0:0:a0:1%eth0]:80');
  assert.equal(formatJavaAddress('::', 80), '/[0:0:0:0:0:0:0:0]:80');
});

test('latencies are summed up as cons shows them, and reset', async () => {
  const server = await started();
  await server.connect();
  const { stats } = server.connection;
  assert.deepEqual([stats.minLatencyMs, stats.averageLatencyMs, stats.maxLatencyMs], [0, 0, 0]);
  stats.noteReply(1, 1, 5, 4, 1000);
  stats.noteReply(4, 2, 6, 1, 1001);
  assert.deepEqual([stats.minLatencyMs, stats.averageLatencyMs, stats.maxLatencyMs], [1, 3, 4]);
  assert.deepEqual([stats.lastOpCode, stats.lastXid, stats.lastZxid], [4, 2, 6]);
  stats.reset();
  assert.deepEqual([stats.lastOpCode, stats.maxLatencyMs, stats.lastLatencyMs], [null, 0, 0]);
});

test('a port that is taken is named', async () => {
  const server = await started();
  const second = new Server({ listenPort: server.port.port });
  await assert.rejects(second.port.start(), /client port \d+ on 127.0.0.1 is taken.*clientPort/);
});

test('close ends every connection, lingering ones too', async () => {
  const server = await started();
  await server.connect();
  const lingering = await server.connect(true);
  lingering.write('stat');
  await eventually('the answer', () => lingering.isEnded);
  await server.port.close();
  await eventually('both are closed', () => server.closed.length === 2);
  assert.equal(server.port.connectionCount, 0);
  assert.equal(server.timers.pendingCount, 0);
});
