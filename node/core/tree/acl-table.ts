/**
 * One copy of each access control list, shared by the znodes that carry it. Most trees know a
 * handful of lists, and every transaction brings its own decoded copy. Entries are counted, so a
 * list goes away with the last znode that uses it.
 */
import { invariant } from '../invariant.ts';
import { type AclList, OPEN_ACL_UNSAFE } from './acl.ts';

interface Entry {
  readonly key: string;
  readonly acl: AclList;
  uses: number;
}

export class AclTable {
  private readonly byKey = new Map<string, Entry>();
  private readonly byList = new Map<AclList, Entry>();

  get size(): number {
    return this.byKey.size;
  }

  /** Every list in use, as they are now. */
  lists(): readonly AclList[] {
    return [OPEN_ACL_UNSAFE, ...this.byList.keys()];
  }

  /** The shared list equal to `acl`, with one more use. */
  acquire(acl: AclList): AclList {
    if (acl === OPEN_ACL_UNSAFE) return acl;
    const key = keyOf(acl);
    if (key === OPEN_KEY) return OPEN_ACL_UNSAFE;
    let entry = this.byKey.get(key);
    if (entry === undefined) {
      entry = { key, acl, uses: 0 };
      this.byKey.set(key, entry);
      this.byList.set(acl, entry);
    }
    entry.uses += 1;
    return entry.acl;
  }

  /** Gives one use back; `acl` is what `acquire` returned. */
  release(acl: AclList): void {
    if (acl === OPEN_ACL_UNSAFE) return;
    const entry = this.byList.get(acl);
    invariant(entry !== undefined && entry.uses > 0, 'a released ACL is in use', { acl });
    entry.uses -= 1;
    if (entry.uses > 0) return;
    this.byKey.delete(entry.key);
    this.byList.delete(acl);
  }
}

/** Equal for equal lists and for no others: the texts carry their lengths. */
function keyOf(acl: AclList): string {
  let key = '';
  for (const { perms, id } of acl) {
    key += `${perms},${id.scheme.length},${id.scheme},${id.id.length},${id.id};`;
  }
  return key;
}

const OPEN_KEY = keyOf(OPEN_ACL_UNSAFE);
