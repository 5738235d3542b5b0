/**
 * A record that is not what its layout says: too short, a length out of range, bytes left over.
 * It comes from the other side, so it costs that connection and nothing else.
 */
export class JuteError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'JuteError';
  }
}

/**
 * An op code that no request decoder knows. The client may be newer than this server, so it gets
 * an answer (ErrorCode.unimplemented) before its connection is closed.
 */
export class UnknownOpCodeError extends JuteError {
  readonly opCode: number;

  constructor(opCode: number) {
    super(`op code ${opCode} is not supported`);
    this.name = 'UnknownOpCodeError';
    this.opCode = opCode;
  }
}
