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
