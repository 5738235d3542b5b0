/**
 * The server-to-server wire against real Apache servers, with just enough of a protocol written out
 * here: once as a follower of an Apache leader (votes, handshake, SNAP, requests, pings), once as
 * the leader of an Apache follower, which loads the tree we stream and shows it to a client.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OpCode } from '../../node/core/request/op-code.ts';
import { SessionId } from '../../node/core/session-id.ts';
import { OPEN_ACL_UNSAFE } from '../../node/core/tree/acl.ts';
import { DataTree } from '../../node/core/tree/data-tree.ts';
import { TreeImage } from '../../node/core/tree/tree-image.ts';
import type { ZabMessage } from '../../node/core/zab/messages.ts';
import { type Notification, PeerState } from '../../node/core/zab/vote.ts';
import { makeZxid, type Zxid } from '../../node/core/zxid.ts';
import { decodeConnectResponse, encodeConnectRequest } from '../../node/jute/connect.ts';
import { FrameParser } from '../../node/jute/frame-parser.ts';
import { JuteReader } from '../../node/jute/reader.ts';
import {
  decodeGetAclReply,
  decodeGetChildrenReply,
  decodeGetDataReply,
  decodeReplyHeader,
} from '../../node/jute/reply-decoder.ts';
import { encodeRequest, encodeRequestFrame } from '../../node/jute/requests.ts';
import type { SnapshotSink } from '../../node/jute/snapshot-body.ts';
import { decodeTxn, encodeTxn } from '../../node/jute/txns.ts';
import { JuteWriter } from '../../node/jute/writer.ts';
import { ElectionPort } from '../../node/net/election-port.ts';
import { QuorumPort } from '../../node/net/quorum-port.ts';
import { ApacheEnsemble, apacheMissing, freePorts } from '../helpers/apache.ts';
import { eventually, RawSocket, RecordingLog } from '../helpers/ports.ts';
import { until } from '../helpers/processes.ts';
import { READ_ACL, RecordingImage, SESSION, sourceOf, znode } from '../helpers/quorum-samples.ts';

const skip = apacheMissing() ?? false;
const PATIENCE_MS = 60_000;
const PROTOCOL = 0x10000;

/** Both server-to-server ports of one peer, with what came in. */
class Wire {
  readonly votes = new Map<number, Notification>();
  readonly messages: ZabMessage[] = [];
  readonly downs: string[] = [];
  readonly log = new RecordingLog();
  readonly election: ElectionPort;
  readonly quorum: QuorumPort;
  link = 0;
  onVote: (from: number, vote: Notification) => void = () => undefined;
  onMessage: (message: ZabMessage) => void = () => undefined;

  constructor(
    sid: number,
    ports: { election: number; quorum: number },
    others: ApacheEnsemble,
    newImage: () => SnapshotSink,
  ) {
    const at = (port: number) => ({ host: '127.0.0.1', port });
    const common = { sid, listenHost: '127.0.0.1', cnxTimeoutMs: 5000, log: this.log };
    this.election = new ElectionPort({
      ...common,
      listenPort: ports.election,
      electionAddress: `127.0.0.1:${ports.election}`,
      peers: new Map(others.servers.map((other) => [other.sid, at(other.electionPort)])),
      handlers: {
        onNotification: (from, vote) => {
          this.votes.set(from, vote);
          this.onVote(from, vote);
        },
      },
    });
    this.quorum = new QuorumPort({
      ...common,
      listenPort: ports.quorum,
      peers: new Map(others.servers.map((other) => [other.sid, at(other.quorumPort)])),
      packetBytesMax: 4 * 1024 * 1024,
      outboundBytesMax: 64 * 1024 * 1024,
      learnersMax: 16,
      newImage,
      handlers: {
        onAccept: (link) => {
          this.link = link;
        },
        onUp: (link) => {
          this.link = link;
        },
        onMessage: (_, message) => {
          this.messages.push(message);
          this.onMessage(message);
        },
        onDown: (_, reason) => this.downs.push(reason),
      },
    });
  }

  async start(): Promise<void> {
    await this.election.start();
    await this.quorum.start();
  }

