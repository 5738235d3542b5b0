/**
 * Access control lists: the records, the permission bits and the well-known lists. The check
 * against a caller's ids is in `access.ts`.
 */
export const Perms = { read: 1, write: 2, create: 4, delete: 8, admin: 16, all: 31 } as const;

/** An identity: `scheme` names the provider, `id` what it vouches for (`ip`, `127.0.0.1`). */
export interface Id {
  readonly scheme: string;
  readonly id: string;
}

export interface Acl {
  readonly perms: number;
  readonly id: Id;
}

/** A list is never changed in place: znodes share it. */
export type AclList = readonly Acl[];

export const ANYONE: Id = { scheme: 'world', id: 'anyone' };
export const OPEN_ACL_UNSAFE: AclList = [{ perms: Perms.all, id: ANYONE }];
export const READ_ACL_UNSAFE: AclList = [{ perms: Perms.read, id: ANYONE }];
