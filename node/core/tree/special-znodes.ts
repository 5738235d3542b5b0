/** The znodes that ZooKeeper starts with, and what they are before anything happened. */
import { NO_SESSION } from '../session-id.ts';
import { OPEN_ACL_UNSAFE, READ_ACL_UNSAFE } from './acl.ts';
import type { ZnodeRecord } from './znode.ts';

export const CONFIG_PATH = '/zookeeper/config';

/** The znodes that every tree has and nobody may delete, parents first. */
export const SPECIAL_PATHS: readonly string[] = [
  '/',
  '/zookeeper',
  '/zookeeper/quota',
  CONFIG_PATH,
];

/** A special znode as it is before anything happened: zxids and times 0. */
export function freshRecord(path: string): ZnodeRecord {
  const isConfig = path === CONFIG_PATH;
  return {
    path,
    data: new Uint8Array(0),
    // Only a superuser may reconfigure unless somebody opens it (ZOOKEEPER-2014).
    acl: isConfig ? READ_ACL_UNSAFE : OPEN_ACL_UNSAFE,
    czxid: 0,
    mzxid: 0,
    pzxid: 0,
    ctime: 0,
    mtime: 0,
    version: 0,
    cversion: 0,
    // ZooKeeper sets the ACL of the config znode with "any version", which leaves -1 there.
    aversion: isConfig ? -1 : 0,
    ephemeralOwner: NO_SESSION,
  };
}
