/**
 * One server, or one ensemble, under test: a connection with a session for each slot, and what came
 * of a step as lines of text. Two targets that behave alike yield equal lines for equal steps.
 */
import { until } from '../helpers/processes.ts';
import { WireClient } from '../helpers/wire-client.ts';
import { encodeConnect, encodeFrame, type Request } from './fields.ts';
import { EVENT_XID, eventText, headerOf, type Names, replyText } from './normal-form.ts';
import { fixedXid, mayClose, Op } from './operations.ts';
import type { Step } from './steps.ts';

const TIMEOUT_MS = 120_000;
const SYNCS_MAX = 10_000;
const NO_SESSION = '0'.repeat(16);
const NO_PASSWORD = '0'.repeat(32);
const PING: Request = { op: Op.ping, fields: [] };

interface Slot {
  readonly port: number;
  client: WireClient;
  sessionHex: string;
  passwordHex: string;
  lastXid: number;
}

/** The connect response, as far as it is the same for two servers. */
interface Welcome {
  readonly text: string;
  readonly isValid: boolean;
  readonly sessionHex: string;
  readonly passwordHex: string;
}

export class Target implements Names {
  private readonly ports: readonly number[];
  private readonly slots = new Map<number, Slot>();
  private readonly sessions: string[] = [];
  private baseZxid = 0n;
  private lastZxid = 0n;

  /** Slot i connects to `ports[i % ports.length]`. */
  constructor(ports: readonly number[]) {
    this.ports = ports;
  }

  get isEnsemble(): boolean {
    return this.ports.length > 1;
  }

  /** Forgets the numbering of the last run; zxids count from the last one seen. */
  rebase(): void {
    this.sessions.length = 0;
    for (const { sessionHex } of this.slots.values()) this.sessions.push(sessionHex);
    this.baseZxid = this.lastZxid;
  }

  zxid(zxid: bigint): string {
    return zxid === 0n || zxid === -1n ? String(zxid) : `z${zxid - this.baseZxid}`;
  }

  session(hex: string): string {
    if (hex === NO_SESSION) return 'nobody';
    const index = this.sessions.indexOf(hex);
    return index === -1 ? hex : `session${index}`;
  }

  async open(slotNumber: number): Promise<string[]> {
    const port = this.ports[slotNumber % this.ports.length] ?? 0;
    const client = await WireClient.open(port);
    const slot = { port, client, sessionHex: '', passwordHex: '', lastXid: 0 };
    this.slots.set(slotNumber, slot);
    return [await this.begin(slot)];
  }

  /** Ends the slot's session, if it has one. */
  async close(slotNumber: number): Promise<void> {
    const slot = this.slots.get(slotNumber);
    if (slot === undefined) return;
    this.slots.delete(slotNumber);
    await this.exchange(slot, [{ op: Op.closeSession, fields: [] }]);
    slot.client.drop();
  }

  drop(): void {
    for (const { client } of this.slots.values()) client.drop();
    this.slots.clear();
  }

  async perform(step: Step): Promise<string[]> {
    const slot = this.slots.get(step.slot);
    if (slot === undefined) throw new Error(`slot ${step.slot} is not open`);
    const before = this.isEnsemble ? await this.flush(slot) : [];
    switch (step.kind) {
      case 'requests':
        return [...before, ...(await this.requests(slot, step.requests))];
      case 'reconnect':
        slot.client.drop();
        return [...before, ...(await this.resume(slot))];
      case 'steal': {
        const old = slot.client;
        const lines = await this.resume(slot);
        await old.closed();
        return [...before, ...lines, 'the old connection is closed'];
      }
      case 'impostor': {
        // ZooKeeper hangs up on the owner before it looks at the password: he is not there.
        slot.client.drop();
        const line = await this.impostor(slot, step.how);
        return [...before, line, ...(await this.resume(slot))];
      }
    }
  }

  /** Replies and events up to the last reply, as bytes. */
  async call(slotNumber: number, request: Request): Promise<string> {
    const slot = this.slots.get(slotNumber);
    if (slot === undefined) throw new Error(`slot ${slotNumber} is not open`);
    if (this.isEnsemble) await this.flush(slot);
    return (await this.exchange(slot, [request])).join('\n');
  }

  /**
   * In an ensemble: what others have written is here before the next request. A sync alone does not
   * see to that on a leader of ZooKeeper, so it is repeated until the last zxid shows. The events
   * that came meanwhile.
   */
  private async flush(slot: Slot): Promise<string[]> {
    const sync: Request = { op: Op.sync, fields: [['text', '/']] };
    const events: string[] = [];
    for (let tries = 0; tries < SYNCS_MAX; tries += 1) {
      const lines = await this.exchange(slot, [sync]);
      events.push(...lines.slice(0, -1));
      const last = lines.at(-1) ?? CLOSED;
      if (last === CLOSED) return [...events, CLOSED];
      if (last.includes(` zxid=${this.zxid(this.lastZxid)} `)) return events;
    }
    throw new Error(`port ${slot.port} does not come to ${this.zxid(this.lastZxid)}`);
  }

