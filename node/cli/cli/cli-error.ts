/** What a command of the shell fails with, and the words for what a server refuses (zkCli's). */
import { hasCode, ZooKeeperError } from '../../client/client-error.ts';
import { ErrorCode } from '../../core/request/error-code.ts';

/** Exit status of an unknown command, as in zkCli and in sh. */
export const EXIT_NOT_FOUND = 127;

export class CliError extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode = 1) {
    super(message);
    this.name = 'CliError';
    this.exitCode = exitCode;
  }
}

const TEXTS = new Map<number, string>([
  [ErrorCode.noNode, 'Node does not exist'],
  [ErrorCode.noChildrenForEphemerals, 'Ephemerals cannot have children'],
  [ErrorCode.nodeExists, 'Node already exists'],
  [ErrorCode.notEmpty, 'Node not empty'],
  [ErrorCode.notReadOnly, 'Not a read-only call'],
  [ErrorCode.invalidAcl, 'Acl is not valid '],
  [ErrorCode.noAuth, 'Insufficient permission '],
  [ErrorCode.badArguments, 'Arguments are not valid '],
  [ErrorCode.badVersion, 'version No is not valid '],
]);

/** The line for an error, whatever was thrown. */
export function errorText(error: unknown): string {
  // A path that the client itself refuses: the cause says what is wrong with it.
  if (hasCode(error, ErrorCode.badArguments) && error.cause instanceof Error) {
    return error.cause.message;
  }
  const text = error instanceof ZooKeeperError ? TEXTS.get(error.code) : undefined;
  if (text !== undefined && error instanceof ZooKeeperError) {
    return `${text}: ${error.path ?? 'null'}`;
  }
  return error instanceof Error ? error.message : String(error);
}
