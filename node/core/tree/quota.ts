/**
 * Quotas, as ZooKeeper keeps them: `/zookeeper/quota<path>/zookeeper_limits` says how many znodes
 * and bytes may stand at and below a path, `zookeeper_stats` beside it how many do. Every peer
 * counts for itself as it applies, so the stats cost no transaction; the digest leaves them out.
 *
 * Text: `count=N,bytes=M`, and where there are hard limits `count=N,bytes=M=;byteHardLimit=B;
 * countHardLimit=C`. -1 is no limit. A soft limit is a matter for the log, a hard one refuses.
 */
import { decodeAscii, encodeUtf8 } from './utf8.ts';
import type { Znode } from './znode.ts';

const QUOTA_ROOT = '/zookeeper/quota';
const LIMITS = '/zookeeper_limits';
const STATS = '/zookeeper_stats';

export interface QuotaNumbers {
  readonly count: number;
  readonly bytes: number;
  readonly countHardLimit: number;
  readonly byteHardLimit: number;
}

/** What the quotas need of their tree. */
export interface QuotaTree {
  get(path: string): Znode | undefined;
  all(): IterableIterator<Znode>;
  /** Changes the data of a stats znode, and nothing else of it. */
  replaceStats(node: Znode, data: Uint8Array): void;
}

export type QuotaVerdict = 'within' | 'softExceeded' | 'hardExceeded';

export class Quotas {
  private readonly tree: QuotaTree;
  /** Paths that have a limits znode. */
  private readonly limited = new Set<string>();

  constructor(tree: QuotaTree) {
    this.tree = tree;
  }

  created(node: Znode): void {
    const { path } = node;
    if (path.startsWith(QUOTA_ROOT)) {
      const limited = limitedPath(path, LIMITS);
      if (limited !== null) this.limited.add(limited);
      const counted = limitedPath(path, STATS);
      if (counted !== null) this.recount(counted);
    }
    if (this.limited.size > 0) this.count(path, node.data?.length ?? 0, 1);
  }

  deleted(node: Znode): void {
    const { path } = node;
    if (path.startsWith(QUOTA_ROOT)) {
      const limited = limitedPath(path, LIMITS);
      if (limited !== null) this.limited.delete(limited);
    }
    if (this.limited.size > 0) this.count(path, -(node.data?.length ?? 0), -1);
  }

  changed(path: string, bytesDiff: number): void {
    if (this.limited.size > 0 && bytesDiff !== 0) this.count(path, bytesDiff, 0);
  }

  /** After a tree was loaded as a whole: finds the quotas and counts anew. */
  rebuild(): void {
    this.limited.clear();
    for (const { path } of this.tree.all()) {
      if (!path.startsWith(QUOTA_ROOT)) continue;
      const limited = limitedPath(path, LIMITS);
      if (limited !== null) this.limited.add(limited);
    }
    for (const path of this.limited) this.recount(path);
  }

  /** Whether the nearest quota above `path` allows so much more. */
  check(path: string, bytesDiff: number, countDiff: number): QuotaVerdict {
    const prefix = this.limited.size === 0 ? null : this.prefixOf(path);
    if (prefix === null) return 'within';
    const limits = parseQuota(this.tree.get(QUOTA_ROOT + prefix + LIMITS)?.data ?? null);
    const counted = this.tree.get(QUOTA_ROOT + prefix + STATS);
    // A quota comes as two znodes, one after the other: without the second nothing is counted yet.
    if (counted === undefined) return 'within';
    const stats = parseQuota(counted.data);
    return worst(
      verdict(stats.count, countDiff, limits.count, limits.countHardLimit),
      verdict(stats.bytes, bytesDiff, limits.bytes, limits.byteHardLimit),
    );
  }

  private count(path: string, bytesDiff: number, countDiff: number): void {
    const prefix = this.prefixOf(path);
    if (prefix === null) return;
    const node = this.tree.get(QUOTA_ROOT + prefix + STATS);
    if (node === undefined) return;
    const stats = parseQuota(node.data);
    this.write(node, stats.count + countDiff, stats.bytes + bytesDiff);
  }

  private recount(path: string): void {
    const stats = this.tree.get(QUOTA_ROOT + path + STATS);
    const top = this.tree.get(path);
    if (stats === undefined) return;
    let count = 0;
    let bytes = 0;
    const open = top === undefined ? [] : [top];
    for (let node = open.pop(); node !== undefined; node = open.pop()) {
      count += 1;
      bytes += node.data?.length ?? 0;
      open.push(...(node.children ?? []));
    }
    this.write(stats, count, bytes);
  }

  private write(node: Znode, count: number, bytes: number): void {
    this.tree.replaceStats(node, encodeUtf8(`count=${count},bytes=${bytes}`));
  }

  /** The longest limited path at or above `path`. */
  private prefixOf(path: string): string | null {
    for (let at = path; at !== ''; at = at.slice(0, at.lastIndexOf('/'))) {
      if (this.limited.has(at)) return at;
    }
    return null;
  }
}

/** The path that a znode below the root of quotas is about, or null for another znode. */
function limitedPath(path: string, suffix: string): string | null {
  if (!path.endsWith(suffix)) return null;
  const limited = path.slice(QUOTA_ROOT.length, -suffix.length);
  return limited.startsWith('/') ? limited : null;
}

/** A number that cannot be read is no limit, as in ZooKeeper's StatsTrack. */
export function parseQuota(data: Uint8Array | null): QuotaNumbers {
  const numbers = new Map<string, number>();
  for (const part of decodeAscii(data ?? new Uint8Array(0)).split(/[,;]/)) {
    const [key = '', value = ''] = part.split('=');
    if (/^-?\d{1,15}$/.test(value)) numbers.set(key, Number(value));
  }
  return {
    count: numbers.get('count') ?? -1,
    bytes: numbers.get('bytes') ?? -1,
    countHardLimit: numbers.get('countHardLimit') ?? -1,
    byteHardLimit: numbers.get('byteHardLimit') ?? -1,
  };
}

/** The hard limit counts where there are both. */
function verdict(now: number, diff: number, soft: number, hard: number): QuotaVerdict {
  const limit = hard > -1 ? hard : soft;
  if (diff === 0 || limit === -1 || now + diff <= limit) return 'within';
  return hard > -1 ? 'hardExceeded' : 'softExceeded';
}

function worst(a: QuotaVerdict, b: QuotaVerdict): QuotaVerdict {
  if (a === 'hardExceeded' || b === 'hardExceeded') return 'hardExceeded';
  return a === 'softExceeded' ? a : b;
}
