/**
 * What four-letter words do to a running peer: they set its statistics back, keep a mask, and make
 * the digest of its tree.
 */
import { DigestSum } from '../core/tree/digest.ts';
import type { Zxid } from '../core/zxid.ts';
import type { PeerRuntime } from '../runtime/peer-runtime.ts';
import type { ServerControl } from './four-letter-view.ts';

/** ZooKeeper's: client requests, packets of servers, sessions and warnings. */
const TRACE_MASK_DEFAULT = 306n;

/** Znodes are checksummed so many at a time, until a slice has had so many bytes. */
const STEP_NODES = 16;
const SLICE_BYTES = 256 * 1024;
/** Path and Stat of a znode, roughly. */
const NODE_BYTES = 128;

type DigestAt = Awaited<ReturnType<ServerControl['digest']>>;

export class PeerControl implements ServerControl {
  traceMask = TRACE_MASK_DEFAULT;
  private readonly runtime: PeerRuntime;
  private running: Promise<DigestAt> | null = null;

  constructor(runtime: PeerRuntime) {
    this.runtime = runtime;
  }

  resetConnections(): void {
    for (const { stats } of this.runtime.clientPort?.connections ?? []) stats.reset();
  }

  resetStatistics(): void {
    const { clients, clientPort, metrics, leaderInfo } = this.runtime;
    clients.latency.reset();
    clients.responseBytes.reset();
    clientPort?.stats.reset();
    metrics.reset();
    leaderInfo?.proposalBytes.reset();
  }

  /** One walk over the tree at a time; whoever asks meanwhile gets its result too. */
  digest(): Promise<DigestAt> {
    this.running ??= this.walk().finally(() => {
      this.running = null;
    });
    return this.running;
  }

  /** Goes on while the tree changes, in slices between which the peer does its work. */
  private walk(): Promise<DigestAt> {
    const walk = this.runtime.replica.tree.startWalk();
    const sum = new DigestSum();
    const zxid: Zxid = walk.zxid;
    return new Promise((resolve) => {
      const slice = (): void => {
        for (let bytes = 0; bytes < SLICE_BYTES; ) {
          const nodes = walk.next(STEP_NODES);
          if (nodes.length === 0) return resolve({ zxid, digest: sum.value });
          for (const node of nodes) {
            sum.add(node);
            bytes += NODE_BYTES + (node.data?.length ?? 0);
          }
        }
        setImmediate(slice);
      };
      slice();
    });
  }
}
