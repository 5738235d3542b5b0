/** The unframed stream: cut at every byte, in single bytes, with a tree in it, and as nonsense. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Prng } from '../../node/core/prng.ts';
import type { AclList } from '../../node/core/tree/acl.ts';
import type { ZabMessage } from '../../node/core/zab/messages.ts';
import { makeZxid } from '../../node/core/zxid.ts';
import { JuteError } from '../../node/jute/errors.ts';
import { encodeMessage } from '../../node/jute/quorum-packet.ts';
import { QuorumStream } from '../../node/jute/quorum-stream.ts';
import { snapshotChunks } from '../../node/jute/snapshot-stream.ts';
import { JuteWriter } from '../../node/jute/writer.ts';
import {
  FROM_LEADER,
  FROM_LEARNER,
  READ_ACL,
  RecordingImage,
  SESSIONS,
  sourceOf,
  TREE,
  znode,
} from '../helpers/quorum-samples.ts';

const ZXID = makeZxid(2, 5);
const PACKET_BYTES_MAX = 4096;

function stream(from: 'leader' | 'learner' = 'leader'): QuorumStream {
  const newImage = () => new RecordingImage();
  return new QuorumStream({ from, packetBytesMax: PACKET_BYTES_MAX, newImage });
}

function encode(messages: readonly ZabMessage[]): Buffer {
  const writer = new JuteWriter();
  for (const message of messages) encodeMessage(writer, message);
  return writer.take();
}

function snapshotBytes(nodes = TREE, chunkBytes = 100): Buffer {
  const snap = encode([{ type: 'snap', zxid: ZXID, image: null }]);
  return Buffer.concat([snap, ...snapshotChunks(sourceOf(nodes, ZXID), chunkBytes)]);
}

/** All messages that come of `chunks`, pulled after each. */
function messagesOf(chunks: Iterable<Buffer>, parser = stream()): ZabMessage[] {
  const messages: ZabMessage[] = [];
  for (const chunk of chunks) {
    parser.push(chunk);
    for (let next = parser.next(); next !== null; next = parser.next()) messages.push(next);
  }
  return messages;
}

function* bytesOf(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += 1) yield bytes.subarray(at, at + 1);
}

/** The messages around a tree, and what must come of them. */
const WITH_TREE = Buffer.concat([
  encode(FROM_LEADER.slice(0, 3)),
  snapshotBytes(),
  encode(FROM_LEADER.slice(3)),
]);

function assertWithTree(messages: readonly ZabMessage[]): void {
  const snap = messages[3];
  assert.ok(snap?.type === 'snap');
  assert.equal(snap.zxid, ZXID);
  assert.ok(snap.image instanceof RecordingImage);
  assert.equal(snap.image.zxid, ZXID);
  assert.deepEqual(snap.image.sessions, SESSIONS);
  assert.deepEqual(snap.image.nodes, TREE);
  assert.deepEqual([...messages.slice(0, 3), ...messages.slice(4)], FROM_LEADER);
}

test('a stream in one piece, in single bytes, and cut in two at every byte', () => {
  assertWithTree(messagesOf([WITH_TREE]));
  assertWithTree(messagesOf(bytesOf(WITH_TREE)));
  for (let at = 0; at <= WITH_TREE.length; at += 1) {
    assertWithTree(messagesOf([WITH_TREE.subarray(0, at), WITH_TREE.subarray(at)]));
  }
});

test('a stream cut anywhere at random', () => {
  const prng = new Prng(3);
  for (let round = 0; round < 300; round += 1) {
    const chunks: Buffer[] = [];
    for (let at = 0; at < WITH_TREE.length; ) {
      const end = at + 1 + prng.below(200);
      chunks.push(WITH_TREE.subarray(at, end));
      at = end;
    }
    assertWithTree(messagesOf(chunks));
  }
});

test('what a learner sends, byte by byte', () => {
  const parser = stream('learner');
  assert.deepEqual(messagesOf(bytesOf(encode(FROM_LEARNER)), parser), FROM_LEARNER);
  assert.equal(parser.buffered, 0);
});

test('messages keep their bytes when the stream goes on', () => {
  const proposals = Array.from({ length: 50 }, (_, i): ZabMessage => {
    return { type: 'proposal', zxid: makeZxid(1, i + 1), txn: Buffer.alloc(40, i) };
  });
  const bytes = encode(proposals);
  const chunks = Array.from({ length: Math.ceil(bytes.length / 33) }, (_, i) =>
    bytes.subarray(i * 33, (i + 1) * 33),
  );
  assert.deepEqual(messagesOf(chunks), proposals);
});

test('null data and empty data stay apart, and equal ACLs are one', () => {
  const [snap] = messagesOf([snapshotBytes()]);
  assert.ok(snap?.type === 'snap' && snap.image instanceof RecordingImage);
  const [root, zookeeper, a, , b] = snap.image.nodes;
  assert.equal(root?.data, null);
  assert.equal(zookeeper?.data?.length, 0);
  assert.deepEqual(a?.acl, READ_ACL);
  assert.equal(a?.acl, b?.acl);
});

test('a znode holds no more memory than its data', () => {
  const [snap] = messagesOf([snapshotBytes()]);
  assert.ok(snap?.type === 'snap' && snap.image instanceof RecordingImage);
  for (const { data } of snap.image.nodes) assert.equal(data?.buffer.byteLength, data?.byteLength);
});

