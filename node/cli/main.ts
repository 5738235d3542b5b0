#!/usr/bin/env node
/**
 * The `picket` command. Each subcommand is a module of its own that is loaded only when it is
 * asked for, so that a shell command does not pay for the peer's code, and returns the exit code.
 */
import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { ExitCode } from '../runtime/exit-codes.ts';
import { packageVersion } from './package-version.ts';

const PORT_MAX = 65_535;
/** More peers on one machine say nothing about a cluster. */
const PEERS_MAX = 9;

async function main(argv: readonly string[]): Promise<number> {
  let exitCode: number = ExitCode.ok;
  const program = new Command('picket')
    .description('A ZooKeeper-compatible coordination service for single-board computers')
    .version(packageVersion())
    .enablePositionalOptions()
    .exitOverride();

  program
    .command('server')
    .description('run one peer in the foreground')
    .argument('<file>', 'the configuration, a zoo.cfg')
    .action(async (file: string) => {
      const { runServer } = await import('./server-command.ts');
      exitCode = await runServer(file);
    });

  program
    .command('check')
    .description('say what is wrong with a configuration')
    .argument('<file>', 'the configuration, a zoo.cfg')
    .action(async (file: string) => {
      const { runCheck } = await import('./check-command.ts');
      exitCode = runCheck(file);
    });

  program
    .command('up')
    .description('run a local ensemble with an MQTT broker')
    .option('--peers <n>', 'number of peers', wholeNumber(1, PEERS_MAX), 3)
    .option('--dir <directory>', 'where the peers keep their data', '.picket')
    .option('--base-port <port>', "the first peer's client port", wholeNumber(1, PORT_MAX), 2181)
    .action(async (options: { peers: number; dir: string; basePort: number }) => {
      const { runUp } = await import('./up-command.ts');
      exitCode = await runUp(options);
    });

  program
    .command('cli')
    .description('talk to a server, as zkCli.sh does')
    .usage('-server host:port[,host:port] [-timeout ms] [-r] [cmd args]')
    // The options are zkCli's, with one dash: the module reads them itself.
    .argument('[args...]')
    .allowUnknownOption()
    .passThroughOptions()
    .helpOption(false)
    .action(async (args: string[]) => {
      const { runCli } = await import('./cli-command.ts');
      exitCode = await runCli(args);
    });

  await program.parseAsync(argv, { from: 'user' });
  return exitCode;
}

function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < min || value > max) {
      throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
    }
    return value;
  };
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  // Commander has printed what was wrong; help and --version end here too, with 0.
  if (!(error instanceof CommanderError)) throw error;
  process.exitCode = error.exitCode === 0 ? ExitCode.ok : ExitCode.invalidInvocation;
}
