/**
 * Turns the ring and the tree into the packets a leader publishes, in order, one at a time as the
 * window opens: for each change its retained state, then its event; during a resync the state of
 * every znode in between.
 */
import type { Zxid } from '../core/zxid.ts';
import type { ChangeRing } from './change-ring.ts';
import {
  type CommittedChange,
  isPublishedPath,
  type TreeSource,
  type ZnodeState,
} from './committed-change.ts';
import { type Cursor, encodeCursor, encodeEvent, encodeResync, encodeState } from './envelope.ts';
import type { BridgeLimits } from './limits.ts';
import { cursorTopic, eventTopic, stateTopic } from './topics.ts';

export interface Item {
  /** Empty in a marker, which is not published and only `completes`. */
  readonly topic: string;
  readonly payload: string;
  readonly isRetained: boolean;
  /** Names the item across connections, for the list of suspects. */
  readonly key: string;
  /** With its PUBACK, and those of all before it, everything up to this zxid is published. */
  readonly completes?: Zxid;
}

export interface PublishItemsOptions {
  readonly base: string;
  readonly ring: ChangeRing;
  readonly source: TreeSource;
  readonly limits: BridgeLimits;
}

export class PublishItems {
  private readonly options: PublishItemsOptions;
  /** The next change to publish, as a sequence number of the ring. */
  private next = 0;
  private isStateTaken = false;
  private resyncEvent: Item | undefined;
  private walk: Iterator<ZnodeState> | undefined;
  private walkZxid: Zxid = 0;
  private walks = 0;
  private isWalkTurn = false;
  /** The walk publishes state at least as new as this; older changes are events only. */
  private walkCoversTo: Zxid = 0;

  constructor(options: PublishItemsOptions) {
    this.options = options;
  }

  get position(): number {
    return this.next;
  }

  streamAfter(zxid: Zxid): void {
    this.next = this.options.ring.seqAfter(zxid);
    this.isStateTaken = false;
  }

  /**
   * The whole tree, and beside it the changes above `zxid`. Returns the key of the marker that
   * follows the last znode.
   */
  walkAndStreamAfter(zxid: Zxid, reason: string, from: Zxid | undefined): string {
    const { base, ring, source } = this.options;
    this.end();
    this.walks += 1;
    this.streamAfter(zxid);
    this.resyncEvent = {
      topic: `${base}/event`,
      payload: encodeResync(reason, from, zxid),
      isRetained: false,
      key: `resync@${zxid}`,
    };
    this.walk = source.nodes()[Symbol.iterator]();
    this.walkZxid = zxid;
    this.walkCoversTo = Math.max(zxid, ring.lastZxid ?? 0);
    return this.markerKey();
  }

  /** The next item of the resync or of the stream; undefined when all has been taken. */
  take(): Item | undefined {
    const { resyncEvent } = this;
    this.resyncEvent = undefined;
    if (resyncEvent !== undefined) return resyncEvent;
    // In turns: a long walk must not let the ring overrun the stream.
    this.isWalkTurn = !this.isWalkTurn;
    if (this.isWalkTurn) return this.takeWalked() ?? this.takeStreamed();
    return this.takeStreamed() ?? this.takeWalked();
  }

  clear(topic: string): Item {
    return { topic, payload: '', isRetained: true, key: `orphan@${topic}` };
  }

  cursor(cursor: Cursor): Item {
    const topic = cursorTopic(this.options.base);
    const payload = encodeCursor(cursor);
    return { topic, payload, isRetained: true, key: `cursor@${cursor.zxid}` };
  }

  end(): void {
    this.walk?.return?.();
    this.walk = undefined;
  }

  private takeWalked(): Item | undefined {
    const { base, limits } = this.options;
    while (this.walk !== undefined) {
      const step = this.walk.next();
      if (step.done) {
        this.walk = undefined;
        return {
          topic: '',
          payload: '',
          isRetained: false,
          key: this.markerKey(),
          completes: this.walkZxid,
        };
      }
      const node = step.value;
      if (!isPublishedPath(node.path)) continue;
      const topic = stateTopic(base, node.path);
      const payload = encodeState(node, limits.dataBytesMax);
      return { topic, payload, isRetained: true, key: `${topic}@${node.stat.mzxid}` };
    }
    return undefined;
  }

  private takeStreamed(): Item | undefined {
    const { ring } = this.options;
    const change = ring.at(this.next);
    if (change === undefined) return undefined;
    if (!this.isStateTaken && change.zxid > this.walkCoversTo) {
      this.isStateTaken = true;
      return this.stateOf(change);
    }
    this.isStateTaken = false;
    this.next += 1;
    return this.eventOf(change, ring.at(this.next)?.zxid !== change.zxid);
  }

  private markerKey(): string {
    return `walk ${this.walks}`;
  }

  private stateOf(change: CommittedChange): Item {
    const { base, limits } = this.options;
    const { path, data, stat, zxid } = change;
    const topic = stateTopic(base, path);
    const isGone = change.kind === 'deleted' || stat === null;
    const payload = isGone ? '' : encodeState({ path, data, stat }, limits.dataBytesMax);
    return { topic, payload, isRetained: true, key: `${topic}@${zxid}` };
  }

  private eventOf(change: CommittedChange, isLastOfTransaction: boolean): Item {
    const topic = eventTopic(this.options.base, change.path);
    const payload = encodeEvent(change, this.options.limits.dataBytesMax);
    const item = { topic, payload, isRetained: false, key: `${topic}@${change.zxid}` };
    return isLastOfTransaction ? { ...item, completes: change.zxid } : item;
  }
}