  async stop(): Promise<void> {
    await this.election.close();
    await this.quorum.closeAll();
  }

  send(message: ZabMessage): void {
    this.quorum.send(this.link, message);
  }

  /** The next message of a type; others before it are passed over, pings are answered. */
  async next<T extends ZabMessage['type']>(type: T): Promise<ZabMessage & { type: T }> {
    return until(
      `${type} (so far ${this.messages.map((m) => m.type)}; ${this.downs})`,
      PATIENCE_MS,
      () => {
        for (let m = this.messages.shift(); m !== undefined; m = this.messages.shift()) {
          if (m.type === type) return m as ZabMessage & { type: T };
        }
        return undefined;
      },
    );
  }
}

async function withWire(
  apaches: number,
  jvmFlags: readonly string[],
  newImage: () => SnapshotSink,
  body: (wire: Wire, ensemble: ApacheEnsemble) => Promise<void>,
): Promise<void> {
  const sid = apaches + 1;
  const [election = 0, quorum = 0] = await freePorts(2);
  const foreign = [{ sid, quorumPort: quorum, electionPort: election }];
  const ensemble = await ApacheEnsemble.start(apaches, { foreign, jvmFlags, wait: false });
  const wire = new Wire(sid, { election, quorum }, ensemble, newImage);
  try {
    await wire.start();
    await body(wire, ensemble);
  } catch (error) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    throw new Error(`${text}\n${wire.log.lines.join('\n')}\n${ensemble.log(1, 60)}`);
  } finally {
    await wire.stop();
    await ensemble.stop();
  }
}

function looking(sid: number, zxid: Zxid, round: number, peerEpoch = 0): Notification {
  const state = PeerState.looking;
  return { state, leader: sid, zxid, peerEpoch, electionEpoch: round, version: 2, config: '' };
}

/** Discovery as a learner with the history `lastZxid`; resolves to the epoch. */
async function join(wire: Wire, leader: number, sid: number, lastZxid: Zxid): Promise<number> {
  wire.quorum.dial(leader);
  wire.link = 0;
  await eventually('the link is up', () => wire.link > 0);
  wire.send({
    type: 'learnerInfo',
    isObserver: false,
    acceptedEpoch: 0,
    sid,
    protocolVersion: PROTOCOL,
    configVersion: 0,
  });
  const { epoch, protocolVersion } = await wire.next('leaderInfo');
  assert.equal(protocolVersion, PROTOCOL);
  wire.send({ type: 'ackEpoch', lastZxid, currentEpoch: 0 });
  return epoch;
}

/** Reads up to NEWLEADER and UPTODATE, as a follower must. */
async function finishSync(wire: Wire, epoch: number): Promise<void> {
  const newLeader = await wire.next('newLeader');
  assert.equal(newLeader.epoch, epoch);
  assert.match(newLeader.config, /^server\.1=.*version=0$/s);
  wire.send({ type: 'ack', zxid: makeZxid(epoch, 0) });
  await wire.next('upToDate');
  wire.send({ type: 'ack', zxid: makeZxid(epoch, 0) });
}

