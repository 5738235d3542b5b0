/** What a command of the shell is, and what it is given. */
import type { ZooKeeperClient } from '../../client/zookeeper-client.ts';
import { CliError } from './cli-error.ts';
import { type Flags, parseFlags } from './flags.ts';

/** Where lines go: results to `out`, everything else to `err`, as zkCli has it. */
export interface CliOutput {
  out(line: string): void;
  err(line: string): void;
}

export interface CommandContext extends CliOutput {
  /** A client that may be connecting; watches that are set with `true` are shown. */
  readonly client: ZooKeeperClient;
}

export interface Command {
  readonly name: string;
  /** What follows the name in the list of commands. */
  readonly usage: string;
  /** The flags it takes; see `parseFlags`. */
  readonly letters: string;
  readonly operandsMin: number;
  /** Throws CliError, or what the client rejects with. */
  run(context: CommandContext, flags: Flags): Promise<void>;
}

/** `words` without the command's name. */
export async function runCommand(
  command: Command,
  context: CommandContext,
  words: readonly string[],
): Promise<void> {
  const flags = parseFlags(command.letters, words);
  if (flags.operands.length < command.operandsMin) {
    throw new CliError(`${command.name} ${command.usage}`);
  }
  await command.run(context, flags);
}

/**
 * zkCli before 3.5 took `get path true` for a watch; it still does, and says what to write now
 * (`form`). True when a watch is asked for in either way.
 */
export function wantsWatch(name: string, form: string, output: CliOutput, flags: Flags): boolean {
  if (flags.operands.length < 2) return flags.has('w');
  output.err(`'${name} path [watch]' has been deprecated. Please use '${name} ${form}' instead.`);
  return true;
}
