/**
 * What the leading peer publishes over one connection to the broker: first it finds out where the
 * stream of events stands (the cursor retained at the broker), then it publishes every committed
 * change after that, in zxid order, and moves the cursor as the broker acknowledges. When the
 * changes in between are not in the ring any more, or no cursor is found, it publishes the state
 * of the whole tree afresh as well.
 *
 * It lives as long as this connection and this leadership: a new connection trusts nothing but what
 * the broker retains, because a broker too may have lost its state or gone back in time.
 */

import type { Log } from '../core/log-sink.ts';
import { formatZxid, type Zxid } from '../core/zxid.ts';
import { type Cursor, decodeCursor } from './envelope.ts';
import type { MqttLink } from './link.ts';
import { OrphanSweep } from './orphan-sweep.ts';
import { type Item, PublishItems, type PublishItemsOptions } from './publish-items.ts';
import type { Suspects } from './suspects.ts';
import { cursorTopic } from './topics.ts';
import { Window } from './window.ts';

/** The leadership a publisher acts for. */
export interface Leadership {
  readonly epoch: number;
  /** The last transaction in the tree when this peer began to lead. */
  readonly zxid: Zxid;
}

export interface PublisherOptions extends PublishItemsOptions {
  readonly sid: number;
  readonly leadership: Leadership;
  /** What this peer has had acknowledged before, in this leadership. */
  readonly publishedTo: Zxid;
  readonly link: MqttLink;
  readonly suspects: Suspects;
  readonly log: Log;
  readonly onPublished: (zxid: Zxid) => void;
  readonly onResync: () => void;
}

export class Publisher {
  private readonly options: PublisherOptions;
  private readonly items: PublishItems;
  private readonly window: Window<Item>;
  private readonly sweep: OrphanSweep;
  private readonly cursorTopic: string;
  private cursorTimer: NodeJS.Timeout | undefined;
  private isWoken = false;
  private isOver = false;
  /** False until the cursor has been read, or waited for in vain. */
  private isPlaced = false;
  /** A suspect that waits until nothing else is in flight. */
  private held: Item | undefined;
  private isSuspectInFlight = false;
  private ackedTo: Zxid = 0;
  private ackedSinceCursor = 0;
  private cursorSent: Zxid = -1;
  private isCursorInFlight = false;
  /** A cursor is due at once, with this leader's epoch, so that an older leader stops. */
  private hasToClaim = false;
  private isCursorSentComplete = false;
  /** The end of the walk under way; undefined when the broker has the whole tree. */
  private awaitedMarker: string | undefined;

  constructor(options: PublisherOptions) {
    this.options = options;
    this.items = new PublishItems(options);
    this.cursorTopic = cursorTopic(options.base);
    this.window = new Window((item) => this.settled(item));
    this.sweep = new OrphanSweep(options, () => this.wake());
  }

  get hasEnded(): boolean {
    return this.isOver;
  }

  start(): void {
    this.options.link.subscribe(this.cursorTopic, 1, () => {
      if (this.isOver || this.isPlaced) return;
      this.cursorTimer = setTimeout(() => this.place(undefined), this.options.limits.cursorWaitMs);
    });
  }

  /** Ends it. Returns the keys of what was in flight. */
  end(): string[] {
    this.isOver = true;
    clearTimeout(this.cursorTimer);
    this.sweep.end();
    this.items.end();
    return this.window.pending().map((item) => item.key);
  }

  /** There may be something to publish. Publishes in a later turn, never in the caller's. */
  wake(): void {
    if (this.isWoken || this.isOver) return;
    this.isWoken = true;
    setImmediate(() => {
      this.isWoken = false;
      this.pump();
    });
  }

  heard(topic: string, payload: Uint8Array, isRetained: boolean): void {
    if (this.isOver) return;
    if (topic !== this.cursorTopic) {
      this.sweep.heard(topic, payload, isRetained);
      return;
    }
    const cursor = decodeCursor(payload);
    if (!this.isPlaced) this.place(cursor);
    else if (cursor !== undefined && !isRetained) this.heardCursor(cursor);
  }

  private heardCursor(cursor: Cursor): void {
    const { sid, leadership, log, link } = this.options;
    if (cursor.sid === sid) return;
    if (cursor.epoch < leadership.epoch) {
      // It may have overwritten newer state with older.
      this.resync('an earlier leader was still publishing', cursor.zxid, this.ackedTo);
      return;
    }
    log.warn('MQTT bridge: another leader publishes; this peer stops', {
      otherSid: cursor.sid,
      otherEpoch: cursor.epoch,
      epoch: leadership.epoch,
    });
    this.end();
    link.unsubscribe(this.cursorTopic);
  }

