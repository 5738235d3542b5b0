/**
 * Opening the directories of a peer: they exist, can be written, are nobody else's, and do not hold
 * the data of an Apache server, which this peer would otherwise pass over as if it were new.
 */
import fs from 'node:fs';
import path from 'node:path';
import { ApacheDataError, explainDirectoryError } from './errors.ts';
import { type DirectoryLock, lockDirectory } from './lock-file.ts';
import { OsDisk } from './os-disk.ts';

/** Where Apache ZooKeeper keeps its log and its snapshots. */
const APACHE_DIRECTORY = 'version-2';

export interface DataDirs {
  readonly dataDir: string;
  /** The same as `dataDir` unless the log has a disk of its own. */
  readonly dataLogDir: string;
}

export interface OpenedDataDirs {
  /** Of the segments. */
  readonly journalDirectory: string;
  readonly snapshotDirectory: string;
  readonly lock: DirectoryLock;
}

/**
 * Call before recovery; release the lock when the journal is closed. Throws ApacheDataError,
 * DataDirLockedError, DirectoryNotWritableError or DiskFullError.
 */
export function openDataDirs(dirs: DataDirs): OpenedDataDirs {
  const directories = [...new Set([path.resolve(dirs.dataDir), path.resolve(dirs.dataLogDir)])];
  const journalDirectory = path.join(dirs.dataLogDir, 'journal');
  for (const directory of directories) {
    try {
      // Durably: a power cut must not take away the directory that acknowledged writes are in.
      new OsDisk().makeDirectorySync(directory);
      if (!holdsApacheData(directory) || fs.existsSync(journalDirectory)) continue;
    } catch (error) {
      throw explainDirectoryError(error, directory);
    }
    throw new ApacheDataError(directory);
  }
  const locks: DirectoryLock[] = [];
  const release = (): void => {
    for (const lock of locks) lock.release();
  };
  try {
    for (const directory of directories) locks.push(lockDirectory(directory));
  } catch (error) {
    release();
    throw error;
  }
  const snapshotDirectory = path.join(dirs.dataDir, 'snapshots');
  return { journalDirectory, snapshotDirectory, lock: { release } };
}

function holdsApacheData(directory: string): boolean {
  const inside = path.join(directory, APACHE_DIRECTORY);
  return fs.existsSync(inside) && fs.readdirSync(inside).length > 0;
}