test(
  'an Apache leader hears our votes and serves us as a follower',
  { skip, timeout: 120_000 },
  () =>
    withWire(
      2,
      ['-Dzookeeper.forceSnapshotSync=true'],
      () => new TreeImage(),
      async (wire, ensemble) => {
        await ensemble.serving();
        // Both dial us back: their sids are smaller.
        await until('the votes of a leader and its follower', PATIENCE_MS, () => {
          for (const sid of [1, 2]) wire.election.send(sid, looking(3, 0, 1));
          return (
            [...wire.votes.values()].filter((vote) => vote.state !== PeerState.looking).length === 2
          );
        });
        const [one, two] = [wire.votes.get(1), wire.votes.get(2)];
        assert.ok(one && two);
        assert.deepEqual([one.state, two.state], [PeerState.following, PeerState.leading]);
        assert.deepEqual([one.leader, two.leader, one.version], [2, 2, 2]);
        assert.match(one.config, /^server\.1=127\.0\.0\.1:\d+:\d+:participant/);

        let epoch = await join(wire, 2, 3, 0);
        const empty = await wire.next('snap');
        assert.equal(typeof empty.zxid, 'number');
        await finishSync(wire, epoch);
        wire.onMessage = (message) => {
          if (message.type === 'ping') wire.send({ ...message, sessions: [] });
          if (message.type === 'proposal') wire.send({ type: 'ack', zxid: message.zxid });
        };

        const session = new SessionId(0x03000000, 77);
        const ask = (cxid: number, opCode: number, body: Uint8Array) =>
          wire.send({
            type: 'request',
            session,
            cxid,
            opCode,
            body,
            ids: [{ scheme: 'ip', id: '127.0.0.1' }],
          });
        ask(0, OpCode.createSession, Buffer.from('00007530', 'hex'));
        const opened = decodeTxn((await wire.next('proposal')).txn);
        assert.deepEqual(opened.header.session, session);
        await wire.next('commit');
        const writer = new JuteWriter();
        const request = {
          type: OpCode.create,
          path: '/eph',
          data: Buffer.from('ours'),
          acl: READ_ACL,
          flags: 1,
          ttlMs: 0,
        };
        encodeRequest(writer, request);
        ask(1, OpCode.create, writer.take());
        const created = decodeTxn((await wire.next('proposal')).txn);
        assert.ok(created.txn.type === OpCode.create);
        assert.equal(created.txn.path, '/eph');
        const { zxid } = await wire.next('commit');
        wire.send({ type: 'revalidate', session, timeoutMs: 30_000 });
        assert.deepEqual(await wire.next('revalidated'), {
          type: 'revalidated',
          session,
          isValid: true,
        });
        wire.send({ type: 'revalidate', session: new SessionId(1, 2), timeoutMs: 30_000 });
        assert.equal((await wire.next('revalidated')).isValid, false);
        ask(2, OpCode.sync, Buffer.from('000000012f', 'hex'));
        await wire.next('sync');
        await wire.next('ping');
        assert.deepEqual(wire.downs, []);

        // Again, now with something in the tree.
        wire.quorum.close(wire.link);
        wire.messages.length = 0;
        epoch = await join(wire, 2, 3, 0);
        const snap = await wire.next('snap');
        assert.equal(snap.zxid, zxid);
        const tree = snap.image;
        assert.ok(tree instanceof DataTree);
        const node = tree.get('/eph');
        assert.deepEqual(node?.ephemeralOwner, session);
        assert.deepEqual(node?.acl, READ_ACL);
        assert.equal(Buffer.from(node?.data ?? []).toString(), 'ours');
        assert.ok(tree.sessions.get(session) === 30_000);
        assert.deepEqual(tree.get('/zookeeper/quota')?.acl, OPEN_ACL_UNSAFE);
        await finishSync(wire, epoch);
      },
    ),
);

/** A client just able to connect and to read. */
class Client {
  private readonly raw: RawSocket;
  private readonly parser = new FrameParser(1024 * 1024);
  private xid = 0;

  constructor(raw: RawSocket) {
    this.raw = raw;
    raw.socket.on('data', (chunk) => this.parser.push(chunk));
  }

  async frame(): Promise<Buffer> {
    return until('a frame', PATIENCE_MS, () => this.parser.next() ?? undefined);
  }

  send(bytes: Buffer): void {
    this.raw.write(bytes);
  }

  async read(type: 4 | 6 | 8, path: string): Promise<JuteReader> {
    this.xid += 1;
    const writer = new JuteWriter();
    if (type === OpCode.getAcl) encodeRequestFrame(writer, this.xid, { type, path });
    else encodeRequestFrame(writer, this.xid, { type, path, watch: false });
    this.raw.write(writer.take());
    const reader = new JuteReader(await this.frame());
    const header = decodeReplyHeader(reader);
    assert.deepEqual([header.xid, header.err], [this.xid, 0]);
    return reader;
  }
}

