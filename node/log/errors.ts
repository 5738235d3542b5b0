/**
 * What can be wrong with the directories of a peer. Each error names the file, what was expected
 * there and the remedy; none of them is ever repaired in passing, because a peer that has lost part
 * of what it acknowledged must not vote as if it had not.
 */
import path from 'node:path';
import { errorCode } from './disk.ts';

/** Something about the data directories that an operator has to act on. */
export class StorageError extends Error {
  readonly remedy: string;

  constructor(name: string, problem: string, remedy: string) {
    super(`${problem}. ${remedy}`);
    this.name = name;
    this.remedy = remedy;
  }
}

/** The journal is not what this peer wrote, beyond what a power cut can explain. */
export class JournalDamagedError extends StorageError {
  readonly file: string;
  readonly offset: number;
  readonly expected: string;

  constructor(file: string, offset: number, expected: string) {
    super(
      'JournalDamagedError',
      `the journal is damaged: ${file} at byte ${offset}: expected ${expected}`,
      'This peer must not vote with what is left. Move the directories of the journal and of ' +
        'the snapshots away and start it again: it then copies everything from the leader',
    );
    this.file = file;
    this.offset = offset;
    this.expected = expected;
  }
}

/** A snapshot file does not read back as it was written. Recovery falls back to the one before. */
export class SnapshotDamagedError extends StorageError {
  readonly file: string;

  constructor(file: string, offset: number, expected: string) {
    super(
      'SnapshotDamagedError',
      `the snapshot is damaged: ${file} at byte ${offset}: expected ${expected}`,
      'The peer uses the snapshot before it and the journal from there. Check the medium',
    );
    this.file = file;
  }
}

export class ForeignJournalError extends StorageError {
  constructor(file: string, found: number, sid: number) {
    super(
      'ForeignJournalError',
      `${file} belongs to server ${found}, and this is server ${sid}`,
      `Put the disk back into server ${found}, or correct myid, or use an empty dataDir`,
    );
  }
}

export class ApacheDataError extends StorageError {
  constructor(directory: string) {
    super(
      'ApacheDataError',
      `${directory} holds the data of Apache ZooKeeper and no journal of Picket`,
      'Set dataDir (and dataLogDir) to an empty directory with this myid in it: the peer copies ' +
        'everything from its ensemble',
    );
  }
}

export class DataDirLockedError extends StorageError {
  constructor(file: string, pid: number) {
    super(
      'DataDirLockedError',
      `process ${pid} is using this directory (${file})`,
      'Two peers never share a dataDir. Stop that process, or give this peer its own dataDir',
    );
  }
}

export class DirectoryNotWritableError extends StorageError {
  constructor(file: string, code: string) {
    super(
      'DirectoryNotWritableError',
      `cannot write ${file} (${code})`,
      remedyFor(code) ?? `Make ${path.dirname(file)} writable for the user that runs the peer`,
    );
  }
}

function remedyFor(code: string): string | undefined {
  switch (code) {
    case 'EROFS':
      return 'The file system is read-only. Look for disk errors in dmesg before remounting it';
    case 'ENOTDIR':
    case 'EEXIST':
      return 'A part of that path is no directory. Move it, or correct the path';
    case 'ENOENT':
    case 'ELOOP':
    case 'ENAMETOOLONG':
      return 'The path leads nowhere. Correct it';
    case 'EIO':
      return 'The medium fails. Look for disk errors in dmesg, and replace it';
    default:
      return undefined;
  }
}

export class DiskFullError extends StorageError {
  constructor(file: string) {
    super(
      'DiskFullError',
      `no room left to write ${file}`,
      'Free room on that file system; the journal and the snapshots are not to be deleted by hand',
    );
  }
}

/** Gives the errors of the operating system that have a remedy their own type. */
export function explainDiskError(error: unknown, file: string): Error {
  const code = errorCode(error);
  if (code === 'ENOSPC' || code === 'EDQUOT') return new DiskFullError(file);
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    return new DirectoryNotWritableError(file, code);
  }
  return error instanceof Error ? error : new Error(String(error));
}

/**
 * The same where `directory` could not be made or listed: whatever the reason, it has to be mended.
 */
export function explainDirectoryError(error: unknown, directory: string): Error {
  const explained = explainDiskError(error, directory);
  const code = errorCode(error);
  if (explained instanceof StorageError || code === '') return explained;
  return new DirectoryNotWritableError(directory, code);
}
