/**
 * One direction of a connection to the quorum port: QuorumPackets back to back, without lengths,
 * and behind a SNAP the tree itself. Chunks may be cut anywhere. A packet is bounded, a tree is
 * handed on as it arrives, and no byte is looked at more than a few times.
 */
import { invariant } from '../core/invariant.ts';
import type { SnapMessage, ZabMessage } from '../core/zab/messages.ts';
import { JuteError } from './errors.ts';
import { Inflow } from './inflow.ts';
import { decodeFromLeader, decodeFromLearner } from './quorum-packet.ts';
import { type Layout, RecordScanner } from './record-scanner.ts';
import { SnapshotBody, type SnapshotSink } from './snapshot-body.ts';

export interface QuorumStreamOptions {
  /** Who is at the other end. */
  readonly from: 'leader' | 'learner';
  /** The most a packet, or a record of a snapshot, may take. */
  readonly packetBytesMax: number;
  /** A place for the tree behind a SNAP. Not called for a stream from a learner. */
  readonly newImage: () => SnapshotSink;
}

/** int type, long zxid, buffer data, vector<Id> authinfo. */
const PACKET: Layout = { name: 'QuorumPacket', head: [12, 'bytes'], items: ['bytes', 'bytes'] };

export class QuorumStream {
  private readonly options: QuorumStreamOptions;
  private readonly scanner: RecordScanner;
  private readonly inflow = new Inflow();
  private snap: { message: SnapMessage; sink: SnapshotSink; body: SnapshotBody } | null = null;
  private hasFailed = false;

  constructor(options: QuorumStreamOptions) {
    this.options = options;
    this.scanner = new RecordScanner(PACKET, options.packetBytesMax);
  }

  /** Bytes that wait for the rest of their packet. */
  get buffered(): number {
    return this.inflow.length;
  }

  /** True while a tree is coming in: messages are held up behind it. */
  get isInSnapshot(): boolean {
    return this.snap !== null;
  }

  /** Takes a chunk over. Call `next` until it says null before the next chunk. */
  push(chunk: Buffer): void {
    this.inflow.push(chunk);
  }

  /**
   * The next message, or null until more bytes arrive. Throws JuteError on bytes that are no
   * packet of this direction; the connection is then of no use any more. Byte arrays in the
   * message are views of the chunks.
   */
  next(): ZabMessage | null {
    invariant(!this.hasFailed, 'a stream that has failed is not read again');
    try {
      return this.parse();
    } catch (error) {
      this.hasFailed = true;
      this.inflow.clear();
      throw error;
    }
  }

  private parse(): ZabMessage | null {
    if (this.snap !== null) return this.continueSnapshot();
    const { inflow } = this;
    const length = this.scanner.scan(inflow.bytes, inflow.start, inflow.end);
    if (length === null) return null;
    const packet = inflow.take(length);
    if (this.options.from === 'learner') return decodeFromLearner(packet);
    const message = decodeFromLeader(packet);
    if (message.type !== 'snap') return message;
    if (message.zxid < 0) throw new JuteError('SNAP without a zxid');
    const sink = this.options.newImage();
    const body = new SnapshotBody(sink, this.options.packetBytesMax);
    this.snap = { message, sink, body };
    return this.continueSnapshot();
  }

  private continueSnapshot(): ZabMessage | null {
    const { snap } = this;
    if (snap === null || !snap.body.take(this.inflow)) return null;
    this.snap = null;
    return { ...snap.message, image: snap.sink.finish(snap.message.zxid) };
  }
}