  private async requests(slot: Slot, requests: readonly Request[]): Promise<string[]> {
    const lines = await this.exchange(slot, requests);
    if (lines.at(-1) !== CLOSED && requests.some((it) => closes(it, lines.at(-1) ?? ''))) {
      lines.push((await isClosedSoon(slot.client)) ? CLOSED : 'still open');
    }
    if (lines.at(-1) === CLOSED) lines.push(...(await this.resume(slot)));
    return lines;
  }

  private async exchange(slot: Slot, requests: readonly Request[]): Promise<string[]> {
    const lines: string[] = [];
    const sent = requests.map((request) => {
      const xid = fixedXid(request.op) ?? ++slot.lastXid;
      return { xid, op: request.op, bytes: encodeFrame(xid, request, this.lastZxid) };
    });
    slot.client.sendRaw(Buffer.concat(sent.map(({ bytes }) => bytes)));
    for (let answered = 0; answered < sent.length; ) {
      const frame = await slot.client.frame();
      if (frame === null) {
        lines.push(CLOSED);
        break;
      }
      const { xid, zxid } = headerOf(frame);
      if (zxid > this.lastZxid) this.lastZxid = zxid;
      const request = sent[answered];
      if (xid === EVENT_XID || request === undefined) {
        lines.push(eventText(frame, this));
        continue;
      }
      lines.push(replyText(frame, request.op, request.xid, this));
      answered += 1;
    }
    return lines;
  }

  /** A connection with the slot's session, or a new session when that one is over. */
  private async resume(slot: Slot): Promise<string[]> {
    slot.client = await WireClient.open(slot.port);
    const welcome = await this.greet(slot.client, slot.sessionHex, slot.passwordHex, 0n);
    slot.lastXid = 0;
    if (welcome?.isValid) return [`resumed ${welcome.text}`];
    const refused = `refused ${welcome?.text ?? CLOSED}`;
    if (welcome !== null) await slot.client.closed();
    slot.client = await WireClient.open(slot.port);
    return [refused, await this.begin(slot)];
  }

  private async begin(slot: Slot): Promise<string> {
    const welcome = await this.greet(slot.client, NO_SESSION, NO_PASSWORD, 0n);
    if (welcome === null || !welcome.isValid) throw new Error('no new session');
    this.sessions.push(welcome.sessionHex);
    slot.sessionHex = welcome.sessionHex;
    slot.passwordHex = welcome.passwordHex;
    slot.lastXid = 0;
    const [pong] = await this.exchange(slot, [PING]);
    return `began ${this.session(welcome.sessionHex)} ${pong}`;
  }

  /** Somebody who must not get the session, on a connection of his own. */
  private async impostor(slot: Slot, how: 'password' | 'unknown' | 'ahead'): Promise<string> {
    const client = await WireClient.open(slot.port);
    const session = how === 'unknown' ? '00000000deadbeef' : slot.sessionHex;
    const password = how === 'ahead' ? slot.passwordHex : 'ab'.repeat(16);
    const ahead = how === 'ahead' ? this.lastZxid + 1_000_000n : 0n;
    const welcome = await this.greet(client, session, password, ahead);
    await client.closed();
    return `${how}: ${welcome?.text ?? CLOSED}`;
  }

  private async greet(
    client: WireClient,
    sessionHex: string,
    passwordHex: string,
    lastZxidSeen: bigint,
  ): Promise<Welcome | null> {
    client.sendRaw(encodeConnect(sessionHex, passwordHex, lastZxidSeen, TIMEOUT_MS));
    const frame = await client.frame();
    if (frame === null) return null;
    const version = frame.readInt32BE(0);
    const timeoutMs = frame.readInt32BE(4);
    const granted = frame.toString('hex', 8, 16);
    const password = frame.toString('hex', 20, 36);
    const tail = frame.toString('hex', 36);
    const who = timeoutMs === 0 ? `${granted} ${password}` : this.session(granted);
    // A new session is not numbered yet.
    const whom = sessionHex === NO_SESSION ? '' : who;
    const text = `version ${version}, ${timeoutMs} ms, ${whom} ${tail}`;
    return { text, isValid: timeoutMs > 0, sessionHex: granted, passwordHex: password };
  }
}

const CLOSED = 'closed';
const CLOSE_TIMEOUT_MS = 2000;

/** Whether a server ends the connection behind this reply. */
function closes(request: Request, reply: string): boolean {
  return mayClose(request) && !(request.op === Op.auth && reply.includes(' err=0 '));
}

async function isClosedSoon(client: WireClient): Promise<boolean> {
  try {
    await until('the connection to be closed', CLOSE_TIMEOUT_MS, () => !client.isOpen);
    return true;
  } catch {
    return false;
  }
}
