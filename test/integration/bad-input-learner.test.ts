/**
 * A program that joins with the sid of a peer that is down, and then says whatever it likes: the
 * leader drops it or answers, and serves its clients all the same.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Prng } from '../../node/core/prng.ts';
import { OpCode } from '../../node/core/request/op-code.ts';
import { NO_SESSION, SessionId } from '../../node/core/session-id.ts';
import { TreeImage } from '../../node/core/tree/tree-image.ts';
import type { ZabMessage } from '../../node/core/zab/messages.ts';
import { makeZxid } from '../../node/core/zxid.ts';
import { QuorumPort } from '../../node/net/quorum-port.ts';
import { assertEqualTrees, clientOf } from '../helpers/client-tree.ts';
import { awaitLeader, logsOf } from '../helpers/ensemble.ts';
import { PicketEnsemble } from '../helpers/picket.ts';
import { RecordingLog } from '../helpers/ports.ts';
import { until } from '../helpers/processes.ts';

const WAIT_MS = 20_000;
const IMPOSTORS = 20;
const MESSAGES = 100;

/** The quorum port of a learner that goes through the handshake and no further. */
class Impostor {
  readonly heard: ZabMessage[] = [];
  isDown = false;
  private readonly port: QuorumPort;
  private readonly link: number;

  constructor(sid: number, leader: { readonly sid: number; readonly quorumPort: number }) {
    this.port = new QuorumPort({
      sid,
      listenHost: '127.0.0.1',
      listenPort: 0,
      peers: new Map([[leader.sid, { host: '127.0.0.1', port: leader.quorumPort }]]),
      cnxTimeoutMs: WAIT_MS,
      packetBytesMax: 16 * 1024 * 1024,
      outboundBytesMax: 64 * 1024 * 1024,
      learnersMax: 1,
      newImage: () => new TreeImage(),
      handlers: {
        onAccept: () => undefined,
        onUp: () => undefined,
        onMessage: (_, message) => this.heard.push(message),
        onDown: () => {
          this.isDown = true;
        },
      },
      log: new RecordingLog(),
    });
    this.link = this.port.dial(leader.sid);
  }

  send(message: ZabMessage): void {
    this.port.send(this.link, message);
  }

  /** Waits for a message of this type; null when the leader has hung up instead. */
  async hear(type: ZabMessage['type']): Promise<ZabMessage | null> {
    return await until(`${type} from the leader`, WAIT_MS, () => {
      const message = this.heard.find((it) => it.type === type);
      return message ?? (this.isDown ? null : undefined);
    });
  }

  /** Joins as far as UPTODATE; false when the leader would not have it. */
  async join(sid: number, lastZxid: number): Promise<boolean> {
    const info = { acceptedEpoch: 0, sid, protocolVersion: 0x10000, configVersion: 0 };
    this.send({ type: 'learnerInfo', isObserver: false, ...info });
    const leaderInfo = await this.hear('leaderInfo');
    if (leaderInfo?.type !== 'leaderInfo') return false;
    this.send({ type: 'ackEpoch', lastZxid, currentEpoch: 0 });
    if ((await this.hear('newLeader')) === null) return false;
    this.send({ type: 'ack', zxid: makeZxid(leaderInfo.epoch, 0) });
    return (await this.hear('upToDate')) !== null;
  }

  async close(): Promise<void> {
    await this.port.closeAll();
  }
}

const OP_CODES = [...Object.values(OpCode), 99, 500, -3];

function nonsense(prng: Prng): ZabMessage {
  const session = prng.oneIn(4) ? NO_SESSION : new SessionId(prng.next(), prng.next());
  const body = prng.bytes(prng.below(60));
  switch (prng.below(8)) {
    case 0:
      return { type: 'ack', zxid: makeZxid(prng.below(3), prng.below(50)) };
    case 1:
      return { type: 'ping', zxid: 0, sessions: [{ session, timeoutMs: prng.next() | 0 }] };
    case 2:
      return { type: 'revalidate', session, timeoutMs: prng.next() | 0 };
    default:
      return {
        type: 'request',
        session,
        cxid: prng.next() | 0,
        opCode: prng.pick(OP_CODES),
        body,
        ids: [{ scheme: prng.pick(['world', 'ip', 'digest', '']), id: 'anyone' }],
      };
  }
}

test('a learner that speaks nonsense after its handshake', async (context) => {
  const ensemble = await PicketEnsemble.start(3);
  context.after(() => ensemble.stop());
  const leader = await awaitLeader(ensemble);
  const [down = 0, up = 0] = [1, 2, 3].filter((sid) => sid !== leader);
  const client = await clientOf(ensemble, [up]);
  await client.create('/kept', '');
  await ensemble.kill(down);
  let joined = 0;
  for (let seed = 1; seed <= IMPOSTORS; seed += 1) {
    const prng = new Prng(seed);
    const impostor = new Impostor(down, ensemble.server(leader));
    // A zxid before, in and far beyond the history: the answer is a DIFF, a TRUNC or a SNAP.
    const lastZxid = prng.pick([0, makeZxid(1, 1), makeZxid(1, 1000), makeZxid(900, 3), -1]);
    if (await impostor.join(down, lastZxid)) joined += 1;
    for (let i = 0; i < MESSAGES && !impostor.isDown; i += 1) impostor.send(nonsense(prng));
    await client.setData('/kept', `seed ${seed}`);
    await impostor.close();
    assert.equal(await ensemble.mode(leader), 'leader', logsOf(ensemble));
  }
  assert.ok(joined > IMPOSTORS / 2, `${joined} were let in`);
  await ensemble.restart(down);
  await client.close();
  const tree = await assertEqualTrees(ensemble);
  assert.equal(String(tree.get('/kept')?.data), `seed ${IMPOSTORS}`);
  for (const { sid } of ensemble.servers) {
    assert.doesNotMatch(ensemble.log(sid, 100_000), /"level":"error"/, logsOf(ensemble));
  }
});
