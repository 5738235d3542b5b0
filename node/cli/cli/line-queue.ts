/**
 * Lines from a terminal, one at a time. Lines that arrive while a command still runs (typed ahead,
 * or pasted several at once) wait their turn.
 */
import type readline from 'node:readline';

export class LineQueue {
  /** Resolves when the input has ended: Ctrl-D, Ctrl-C. */
  readonly closed: Promise<void>;
  private readonly lines: string[] = [];
  private isClosed = false;
  private wake: () => void = () => undefined;

  constructor(editor: readline.Interface) {
    editor.on('line', (line) => {
      this.lines.push(line);
      this.wake();
    });
    this.closed = new Promise((resolve) => {
      editor.once('close', () => {
        this.isClosed = true;
        this.wake();
        resolve();
      });
    });
  }

  /** The next line, or undefined when there is none and the input has ended. */
  async next(): Promise<string | undefined> {
    while (this.lines.length === 0 && !this.isClosed) {
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
    return this.lines.shift();
  }
}
