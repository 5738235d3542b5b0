/**
 * The message that opens a connection to the election port: who dials, and where it listens.
 *
 *   long -65536 · long sid · int length · "host:port"            since ZooKeeper 3.5
 *   long -65535 · long sid · int length · "host:port|host:port"  with multiAddress.enabled
 *   long sid                                                     before 3.5
 */
import { JuteError } from './errors.ts';
import { JuteReader } from './reader.ts';
import { JuteWriter } from './writer.ts';

const PROTOCOL_ONE_ADDRESS = -65536;
const PROTOCOL_MANY_ADDRESSES = -65535;
const ADDRESS_BYTES_MAX = 2048;
const HEAD_BYTES = 20;

/** The most that an initial message can take on the wire. */
export const INITIAL_MESSAGE_BYTES_MAX = HEAD_BYTES + ADDRESS_BYTES_MAX;

export interface ElectionAddress {
  readonly host: string;
  readonly port: number;
}

export interface InitialMessage {
  /** Null from an observer without an id of its own (Long.MAX_VALUE on the wire). */
  readonly sid: number | null;
  /** Where the dialling peer says it listens; empty from a peer before 3.5. */
  readonly addresses: readonly ElectionAddress[];
  /** The bytes that the message took. */
  readonly bytesUsed: number;
}

/** `address` is the dialling peer's own `host:port`, IPv6 in brackets. */
export function encodeInitialMessage(sid: number, address: string): Buffer {
  return new JuteWriter()
    .long(PROTOCOL_ONE_ADDRESS)
    .long(sid)
    .buffer(Buffer.from(address, 'utf8'))
    .take();
}

/** The message at the start of `bytes`, or null while more bytes are needed. */
export function readInitialMessage(bytes: Buffer): InitialMessage | null {
  if (bytes.length < 8) return null;
  const reader = new JuteReader(bytes);
  const first = readSid(reader);
  if (first === null || first >= 0) return { sid: first, addresses: [], bytesUsed: 8 };
  if (first !== PROTOCOL_ONE_ADDRESS && first !== PROTOCOL_MANY_ADDRESSES) {
    throw new JuteError(`protocol version ${first} of an election peer is unknown`);
  }
  if (bytes.length < HEAD_BYTES) return null;
  const sid = readSid(reader);
  const length = reader.int();
  if (length <= 0 || length > ADDRESS_BYTES_MAX) {
    throw new JuteError(`election address of ${length} bytes: 1 to ${ADDRESS_BYTES_MAX} expected`);
  }
  if (bytes.length < HEAD_BYTES + length) return null;
  const text = bytes.toString('utf8', HEAD_BYTES, HEAD_BYTES + length);
  const addresses = text.split('|').map(parseAddress);
  return { sid, addresses, bytesUsed: HEAD_BYTES + length };
}

/** `host:port` or `[v6]:port`. */
function parseAddress(text: string): ElectionAddress {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host === undefined || port > 65535) {
    throw new JuteError(`election address ${JSON.stringify(text)} is not host:port`);
  }
  return { host, port };
}

/** Read exactly: no other 64-bit value may round to Long.MAX_VALUE. */
function readSid(reader: JuteReader): number | null {
  const id = reader.session();
  if (id.hi === 0x7fffffff && id.lo === -1) return null;
  return Number(id.toBigInt());
}
