/**
 * Which containers and TTL znodes are due to go: a container that has had children and has none any
 * more, a TTL znode without children that was not modified for its time to live. The leader asks
 * now and then and proposes their deletion.
 */
import type { DataTree } from './data-tree.ts';
import { ownerKind, ttlOf } from './owner.ts';
import type { Znode } from './znode.ts';

export interface TransientRules {
  /** A container that never had a child goes after this long; 0 for never. */
  readonly neverUsedMs: number;
}

/** Up to `limit` paths, oldest znodes first. `nowMs` is wall time, as ctime and mtime are. */
export function dueTransients(
  tree: DataTree,
  nowMs: number,
  rules: TransientRules,
  limit: number,
): readonly string[] {
  const due: string[] = [];
  for (const node of tree.transientNodes()) {
    if (due.length >= limit) break;
    if (node.children === null && isDue(node, nowMs, rules)) due.push(node.path);
  }
  return due;
}

function isDue(node: Znode, nowMs: number, rules: TransientRules): boolean {
  if (ownerKind(node.ephemeralOwner) === 'ttl') {
    return nowMs - node.mtime > ttlOf(node.ephemeralOwner);
  }
  // The stored cversion counts creations: 0 is a container that was never used.
  if (node.cversion > 0) return true;
  return rules.neverUsedMs > 0 && nowMs - node.ctime > rules.neverUsedMs;
}
