/**
 * A frame from a server as text that is equal for two servers exactly when no client could tell the
 * frames apart. Zxids are counted from where the run began, sessions numbered as they came, times
 * reduced to "there is one"; names and ids are sorted, for ZooKeeper's order is that of a hash
 * table. Bytes that do not fit the layout are shown as they are. It reads for itself, without
 * node/jute.
 */
import { opName, type Part, replyOf, resultOf } from './operations.ts';

/** What differs between two servers by nature, translated. */
export interface Names {
  zxid(zxid: bigint): string;
  session(hex: string): string;
}

export const EVENT_XID = -1;

export interface Header {
  readonly xid: number;
  readonly zxid: bigint;
  readonly err: number;
}

export function headerOf(frame: Buffer): Header {
  return { xid: frame.readInt32BE(0), zxid: frame.readBigInt64BE(4), err: frame.readInt32BE(12) };
}

const HEADER_BYTES = 16;

export function eventText(frame: Buffer, names: Names): string {
  const { zxid, err } = headerOf(frame);
  const cursor = new Cursor(frame, HEADER_BYTES, names);
  const type = cursor.int();
  const state = cursor.int();
  const path = cursor.part('text');
  const head = `event type=${type} state=${state} path=${path}`;
  return `${head} zxid=${names.zxid(zxid)} err=${err}${cursor.rest()}`;
}

export function replyText(frame: Buffer, op: number, xidSent: number, names: Names): string {
  const { xid, zxid, err } = headerOf(frame);
  const oddXid = xid === xidSent ? '' : ` xid=${xid}`;
  const head = `${opName(op)} err=${err} zxid=${names.zxid(zxid)}${oddXid}`;
  const parts = err === 0 ? (replyOf(op) ?? []) : [];
  const cursor = new Cursor(frame, HEADER_BYTES, names);
  try {
    const texts = parts.map((part) => ` ${cursor.part(part)}`);
    return `${head}${texts.join('')}${cursor.rest()}`;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return `${head} undecodable (${reason}): ${frame.toString('hex', HEADER_BYTES)}`;
  }
}

class Cursor {
  private readonly frame: Buffer;
  private at: number;
  private readonly names: Names;

  constructor(frame: Buffer, at: number, names: Names) {
    this.frame = frame;
    this.at = at;
    this.names = names;
  }

  part(part: Part): string {
    switch (part) {
      case 'int':
        return String(this.int());
      case 'text':
      case 'bytes':
        return this.text();
      case 'stat':
        return this.stat();
      case 'acl':
        return this.vector(() => `${this.int()}:${this.text()}:${this.text()}`).join(',');
      case 'names':
        return `{${this.vector(() => this.text())
          .sort()
          .join(',')}}`;
      case 'ids':
        return this.vector(() => `${this.text()}:${this.text()}`)
          .sort()
          .join(',');
      case 'results':
        return this.results();
    }
  }

  /** What nobody has asked for, or ''. */
  rest(): string {
    const more = this.frame.toString('hex', this.at);
    return more === '' ? '' : ` and ${more}`;
  }

  int(): number {
    this.at += 4;
    return this.frame.readInt32BE(this.at - 4);
  }

  private long(): bigint {
    this.at += 8;
    return this.frame.readBigInt64BE(this.at - 8);
  }

  private bool(): number {
    this.at += 1;
    return this.frame.readUInt8(this.at - 1);
  }

  private text(): string {
    const length = this.int();
    if (length === -1) return 'null';
    if (length < 0 || this.at + length > this.frame.length) throw new Error(`length ${length}`);
    const bytes = this.frame.subarray(this.at, this.at + length);
    this.at += length;
    const text = bytes.toString('utf8');
    return Buffer.from(text, 'utf8').equals(bytes) ? JSON.stringify(text) : bytes.toString('hex');
  }

  private vector(item: () => string): string[] {
    const count = this.int();
    if (count < -1 || count > this.frame.length) throw new Error(`count ${count}`);
    return count === -1 ? ['null'] : Array.from({ length: count }, item);
  }

  private results(): string {
    const texts: string[] = [];
    for (;;) {
      const [type, done, err] = [this.int(), this.bool(), this.int()];
      if (done !== 0) return `[${texts.join('; ')}] end ${type} ${done} ${err}`;
      const parts = resultOf(type);
      if (parts === undefined) throw new Error(`result of type ${type}`);
      const values = parts.map((part) => this.part(part)).join(' ');
      texts.push(`${type}/${err} ${values}`.trimEnd());
    }
  }

  private stat(): string {
    const [czxid, mzxid] = [this.long(), this.long()];
    const [ctime, mtime] = [this.long(), this.long()];
    const versions = [this.int(), this.int(), this.int()].join('/');
    const owner = this.names.session(this.frame.toString('hex', this.at, this.at + 8));
    this.at += 8;
    const [length, children, pzxid] = [this.int(), this.int(), this.long()];
    const zxids = [czxid, mzxid, pzxid].map((zxid) => this.names.zxid(zxid)).join('/');
    const times = `${ctime === 0n ? 'never' : 'time'}/${mtime === 0n ? 'never' : 'time'}`;
    return `(cmp ${zxids} ${times} vca ${versions} ${owner} ${length} bytes ${children} children)`;
  }
}
