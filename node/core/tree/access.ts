/**
 * Who may do what: the check of an access control list against the ids that a connection has
 * proven, and what becomes of a list that a client hands in.
 */
import { ErrorCode } from '../request/error-code.ts';
import type { Ids } from '../request/requests.ts';
import type { Acl, AclList, Id } from './acl.ts';
import { isIpExpression, matchesIp } from './ip-match.ts';

/**
 * True when one of `ids` has the permission `perm` (bits of `Perms`; one of them is enough). An
 * empty list, which only an old log can bring, forbids nothing.
 */
export function checkAcl(acl: AclList, perm: number, ids: Ids): boolean {
  if (acl.length === 0 || ids.some((id) => id.scheme === 'super')) return true;
  return acl.some((entry) => (entry.perms & perm) !== 0 && matchesAny(entry.id, ids));
}

/**
 * The list to store for the list a client sent: without duplicates, and with `auth` replaced by
 * the ids that the connection has proven. `invalidAcl` when it is null or empty, names a scheme
 * or an id that nobody could ever match, or says `auth` on a connection that proved nothing.
 */
export function fixupAcl(acl: AclList | null, ids: Ids): AclList | ErrorCode {
  const fixed: Acl[] = [];
  for (const entry of withoutDuplicates(acl ?? [])) {
    const { scheme } = entry.id;
    if (scheme === 'auth') {
      const own = ids.filter((id) => !UNPROVEN_SCHEMES.has(id.scheme));
      if (own.length === 0) return ErrorCode.invalidAcl;
      for (const id of own) fixed.push({ perms: entry.perms, id });
    } else if (isValidId(entry.id)) fixed.push(entry);
    else return ErrorCode.invalidAcl;
  }
  return fixed.length === 0 ? ErrorCode.invalidAcl : fixed;
}

/** The list as getACL shows it to a caller without ADMIN: no password hashes. */
export function maskDigest(acl: AclList): AclList {
  return acl.map(({ perms, id }) => {
    if (id.scheme !== 'digest') return { perms, id };
    return { perms, id: { scheme: id.scheme, id: id.id.replace(/:.*/s, ':x') } };
  });
}

/** Ids of these schemes say where somebody is or what he may do, not who he is. */
const UNPROVEN_SCHEMES: ReadonlySet<string> = new Set(['ip', 'world', 'auth', 'super']);

function matchesAny(wanted: Id, ids: Ids): boolean {
  if (wanted.scheme === 'world' && wanted.id === 'anyone') return true;
  return ids.some(({ scheme, id }) => {
    if (scheme !== wanted.scheme) return false;
    return scheme === 'ip' ? matchesIp(id, wanted.id) : id === wanted.id;
  });
}

function isValidId({ scheme, id }: Id): boolean {
  switch (scheme) {
    case 'world':
      return id === 'anyone';
    case 'ip':
      return isIpExpression(id);
    case 'digest':
      // `user:hash`, by the rule of Java's split: empty texts at the end do not count.
      return id.replace(/:+$/, '').split(':').length === 2;
    default:
      return false;
  }
}

function withoutDuplicates(acl: AclList): AclList {
  return acl.filter((entry, index) => {
    return acl.findIndex((earlier) => isSame(earlier, entry)) === index;
  });
}

function isSame(a: Acl, b: Acl): boolean {
  return a.perms === b.perms && a.id.scheme === b.id.scheme && a.id.id === b.id.id;
}