  private place(cursor: Cursor | undefined): void {
    clearTimeout(this.cursorTimer);
    this.isPlaced = true;
    const { ring, leadership, publishedTo, log } = this.options;
    const covered = ring.coveredAfter ?? leadership.zxid;
    const newest = Math.max(leadership.zxid, ring.lastZxid ?? 0);
    const from = cursor?.zxid;
    const isKnown = from !== undefined && from <= newest;
    if (isKnown && from >= covered && !cursor?.isResyncing) {
      log.info('MQTT bridge: publishing goes on after the cursor', { zxid: formatZxid(from) });
      this.ackedTo = from;
      this.hasToClaim = true;
      this.items.streamAfter(from);
      this.wake();
      return;
    }
    const start = Math.max(publishedTo, isKnown ? from : leadership.zxid);
    if (from === undefined) this.resync('no cursor at the broker', from, start);
    else if (!isKnown) this.resync('the cursor belongs to another history', from, start);
    else if (from < covered) {
      this.resync('the changes after the cursor are no longer kept', from, start);
    } else this.resync('the last one was not finished', from, start);
  }

  /** All retained state afresh, and the changes above `zxid` that are still kept. */
  private resync(reason: string, from: Zxid | undefined, zxid: Zxid): void {
    const { ring, leadership, log, onResync } = this.options;
    const start = Math.max(zxid, ring.coveredAfter ?? leadership.zxid);
    log.info('MQTT bridge: publishing the whole tree afresh', {
      reason,
      from: from === undefined ? 'none' : formatZxid(from),
      zxid: formatZxid(start),
    });
    onResync();
    this.held = undefined;
    this.ackedTo = start;
    this.hasToClaim = true;
    this.awaitedMarker = this.items.walkAndStreamAfter(start, reason, from);
    this.sweep.start();
    this.wake();
  }

  private pump(): void {
    try {
      this.publishWhileThereIsRoom();
    } catch (error) {
      // A bug here costs the connection, and is repaired by the resync of the next; never the peer.
      this.options.log.error('MQTT bridge: publishing failed', { reason: String(error) });
      this.options.link.drop('publishing failed');
    }
  }

  private publishWhileThereIsRoom(): void {
    const { link, suspects } = this.options;
    while (!this.isOver && this.isPlaced && link.hasRoom && !this.isSuspectInFlight) {
      const item = this.held ?? this.nextItem();
      this.held = undefined;
      if (item === undefined) return;
      const isSuspect = suspects.isSuspect(item.key);
      if (isSuspect && this.window.size > 0) {
        this.held = item;
        return;
      }
      this.isSuspectInFlight = isSuspect;
      this.send(item);
    }
  }

  private send(item: Item): void {
    const { link, suspects } = this.options;
    const acknowledge = this.window.add(item);
    if (item.topic === '' || suspects.isRefused(item.key)) {
      acknowledge();
      return;
    }
    link.publish(item.topic, item.payload, item.isRetained, () => {
      if (this.isOver) return;
      suspects.acknowledged(item.key);
      this.isSuspectInFlight = false;
      acknowledge();
      this.pump();
    });
  }

  private nextItem(): Item | undefined {
    const { limits, ring } = this.options;
    const isResyncing = this.awaitedMarker !== undefined || this.sweep.isActive;
    const isCursorNews =
      this.ackedTo > this.cursorSent || (!this.isCursorSentComplete && !isResyncing);
    const isCursorDue = isCursorNews && !this.isCursorInFlight;
    if (this.hasToClaim || (isCursorDue && this.ackedSinceCursor >= limits.cursorEveryChanges)) {
      return this.cursor(isResyncing);
    }
    const orphan = this.sweep.takeOrphan();
    if (orphan !== undefined) return this.items.clear(orphan);
    if (this.items.position < ring.first) {
      this.resync('changes came faster than the broker took them', this.ackedTo, this.ackedTo);
    }
    const item = this.items.take();
    if (item !== undefined) return item;
    return isCursorDue && this.window.size === 0 ? this.cursor(isResyncing) : undefined;
  }

  private cursor(isResyncing: boolean): Item {
    const { leadership, sid } = this.options;
    this.hasToClaim = false;
    this.cursorSent = this.ackedTo;
    this.isCursorSentComplete = !isResyncing;
    this.ackedSinceCursor = 0;
    this.isCursorInFlight = true;
    const { epoch } = leadership;
    return this.items.cursor({ zxid: this.ackedTo, epoch, sid, isResyncing });
  }

  private settled(item: Item): void {
    if (item.topic === this.cursorTopic) this.isCursorInFlight = false;
    if (item.key === this.awaitedMarker) this.awaitedMarker = undefined;
    if (item.completes === undefined) return;
    this.ackedSinceCursor += 1;
    this.ackedTo = Math.max(this.ackedTo, item.completes);
    this.options.onPublished(this.ackedTo);
  }
}
