/**
 * The election port (3888): the message that opens a connection and the notifications after it
 * (QuorumCnxManager and FastLeaderElection of Apache ZooKeeper). The length in front of a
 * notification is the port's business; here is the body.
 *
 *   int state · long leader · long zxid · long electionEpoch         28 bytes: before 3.4
 *   long peerEpoch · 4 bytes                                         40 bytes: before 3.4.6
 *   long peerEpoch · int version · int length · config               44 + n bytes: today
 */
import { type Notification, PeerState } from '../core/zab/vote.ts';
import { epochOf } from '../core/zxid.ts';
import { JuteError } from './errors.ts';
import { JuteReader } from './reader.ts';
import { JuteWriter } from './writer.ts';
import { readVoteZxid } from './zxid-field.ts';

/** The largest notification a peer sends or takes (PACKETMAXSIZE). */
export const NOTIFICATION_BYTES_MAX = 512 * 1024;

const BODY_BYTES_OLDEST = 28;
const BODY_BYTES_OLD = 40;
const BODY_BYTES_MIN = 44;
/** The version whose config field this code knows to be the last field. */
const VERSION = 2;

/** The body of a notification; always as version 2, whatever `notification.version` says. */
export function encodeNotification(notification: Notification): Buffer {
  const config = Buffer.from(notification.config, 'utf8');
  return new JuteWriter(BODY_BYTES_MIN + config.length)
    .int(notification.state)
    .long(notification.leader)
    .long(notification.zxid)
    .long(notification.electionEpoch)
    .long(notification.peerEpoch)
    .int(VERSION)
    .buffer(config)
    .take();
}

/** Throws JuteError when `body` is no notification of any generation. */
export function decodeNotification(body: Buffer): Notification {
  const size = body.length;
  if (size !== BODY_BYTES_OLDEST && size !== BODY_BYTES_OLD && size < BODY_BYTES_MIN) {
    throw new JuteError(`a notification has 28, 40 or at least 44 bytes, not ${size}`);
  }
  const reader = new JuteReader(body);
  const state = stateOf(reader.int());
  const leader = reader.long();
  const zxid = readVoteZxid(reader, 'notification zxid');
  const electionEpoch = reader.long();
  if (size === BODY_BYTES_OLDEST) {
    const peerEpoch = epochOf(zxid);
    return { state, leader, zxid, electionEpoch, peerEpoch, version: 0, config: '' };
  }
  const peerEpoch = reader.long();
  const version = size === BODY_BYTES_OLD ? 0 : reader.int();
  const config = version >= VERSION ? reader.string() : '';
  if (version === VERSION) reader.finish('notification');
  return { state, leader, zxid, electionEpoch, peerEpoch, version, config };
}

function stateOf(value: number): PeerState {
  for (const state of Object.values(PeerState)) if (state === value) return state;
  throw new JuteError(`notification state ${value} is none of 0, 1, 2, 3`);
}