test('an Apache follower elects us, loads our tree and serves it', { skip, timeout: 120_000 }, () =>
  withWire(
    1,
    [],
    () => new RecordingImage(),
    async (wire, ensemble) => {
      const base = makeZxid(4, 9);
      const epoch = 6;
      let state: PeerState = PeerState.looking;
      wire.onVote = (from, { electionEpoch }) => {
        wire.election.send(from, { ...looking(2, base, electionEpoch, 4), state });
      };
      await until('its vote for us', PATIENCE_MS, () => wire.votes.get(1)?.leader === 2);
      state = PeerState.leading;
      wire.quorum.accepting = true;
      const info = await wire.next('learnerInfo');
      assert.deepEqual([info.sid, info.isObserver, info.protocolVersion], [1, false, PROTOCOL]);
      wire.send({ type: 'leaderInfo', epoch, protocolVersion: PROTOCOL });
      const ack = await wire.next('ackEpoch');
      assert.deepEqual([ack.currentEpoch, ack.lastZxid], [0, 0]);

      const nodes = [
        znode('/', { data: null, cversion: 5 }),
        znode('/zookeeper', { data: null }),
        znode('/zookeeper/quota', { data: null }),
        znode('/a', { acl: READ_ACL, data: new Uint8Array(0) }),
        znode('/a/ü', { ephemeralOwner: SESSION }),
        ...Array.from({ length: 5000 }, (_, i) => znode(`/a/n${i}`)),
      ];
      const source = sourceOf(nodes, base);
      wire.quorum.sendSnapshot(wire.link, base, source);
      wire.send({ type: 'newLeader', epoch, config: '' });
      assert.equal((await wire.next('ack')).zxid, makeZxid(epoch, 0));
      wire.send({ type: 'upToDate' });
      await wire.next('ack');
      await ensemble.serving([1]);
      assert.equal(await ensemble.mode(1), 'follower');
      assert.match(await ensemble.fourLetterWord(1, 'srvr'), /Zxid: 0x400000009/);
      assert.match(await ensemble.fourLetterWord(1, 'dump'), /\/a\/ü/);
      wire.send({ type: 'ping', zxid: base, sessions: [] });
      assert.equal((await wire.next('ping')).zxid, base);

      // A client's session is a transaction: the leader proposes and commits it.
      const client = new Client(await RawSocket.connect(ensemble.server(1).clientPort));
      wire.onMessage = (message) => {
        if (message.type !== 'request') return;
        const { session, cxid } = message;
        const zxid = makeZxid(epoch, 1);
        const header = { session, cxid, zxid, timeMs: 1 };
        const open = { type: OpCode.createSession, timeoutMs: 30_000 };
        const txn = encodeTxn(new JuteWriter(), header, open);
        wire.send({ type: 'proposal', zxid, txn });
        wire.send({ type: 'commit', zxid });
      };
      await connectClient(client);
      const acl = decodeGetAclReply(await client.read(OpCode.getAcl, '/a'));
      // A client without ADMIN is not shown the digest's hash.
      assert.deepEqual(
        acl.acl.map(({ perms }) => perms),
        READ_ACL.map(({ perms }) => perms),
      );
      const data = decodeGetDataReply(await client.read(OpCode.getData, '/a/n77'));
      assert.equal(data.data?.toString(), 'data of /a/n77');
      assert.equal(data.stat.mzxid, znode('/').mzxid);
      const children = decodeGetChildrenReply(await client.read(OpCode.getChildren, '/a'));
      assert.equal(children.length, 5001);
      assert.ok(children.includes('ü'));
      assert.equal((await wire.next('ack')).zxid, makeZxid(epoch, 1));
      // With a session there is something to say in a ping.
      wire.send({ type: 'ping', zxid: base, sessions: [] });
      const touched = await wire.next('ping');
      assert.ok(touched.sessions.some(({ timeoutMs }) => timeoutMs > 0));
    },
  ),
);

async function connectClient(client: Client): Promise<void> {
  const request = {
    protocolVersion: 0,
    lastZxidSeen: 0,
    timeoutMs: 30_000,
    session: new SessionId(0, 0),
    password: Buffer.alloc(16),
    readOnly: false,
    hasReadOnly: true,
  };
  client.send(encodeConnectRequest(request));
  const response = decodeConnectResponse(await client.frame());
  assert.ok(response.timeoutMs > 0);
}
