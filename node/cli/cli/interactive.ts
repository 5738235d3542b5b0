/**
 * The shell at a terminal: line editing, completion, a history that outlives the process. Watch
 * events arrive while a line is being typed; they are printed above it and the line stays.
 */
import readline from 'node:readline';
import type { CliOutput } from './command.ts';
import { completeLine } from './completion.ts';
import { HISTORY_LINES_MAX, historyFile, loadHistory, saveHistory } from './history-file.ts';
import { LineQueue } from './line-queue.ts';
import type { Shell } from './shell.ts';

/** The first prompt waits this long for the connection, so that it says CONNECTED. */
const CONNECT_WAIT_MS = 5_000;

/** Prints above a line that is being edited. */
export class TerminalOutput implements CliOutput {
  private editor: readline.Interface | undefined;
  private isEditing = false;

  out(line: string): void {
    this.write(process.stdout, line);
  }

  err(line: string): void {
    this.write(process.stderr, line);
  }

  attach(editor: readline.Interface): void {
    this.editor = editor;
  }

  editing(isEditing: boolean): void {
    this.isEditing = isEditing;
  }

  private write(stream: NodeJS.WriteStream, line: string): void {
    if (!this.isEditing) {
      stream.write(`${line}\n`);
      return;
    }
    readline.cursorTo(process.stdout, 0);
    readline.clearScreenDown(process.stdout);
    stream.write(`${line}\n`);
    this.editor?.prompt(true);
  }
}

/** Reads and runs lines until `quit`, Ctrl-D or Ctrl-C. */
export async function runInteractive(shell: Shell, output: TerminalOutput): Promise<void> {
  const file = historyFile();
  let history = loadHistory(file);
  const editor = readline.createInterface({
    input: process.stdin,
    output: process.stdout,
    history: [...history],
    historySize: HISTORY_LINES_MAX,
    removeHistoryDuplicates: true,
    completer: (line: string, done: (error: null, result: [string[], string]) => void) => {
      completeLine(shell, line).then(
        (result) => done(null, result),
        () => done(null, [[], line]),
      );
    },
  });
  output.attach(editor);
  editor.on('history', (lines: string[]) => {
    history = [...lines];
  });
  const lines = new LineQueue(editor);
  try {
    await Promise.race([shell.connected(CONNECT_WAIT_MS), lines.closed]);
    while (!shell.isOver) {
      const line = await ask(editor, lines, output, shell.prompt);
      if (line === undefined) break;
      // Ctrl-C ends the shell even while a command waits for a server.
      await Promise.race([shell.runLine(line), lines.closed]);
    }
  } finally {
    editor.close();
    saveHistory(file, history);
  }
}

/** Shows the prompt and waits for the next line; undefined at the end of the input. */
async function ask(
  editor: readline.Interface,
  lines: LineQueue,
  output: TerminalOutput,
  prompt: string,
): Promise<string | undefined> {
  editor.setPrompt(prompt);
  output.editing(true);
  editor.prompt();
  const line = await lines.next();
  output.editing(false);
  if (line === undefined) output.out('');
  return line;
}
