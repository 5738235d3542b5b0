/**
 * A request as a list of typed fields, and its bytes. This is an encoder of its own, apart from
 * node/jute, so that a mistake in the product's codec cannot hide itself by being made on both
 * sides; and it can write what no client would send.
 */

/** Permissions, scheme and id; null stands for a null ustring. */
export type AclEntry = readonly [perms: number, scheme: string | null, id: string | null];

export type Field =
  | readonly ['int', number]
  | readonly ['long', bigint]
  /** Any byte, legal or not. */
  | readonly ['bool', number]
  | readonly ['text', string | null]
  /** Hexadecimal. */
  | readonly ['bytes', string | null]
  | readonly ['acl', readonly AclEntry[] | null]
  | readonly ['texts', readonly string[] | null]
  /** The zxid so many transactions before the last one that this server has shown. */
  | readonly ['zxidBack', number]
  /** Hexadecimal, with no length before it. */
  | readonly ['raw', string];

export interface Request {
  readonly op: number;
  readonly fields: readonly Field[];
}

/** The frame with its length. */
export function encodeFrame(xid: number, request: Request, lastZxid: bigint): Buffer {
  const body = [int(xid), int(request.op), ...request.fields.map((it) => encode(it, lastZxid))];
  return withLength(Buffer.concat(body));
}

/** The first frame of a connection. */
export function encodeConnect(
  sessionHex: string,
  passwordHex: string | null,
  lastZxidSeen: bigint,
  timeoutMs: number,
): Buffer {
  const session = Buffer.from(sessionHex, 'hex');
  const head = [int(0), long(lastZxidSeen), int(timeoutMs), session];
  return withLength(Buffer.concat([...head, bytes(passwordHex), Buffer.from([0])]));
}

function encode(field: Field, lastZxid: bigint): Buffer {
  switch (field[0]) {
    case 'int':
      return int(field[1]);
    case 'long':
      return long(field[1]);
    case 'bool':
      return Buffer.from([field[1]]);
    case 'text':
      return text(field[1]);
    case 'bytes':
      return bytes(field[1]);
    case 'acl':
      return vector(field[1], ([perms, scheme, id]) =>
        Buffer.concat([int(perms), text(scheme), text(id)]),
      );
    case 'texts':
      return vector(field[1], text);
    case 'zxidBack':
      return long(lastZxid - BigInt(field[1]));
    case 'raw':
      return Buffer.from(field[1], 'hex');
  }
}

function int(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeInt32BE(value);
  return buffer;
}

function long(value: bigint): Buffer {
  const buffer = Buffer.alloc(8);
  buffer.writeBigInt64BE(value);
  return buffer;
}

function bytes(hex: string | null): Buffer {
  if (hex === null) return int(-1);
  const content = Buffer.from(hex, 'hex');
  return Buffer.concat([int(content.length), content]);
}

function text(value: string | null): Buffer {
  return value === null ? int(-1) : withLength(Buffer.from(value, 'utf8'));
}

function vector<T>(items: readonly T[] | null, item: (value: T) => Buffer): Buffer {
  return items === null ? int(-1) : Buffer.concat([int(items.length), ...items.map(item)]);
}

function withLength(content: Buffer): Buffer {
  return Buffer.concat([int(content.length), content]);
}
