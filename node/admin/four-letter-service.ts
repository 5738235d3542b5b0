/**
 * The four-letter words of a running peer: what its client port hears goes to the words, and their
 * answer back to the connection.
 */
import type { Log } from '../core/log-sink.ts';
import type { ClientConnection } from '../net/client-connection.ts';
import { answerFourLetterWord, type FourLetterServer } from './four-letter.ts';

export class FourLetterService {
  private readonly server: FourLetterServer;
  private readonly log: Log;

  constructor(server: FourLetterServer, log: Log) {
    this.server = server;
    this.log = log;
  }

  answer(connection: ClientConnection, word: string, argument: Uint8Array): void {
    const answer = answerFourLetterWord(word, argument, this.server);
    if (answer === null) connection.close(`${word} came without its argument`);
    else if (typeof answer === 'string') connection.answer(answer);
    else {
      answer.then(
        (text) => connection.answer(text),
        (error: unknown) => {
          this.log.error(`${word} failed`, { error: String(error) });
          connection.close(`${word} failed`);
        },
      );
    }
  }
}