test('an ACL that the map does not have lets nobody in', () => {
  const stranger: AclList = [];
  const nodes = [znode('/'), znode('/a', { acl: READ_ACL })];
  const bytes = snapshotBytes(nodes);
  // The only id in the map is 1; the znode's reference to it becomes 2.
  const at = bytes.lastIndexOf(Buffer.from('data of /a')) + 'data of /a'.length;
  assert.equal(bytes.readInt32BE(at + 4), 1);
  bytes.writeInt32BE(2, at + 4);
  const [snap] = messagesOf([bytes]);
  assert.ok(snap?.type === 'snap' && snap.image instanceof RecordingImage);
  assert.deepEqual(snap.image.nodes[1]?.acl, stranger);
});

test('the tree is handed on while it comes in', () => {
  const image = new RecordingImage();
  const parser = new QuorumStream({
    from: 'leader',
    packetBytesMax: PACKET_BYTES_MAX,
    newImage: () => image,
  });
  const nodes = [znode('/'), ...Array.from({ length: 1000 }, (_, i) => znode(`/n${i}`))];
  const bytes = snapshotBytes(nodes);
  parser.push(bytes.subarray(0, bytes.length / 2));
  assert.equal(parser.next(), null);
  assert.ok(parser.isInSnapshot);
  assert.ok(image.nodes.length > 400, `${image.nodes.length}`);
  assert.ok(parser.buffered < 200);
});

test('a packet that is or claims to be too large is refused at once', () => {
  const large: ZabMessage = { type: 'proposal', zxid: 1, txn: Buffer.alloc(PACKET_BYTES_MAX) };
  assert.throws(() => messagesOf([encode([large]).subarray(0, 16)]), /QuorumPacket of 4112 bytes/);
  const ids = Buffer.alloc(20 + PACKET_BYTES_MAX);
  ids.writeInt32BE(3, 0);
  ids.writeInt32BE(-1, 12);
  ids.writeInt32BE(0x7fffffff, 16);
  assert.throws(() => messagesOf(bytesOf(ids)), /QuorumPacket of/);
});

test('negative lengths are refused', () => {
  const bytes = encode([{ type: 'commit', zxid: 1 }]);
  for (const at of [12, 16]) {
    const bad = Buffer.from(bytes);
    bad.writeInt32BE(-2, at);
    assert.throws(() => messagesOf([bad]), JuteError);
  }
});

test('a stream that has failed is not read on', () => {
  const parser = stream();
  parser.push(Buffer.alloc(64, 0xff));
  assert.throws(() => parser.next(), JuteError);
  assert.throws(() => parser.next(), /not read again/);
});

test('a snapshot that ends wrongly, has no root or odd paths is refused', () => {
  const bytes = snapshotBytes();
  const wrong = Buffer.from(bytes);
  wrong.write('BenWasGone', wrong.length - 10);
  assert.throws(() => messagesOf([wrong]), /BenWasGone/);
  assert.throws(() => messagesOf([snapshotBytes([])]), /no root/);
  assert.throws(() => messagesOf([snapshotBytes([znode('/a')])]), /path "\/a"/);
  assert.throws(() => messagesOf([snapshotBytes([znode('/'), znode('a')])]), /path "a"/);
  assert.throws(() => messagesOf([snapshotBytes([znode('/'), znode('/a/')])]), /path "\/a\/"/);
});

test('what the image refuses comes out of the stream', () => {
  class Refusing extends RecordingImage {
    override addNode(): void {
      throw new Error('no more room');
    }
  }
  const newImage = () => new Refusing();
  const parser = new QuorumStream({ from: 'leader', packetBytesMax: PACKET_BYTES_MAX, newImage });
  parser.push(snapshotBytes());
  assert.throws(() => parser.next(), /no more room/);
});

test('random bytes never do more than end the stream', () => {
  const prng = new Prng(1);
  for (let round = 0; round < 3000; round += 1) {
    const bytes = Buffer.from(WITH_TREE);
    for (let hits = 1 + prng.below(4); hits > 0; hits -= 1) {
      bytes[prng.below(bytes.length)] = prng.below(256);
    }
    try {
      messagesOf([bytes]);
    } catch (error) {
      assert.ok(error instanceof JuteError, String(error));
    }
  }
});

test('a large packet in single bytes takes linear time', () => {
  const length = 300_000;
  const message: ZabMessage = { type: 'proposal', zxid: 1, txn: Buffer.alloc(length) };
  const newImage = () => new RecordingImage();
  const parser = new QuorumStream({ from: 'leader', packetBytesMax: 2 * length, newImage });
  const begin = performance.now();
  assert.deepEqual(messagesOf(bytesOf(encode([message])), parser), [message]);
  // Quadratic copying takes minutes here, linear a fraction of a second.
  assert.ok(performance.now() - begin < 5000);
});

test('the source of a snapshot is closed when it is through and when it is given up', () => {
  const whole = sourceOf(TREE, ZXID);
  for (const chunk of snapshotChunks(whole)) assert.ok(chunk.length > 0);
  assert.equal(whole.closed, 1);
  const part = sourceOf(TREE, ZXID);
  const chunks = snapshotChunks(part, 10);
  chunks.next();
  chunks.return();
  assert.equal(part.closed, 1);
});
