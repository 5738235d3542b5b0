/**
 * Who a connection is. Every connection has its address as an `ip` id; auth packets of scheme
 * `digest` add more. The password is hashed here and goes nowhere else, logs least of all.
 */
import { createHash } from 'node:crypto';
import type { Id } from '../core/tree/acl.ts';

export interface AuthenticationOptions {
  /** `super:<hash>` of DigestAuthenticationProvider.superDigest; undefined when there is none. */
  readonly superDigest: string | undefined;
}

/** The ids that an auth packet proves; null when it proves nothing. */
export function authenticate(
  scheme: string,
  auth: Uint8Array | null,
  options: AuthenticationOptions,
): readonly Id[] | null {
  // ZooKeeper answers an auth packet for the address with success: it is known already.
  if (scheme === 'ip') return [];
  if (scheme !== 'digest' || auth === null) return null;
  const digest = digestOf(Buffer.from(auth).toString('utf8'));
  const ids: Id[] = [];
  if (digest === options.superDigest) ids.push({ scheme: 'super', id: '' });
  ids.push({ scheme: 'digest', id: digest });
  return ids;
}

/** `user:base64(SHA-1("user:password"))`, the form in which digest ids stand in an ACL. */
export function digestOf(credentials: string): string {
  const colon = credentials.indexOf(':');
  const user = colon === -1 ? credentials : credentials.slice(0, colon);
  return `${user}:${createHash('sha1').update(credentials, 'utf8').digest('base64')}`;
}
