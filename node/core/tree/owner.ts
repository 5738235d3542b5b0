/**
 * The field `ephemeralOwner` of a znode does double duty, as in ZooKeeper (EphemeralType.java):
 * nothing, the session that owns an ephemeral znode, or a marker for the extended types. A session
 * id must therefore never look like a marker, which is why sids end at 254.
 */
import { invariant } from '../invariant.ts';
import { SessionId } from '../session-id.ts';

/** Marks a container: a znode that goes away after its last child. */
export const CONTAINER_OWNER = new SessionId(0x80000000, 0);

/** The longest time to live, milliseconds (40 bits). */
export const TTL_MAX_MS = 2 ** 40 - 1;

export type OwnerKind = 'none' | 'session' | 'container' | 'ttl';

export function ownerKind(owner: SessionId): OwnerKind {
  if (owner.isNone) return 'none';
  if (owner.equals(CONTAINER_OWNER)) return 'container';
  // 0xff in the top byte, then 16 bits that name the extended type: 0 is TTL.
  return owner.hi >>> 8 === 0xff0000 ? 'ttl' : 'session';
}

/** The marker of a znode that lives `ttlMs` beyond its last change, 1 to TTL_MAX_MS. */
export function ttlOwner(ttlMs: number): SessionId {
  invariant(isTtl(ttlMs), 'a time to live fits in its marker', { ttlMs });
  return new SessionId(0xff000000 + Math.floor(ttlMs / 2 ** 32), ttlMs % 2 ** 32);
}

/** Milliseconds; only for an owner of kind `ttl`. */
export function ttlOf(owner: SessionId): number {
  invariant(ownerKind(owner) === 'ttl', 'the owner is a TTL marker', { owner: owner.toString() });
  return (owner.hi & 0xff) * 2 ** 32 + (owner.lo >>> 0);
}

export function isTtl(ttlMs: number): boolean {
  return Number.isInteger(ttlMs) && ttlMs > 0 && ttlMs <= TTL_MAX_MS;
}
