/**
 * QuorumPacket, the one record of the quorum port (2888), and the messages it carries:
 *
 *   int type · long zxid · buffer data · vector<Id> authinfo
 *
 * PING and REVALIDATE have one number and two meanings, so a decoder is told which side it hears.
 * FOLLOWERINFO, LEADERINFO and ACKEPOCH may carry bytes behind their fields, where peers of one
 * kind tell each other more; whoever does not know them skips them, as Apache ZooKeeper does.
 */
import { assertNever } from '../core/invariant.ts';
import type { Id } from '../core/tree/acl.ts';
import { PacketType, type SessionTouch, type ZabMessage } from '../core/zab/messages.ts';
import { counterOf, epochOf, makeZxid, type Zxid } from '../core/zxid.ts';
import { JuteError } from './errors.ts';
import { JuteReader } from './reader.ts';
import { readIds, writeIds } from './records.ts';
import type { JuteWriter } from './writer.ts';
import { readZxid } from './zxid-field.ts';

/** The zxid of packets that are about none. */
const NO_ZXID = -1;
const NO_DATA = new Uint8Array(0);

/**
 * Appends the packet of `message` and returns the writer. A snap message yields its packet only:
 * the tree that follows on the stream is `snapshotChunks`.
 */
export function encodeMessage(writer: JuteWriter, message: ZabMessage): JuteWriter {
  switch (message.type) {
    case 'learnerInfo': {
      const type = message.isObserver ? PacketType.observerInfo : PacketType.followerInfo;
      head(writer, type, makeZxid(message.acceptedEpoch, 0)).int(20);
      writer.long(message.sid).int(message.protocolVersion).long(message.configVersion);
      return noIds(writer);
    }
    case 'leaderInfo':
      head(writer, PacketType.leaderInfo, makeZxid(message.epoch, 0)).int(4);
      return noIds(writer.int(message.protocolVersion));
    case 'ackEpoch':
      head(writer, PacketType.ackEpoch, message.lastZxid).int(4);
      return noIds(writer.int(message.currentEpoch));
    case 'diff':
      return packet(writer, PacketType.diff, message.zxid, null);
    case 'trunc':
      return packet(writer, PacketType.trunc, message.zxid, null);
    case 'snap':
      return packet(writer, PacketType.snap, message.zxid, null);
    case 'proposal':
      return packet(writer, PacketType.proposal, message.zxid, message.txn);
    case 'ack':
      return packet(writer, PacketType.ack, message.zxid, null);
    case 'commit':
      return packet(writer, PacketType.commit, message.zxid, null);
    case 'inform':
      return packet(writer, PacketType.inform, message.zxid, message.txn);
    case 'newLeader': {
      const config = message.config === '' ? null : Buffer.from(message.config, 'utf8');
      return packet(writer, PacketType.newLeader, makeZxid(message.epoch, 0), config);
    }
    case 'upToDate':
      return packet(writer, PacketType.upToDate, NO_ZXID, null);
    case 'ping':
      return encodePing(writer, message.zxid, message.sessions);
    case 'revalidate':
      head(writer, PacketType.revalidate, NO_ZXID).int(12);
      return noIds(writer.session(message.session).int(message.timeoutMs));
    case 'revalidated':
      head(writer, PacketType.revalidate, NO_ZXID).int(9);
      return noIds(writer.session(message.session).boolean(message.isValid));
    case 'request':
      head(writer, PacketType.request, NO_ZXID).int(16 + message.body.length);
      writer.session(message.session).int(message.cxid).int(message.opCode).raw(message.body);
      writeIds(writer, message.ids);
      return writer;
    case 'sync':
      return packet(writer, PacketType.sync, 0, null);
    case 'activate': {
      const { txn } = message;
      const type = txn === null ? PacketType.commitAndActivate : PacketType.informAndActivate;
      head(writer, type, message.zxid).int(8 + (txn?.length ?? 0));
      return noIds(writer.long(message.designatedLeader).raw(txn ?? NO_DATA));
    }
    default:
      return assertNever(message, 'message');
  }
}

/**
 * An Apache leader reads the data of a learner's PING without asking whether there is any, so no
 * sessions is an empty buffer, never a null one.
 */
function encodePing(writer: JuteWriter, zxid: Zxid, sessions: readonly SessionTouch[]): JuteWriter {
  head(writer, PacketType.ping, zxid).int(12 * sessions.length);
  for (const touch of sessions) writer.session(touch.session).int(touch.timeoutMs);
  return noIds(writer);
}

function packet(writer: JuteWriter, type: number, zxid: Zxid, data: Uint8Array | null): JuteWriter {
  return noIds(head(writer, type, zxid).buffer(data));
}

function head(writer: JuteWriter, type: number, zxid: Zxid): JuteWriter {
  return writer.int(type).long(zxid);
}

function noIds(writer: JuteWriter): JuteWriter {
  return writer.int(-1);
}

