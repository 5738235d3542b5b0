/** Errors that the client's promises reject with: ZooKeeper's codes, names and messages. */
import { ErrorCode } from '../core/request/error-code.ts';

/** Names that are not the upper-case form of our own, and messages that are not the name. */
const NAMES = new Map<number, string>([
  [ErrorCode.invalidAcl, 'InvalidACL'],
  [ErrorCode.apiError, 'APIError'],
]);
const MESSAGES = new Map<number, string>([
  [ErrorCode.notEmpty, 'Directory not empty'],
  [ErrorCode.sessionExpired, 'Session expired'],
  [ErrorCode.sessionMoved, 'Session moved'],
  [ErrorCode.notReadOnly, 'Not a read-only call'],
  [ErrorCode.noWatcher, 'No such watcher'],
  [ErrorCode.quotaExceeded, 'Quota has exceeded'],
  [ErrorCode.ephemeralOnLocalSession, 'Ephemeral node on local session'],
]);
for (const [key, code] of Object.entries(ErrorCode)) {
  if (!NAMES.has(code)) NAMES.set(code, key.charAt(0).toUpperCase() + key.slice(1));
}

export class ZooKeeperError extends Error {
  /** One of `ErrorCode`, or a code that this version does not know. */
  readonly code: number;
  /** The path of the request, as the caller gave it. */
  readonly path: string | undefined;

  constructor(code: number, path?: string, options?: ErrorOptions) {
    const about = path === undefined ? '' : ` for ${path}`;
    super(`KeeperErrorCode = ${MESSAGES.get(code) ?? errorName(code)}${about}`, options);
    this.name = errorName(code);
    this.code = code;
    this.path = path;
  }
}

/** `NoNode`, `BadVersion` …; `Unknown error N` for a code that is not in the table. */
export function errorName(code: number): string {
  return NAMES.get(code) ?? `Unknown error ${code}`;
}

/** Whether `error` is a ZooKeeperError with this code. */
export function hasCode(error: unknown, code: ErrorCode): error is ZooKeeperError {
  return error instanceof ZooKeeperError && error.code === code;
}
