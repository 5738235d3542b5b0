/** A Stat as zkCli prints it, one field a line. */
import type { Stat } from '../../core/tree/stat.ts';
import { formatZxid } from '../../core/zxid.ts';
import { formatJavaDate } from '../../runtime/java-date.ts';

export function statLines(stat: Stat): string[] {
  return [
    `cZxid = ${formatZxid(stat.czxid)}`,
    `ctime = ${formatJavaDate(stat.ctime)}`,
    `mZxid = ${formatZxid(stat.mzxid)}`,
    `mtime = ${formatJavaDate(stat.mtime)}`,
    `pZxid = ${formatZxid(stat.pzxid)}`,
    `cversion = ${stat.cversion}`,
    `dataVersion = ${stat.version}`,
    `aclVersion = ${stat.aversion}`,
    `ephemeralOwner = ${stat.ephemeralOwner}`,
    `dataLength = ${stat.dataLength}`,
    `numChildren = ${stat.numChildren}`,
  ];
}
