/**
 * ZooKeeper's digest of a tree, version 2 (DigestCalculator.java, AdHash.java): the sum modulo 2^64
 * of a CRC-32 for each znode, over its path, its data and 60 bytes of its stat. Peers with equal
 * trees have equal digests. Access control lists and sessions are not covered.
 */
import type { DataTree } from './data-tree.ts';
import { encodeUtf8 } from './utf8.ts';
import type { ZnodeRecord } from './znode.ts';

export const DIGEST_VERSION = 2;

/** The digest of the whole tree, unsigned. It visits every znode: not for every transaction. */
export function treeDigest(tree: DataTree): bigint {
  const sum = new DigestSum();
  for (const node of tree.all()) sum.add(node);
  return sum.value;
}

/** A digest that is made bit by bit, as from a walk over the tree. */
export class DigestSum {
  private total = 0n;
  // A double holds the sum of 2^20 CRCs exactly; a bigint for each would be most of the work.
  private part = 0;
  private count = 0;

  add(node: ZnodeRecord): void {
    this.part += znodeDigest(node);
    this.count += 1;
    if (this.count % 2 ** 20 !== 0) return;
    this.total += BigInt(this.part);
    this.part = 0;
  }

  /** Unsigned. */
  get value(): bigint {
    return BigInt.asUintN(64, this.total + BigInt(this.part));
  }
}

/** The digest of one znode, 0 to 2^32 - 1; 0 for those below /zookeeper, which peers set alone. */
export function znodeDigest(node: ZnodeRecord): number {
  if (node.path.startsWith('/zookeeper/')) return 0;
  let crc = -1;
  // ZooKeeper's name of the root is the empty path.
  if (node.path !== '/') crc = crc32(crc, encodeUtf8(node.path));
  if (node.data !== null) crc = crc32(crc, node.data);
  return ~crc32(crc, statBytes(node)) >>> 0;
}

const STAT_BYTES = 60;

function statBytes(node: ZnodeRecord): Uint8Array {
  const bytes = new Uint8Array(STAT_BYTES);
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const value of [node.czxid, node.mzxid, node.pzxid, node.ctime, node.mtime]) {
    view.setInt32(at, Math.floor(value / 2 ** 32));
    view.setUint32(at + 4, value >>> 0);
    at += 8;
  }
  for (const value of [node.version, node.cversion, node.aversion]) {
    view.setInt32(at, value);
    at += 4;
  }
  view.setInt32(at, node.ephemeralOwner.hi);
  view.setInt32(at + 4, node.ephemeralOwner.lo);
  return bytes;
}

/** CRC-32 (IEEE 802.3, reflected), without the final complement. Start with -1. */
function crc32(start: number, bytes: Uint8Array): number {
  let crc = start;
  for (const byte of bytes) crc = (CRC_TABLE[(crc ^ byte) & 0xff] ?? 0) ^ (crc >>> 8);
  return crc;
}

const CRC_TABLE = Int32Array.from({ length: 256 }, (_, index) => {
  let crc = index;
  for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  return crc;
});
