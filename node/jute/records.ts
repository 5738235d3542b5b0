/**
 * The records that stand inside others: Id, ACL lists, Stat, lists of strings. Their layouts are
 * zookeeper.jute's; messages, transactions and snapshots are built from them.
 */
import { type Acl, type AclList, type Id, OPEN_ACL_UNSAFE } from '../core/tree/acl.ts';
import type { Stat } from '../core/tree/stat.ts';
import type { JuteReader } from './reader.ts';
import { JuteWriter } from './writer.ts';

/** Bytes of a Stat on the wire. */
export const STAT_BYTES = 68;

/** The least bytes an item takes, for the check of a vector's count. */
const STRING_BYTES_MIN = 4;
const ID_BYTES_MIN = 8;
const ACL_BYTES_MIN = 4 + ID_BYTES_MIN;

/**
 * Nearly every znode has this list. Knowing it by its bytes saves the parsing, and all those znodes
 * share one list in memory.
 */
const OPEN_ACL_BYTES = new JuteWriter(32).vector(OPEN_ACL_UNSAFE, writeAcl).take();

export function readId(reader: JuteReader): Id {
  const scheme = reader.string();
  const id = reader.string();
  return { scheme, id };
}

export function writeId(writer: JuteWriter, id: Id): void {
  writer.string(id.scheme).string(id.id);
}

/** A vector of Id; a null vector reads as the empty list. */
export function readIds(reader: JuteReader): Id[] {
  return reader.vectorOrNull(ID_BYTES_MIN, readId) ?? [];
}

export function writeIds(writer: JuteWriter, ids: readonly Id[] | null): void {
  writer.vector(ids, writeId);
}

/** The list, or null for a null vector. The result may be shared: it must not be changed. */
export function readAclList(reader: JuteReader): AclList | null {
  if (reader.skip(OPEN_ACL_BYTES)) return OPEN_ACL_UNSAFE;
  return reader.vectorOrNull(ACL_BYTES_MIN, readAcl);
}

export function writeAclList(writer: JuteWriter, acl: AclList | null): void {
  if (acl === OPEN_ACL_UNSAFE) writer.raw(OPEN_ACL_BYTES);
  else writer.vector(acl, writeAcl);
}

export function readStat(reader: JuteReader): Stat {
  return {
    czxid: reader.long(),
    mzxid: reader.long(),
    ctime: reader.long(),
    mtime: reader.long(),
    version: reader.int(),
    cversion: reader.int(),
    aversion: reader.int(),
    ephemeralOwner: reader.session(),
    dataLength: reader.int(),
    numChildren: reader.int(),
    pzxid: reader.long(),
  };
}

export function writeStat(writer: JuteWriter, stat: Stat): void {
  writer.long(stat.czxid).long(stat.mzxid).long(stat.ctime).long(stat.mtime);
  writer.int(stat.version).int(stat.cversion).int(stat.aversion);
  writer.session(stat.ephemeralOwner);
  writer.int(stat.dataLength).int(stat.numChildren).long(stat.pzxid);
}

/** A vector of ustring; a null vector reads as the empty list. */
export function readStrings(reader: JuteReader): string[] {
  return reader.vectorOrNull(STRING_BYTES_MIN, readString) ?? [];
}

export function writeStrings(writer: JuteWriter, strings: readonly string[] | null): void {
  writer.vector(strings, writeString);
}

function readString(reader: JuteReader): string {
  return reader.string();
}

function writeString(writer: JuteWriter, value: string): void {
  writer.string(value);
}

function readAcl(reader: JuteReader): Acl {
  const perms = reader.int();
  const id = readId(reader);
  return { perms, id };
}

function writeAcl(writer: JuteWriter, acl: Acl): void {
  writer.int(acl.perms);
  writeId(writer, acl.id);
}
