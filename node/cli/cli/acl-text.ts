/** Access control lists as zkCli reads and prints them. */
import { type Acl, type AclList, Perms } from '../../core/tree/acl.ts';

const LETTERS: readonly (readonly [string, number])[] = [
  ['c', Perms.create],
  ['d', Perms.delete],
  ['r', Perms.read],
  ['w', Perms.write],
  ['a', Perms.admin],
];

/**
 * `scheme:id:perms,...`; an id may hold colons (`digest:user:hash:cdrwa`). Undefined when an entry
 * does not have that form. What is wrong is told to `warn`; an unknown letter is then left out.
 */
export function parseAcl(text: string, warn: (line: string) => void): AclList | undefined {
  const list: Acl[] = [];
  for (const entry of text.split(',')) {
    const first = entry.indexOf(':');
    const last = entry.lastIndexOf(':');
    if (first === last) {
      warn(`${entry} does not have the form scheme:id:perm`);
      return undefined;
    }
    const scheme = entry.slice(0, first);
    const id = entry.slice(first + 1, last);
    list.push({ perms: parsePerms(entry.slice(last + 1), warn), id: { scheme, id } });
  }
  return list;
}

export function aclLines(acl: AclList): string[] {
  return acl.flatMap(({ perms, id }) => [`'${id.scheme},'${id.id}`, `: ${permsText(perms)}`]);
}

function parsePerms(text: string, warn: (line: string) => void): number {
  let perms = 0;
  for (const letter of text) {
    const bit = LETTERS.find(([known]) => known === letter)?.[1];
    if (bit === undefined) warn(`Unknown perm type: ${letter}`);
    else perms |= bit;
  }
  return perms;
}

function permsText(perms: number): string {
  return LETTERS.filter(([, bit]) => (perms & bit) !== 0)
    .map(([letter]) => letter)
    .join('');
}
