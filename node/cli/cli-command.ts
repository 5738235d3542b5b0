/**
 * `picket cli`: works as zkCli.sh does. With a command after the options it runs that one; at a
 * terminal it is a shell with a prompt; from a pipe it runs a command a line until the end. Results
 * go to stdout and everything else to stderr, in zkCli's words.
 */
import readline from 'node:readline';
import { ExitCode } from '../runtime/exit-codes.ts';
import type { CliOutput } from './cli/command.ts';
import { runInteractive, TerminalOutput } from './cli/interactive.ts';
import { CLI_USAGE, parseCliOptions } from './cli/options.ts';
import { Shell } from './cli/shell.ts';

/** The arguments after `cli`. Resolves to the exit code of the last command. */
export async function runCli(argv: readonly string[]): Promise<number> {
  const parsed = parseCliOptions(argv);
  const isTerminal = process.stdin.isTTY && process.stdout.isTTY;
  const terminal = new TerminalOutput();
  process.stdout.on('error', endAtClosedPipe);
  switch (parsed.kind) {
    case 'help':
      terminal.out(`Usage: ${CLI_USAGE}`);
      for (const line of Shell.usageLines()) terminal.out(line);
      return ExitCode.ok;
    case 'error':
      terminal.err(parsed.message);
      return ExitCode.invalidInvocation;
    case 'run':
  }
  const { options } = parsed;
  terminal.out(`Connecting to ${options.server}`);
  const shell = openShell(options, terminal);
  if (shell === undefined) return ExitCode.invalidInvocation;
  try {
    if (options.command.length > 0) await shell.runWords(options.command);
    else {
      terminal.out('Welcome to Picket! Type help for the commands.');
      if (isTerminal) await runInteractive(shell, terminal);
      else await runPiped(shell);
    }
  } finally {
    await shell.dispose();
  }
  return shell.exitCode;
}

function openShell(...[options, output]: ConstructorParameters<typeof Shell>): Shell | undefined {
  try {
    return new Shell(options, output);
  } catch (error) {
    report(output, error);
    return undefined;
  }
}

/** `picket cli ls / | head -1`: nobody reads on, which is no error of ours. */
function endAtClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
  process.exit(ExitCode.ok);
}

function report(output: CliOutput, error: unknown): void {
  output.err(`Error: ${error instanceof Error ? error.message : String(error)}`);
}

async function runPiped(shell: Shell): Promise<void> {
  const lines = readline.createInterface({ input: process.stdin, crlfDelay: Infinity });
  for await (const line of lines) {
    await shell.runLine(line);
    if (shell.isOver) break;
  }
}
