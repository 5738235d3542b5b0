/**
 * How a peer ends when it cannot go on: the reason in words and the exit code that stands for it.
 */
import { InvariantError } from '../core/invariant.ts';
import type { HaltCause } from '../core/zab/outputs.ts';
import {
  ApacheDataError,
  DataDirLockedError,
  DirectoryNotWritableError,
  DiskFullError,
  ForeignJournalError,
  JournalDamagedError,
  SnapshotDamagedError,
} from '../log/errors.ts';
import { ConfigError } from './config/config-error.ts';
import { ExitCode } from './exit-codes.ts';

/** An error with which the process ends, with its exit code. */
export class HaltError extends Error {
  readonly exitCode: ExitCode;

  constructor(exitCode: ExitCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'HaltError';
    this.exitCode = exitCode;
  }
}

const CAUSES: Readonly<Record<HaltCause, ExitCode>> = {
  unmatchedCommit: ExitCode.unmatchedCommit,
  truncateCommitted: ExitCode.badQuorumPacket,
  epochExhausted: ExitCode.unexpected,
};

export function exitCodeOfCause(cause: HaltCause): ExitCode {
  return CAUSES[cause];
}

/** The exit code that an error at start stands for. */
export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof HaltError) return error.exitCode;
  if (error instanceof ConfigError) return ExitCode.invalidInvocation;
  if (error instanceof InvariantError) return ExitCode.invariantBroken;
  if (error instanceof DataDirLockedError) return ExitCode.dataDirInUse;
  if (error instanceof DiskFullError) return ExitCode.journalIo;
  if (error instanceof JournalDamagedError || error instanceof SnapshotDamagedError) {
    return ExitCode.journalDamaged;
  }
  if (
    error instanceof ForeignJournalError ||
    error instanceof ApacheDataError ||
    error instanceof DirectoryNotWritableError
  ) {
    return ExitCode.dataDir;
  }
  return ExitCode.unexpected;
}