/** One whole packet that a learner sent. Byte arrays in the message are views of `bytes`. */
export function decodeFromLearner(bytes: Buffer): ZabMessage {
  const { type, zxid, data, ids } = open(bytes);
  switch (type) {
    case PacketType.followerInfo:
    case PacketType.observerInfo: {
      const reader = fieldsOf(data, 'FOLLOWERINFO');
      return {
        type: 'learnerInfo',
        isObserver: type === PacketType.observerInfo,
        acceptedEpoch: epochIn(zxid, 'FOLLOWERINFO'),
        sid: reader.long(),
        protocolVersion: reader.remaining > 0 ? reader.int() : 1,
        configVersion: reader.remaining > 0 ? readZxid(reader, 'config version') : 0,
      };
    }
    case PacketType.ackEpoch: {
      const currentEpoch = fieldsOf(data, 'ACKEPOCH').int();
      if (currentEpoch < -1) throw new JuteError(`currentEpoch ${currentEpoch} is negative`);
      return { type: 'ackEpoch', lastZxid: zxid, currentEpoch };
    }
    case PacketType.ack:
      return { type: 'ack', zxid };
    case PacketType.ping:
      return { type: 'ping', zxid, sessions: touchesIn(data) };
    case PacketType.revalidate: {
      const reader = fieldsOf(data, 'REVALIDATE');
      const session = reader.session();
      const timeoutMs = reader.int();
      reader.finish('REVALIDATE');
      return { type: 'revalidate', session, timeoutMs };
    }
    case PacketType.request: {
      const reader = fieldsOf(data, 'REQUEST');
      const session = reader.session();
      const cxid = reader.int();
      const opCode = reader.int();
      return { type: 'request', session, cxid, opCode, body: reader.rest(), ids };
    }
    default:
      throw new JuteError(`a learner does not send packets of type ${type}`);
  }
}

/**
 * One whole packet that a leader sent. A snap comes out without its image: the stream fills it in.
 */
export function decodeFromLeader(bytes: Buffer): ZabMessage {
  const { type, zxid, data } = open(bytes);
  switch (type) {
    case PacketType.leaderInfo: {
      const epoch = epochIn(zxid, 'LEADERINFO');
      return { type: 'leaderInfo', epoch, protocolVersion: fieldsOf(data, 'LEADERINFO').int() };
    }
    case PacketType.diff:
      return { type: 'diff', zxid };
    case PacketType.trunc:
      return { type: 'trunc', zxid };
    case PacketType.snap:
      return { type: 'snap', zxid, image: null };
    case PacketType.proposal:
      return { type: 'proposal', zxid, txn: dataOf(data, 'PROPOSAL') };
    case PacketType.commit:
      return { type: 'commit', zxid };
    case PacketType.inform:
      return { type: 'inform', zxid, txn: dataOf(data, 'INFORM') };
    case PacketType.newLeader: {
      const config = data === null ? '' : data.toString('utf8');
      return { type: 'newLeader', epoch: epochIn(zxid, 'NEWLEADER'), config };
    }
    case PacketType.upToDate:
      return { type: 'upToDate' };
    case PacketType.ping:
      return { type: 'ping', zxid, sessions: [] };
    case PacketType.revalidate: {
      const reader = fieldsOf(data, 'REVALIDATE');
      const session = reader.session();
      const isValid = reader.boolean();
      reader.finish('REVALIDATE');
      return { type: 'revalidated', session, isValid };
    }
    case PacketType.sync:
      return { type: 'sync' };
    case PacketType.commitAndActivate: {
      const reader = fieldsOf(data, 'COMMITANDACTIVATE');
      const designatedLeader = reader.long();
      reader.finish('COMMITANDACTIVATE');
      return { type: 'activate', zxid, designatedLeader, txn: null };
    }
    case PacketType.informAndActivate: {
      const reader = fieldsOf(data, 'INFORMANDACTIVATE');
      return { type: 'activate', zxid, designatedLeader: reader.long(), txn: reader.rest() };
    }
    default:
      throw new JuteError(`a leader does not send packets of type ${type}`);
  }
}

interface Packet {
  readonly type: number;
  readonly zxid: Zxid;
  readonly data: Buffer | null;
  readonly ids: readonly Id[];
}

function open(bytes: Buffer): Packet {
  const reader = new JuteReader(bytes);
  const type = reader.int();
  const zxid = readZxid(reader, 'packet zxid');
  const data = reader.bufferOrNull();
  const ids = readIds(reader);
  reader.finish('QuorumPacket');
  return { type, zxid, data, ids };
}

function fieldsOf(data: Buffer | null, name: string): JuteReader {
  return new JuteReader(dataOf(data, name));
}

function dataOf(data: Buffer | null, name: string): Buffer {
  if (data === null) throw new JuteError(`${name} without data`);
  return data;
}

function epochIn(zxid: Zxid, name: string): number {
  if (zxid < 0 || counterOf(zxid) !== 0) throw new JuteError(`${name} zxid is not (epoch, 0)`);
  return epochOf(zxid);
}

function touchesIn(data: Buffer | null): SessionTouch[] {
  const touches: SessionTouch[] = [];
  if (data === null) return touches;
  const reader = new JuteReader(data);
  while (reader.remaining > 0) {
    touches.push({ session: reader.session(), timeoutMs: reader.int() });
  }
  return touches;
}
