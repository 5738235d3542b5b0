/** Why `picket up` cannot start or go on, in words that name the remedy. */
import { ExitCode } from '../../runtime/exit-codes.ts';

export class UpError extends Error {
  readonly exitCode: ExitCode;

  constructor(message: string, exitCode: ExitCode = ExitCode.unexpected) {
    super(message);
    this.name = 'UpError';
    this.exitCode = exitCode;
  }

  /** The arguments, or what they find, must be changed. */
  static usage(message: string): UpError {
    return new UpError(message, ExitCode.invalidInvocation);
  }
}
