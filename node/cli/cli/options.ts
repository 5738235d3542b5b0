/** The options of `picket cli`: zkCli's, with one dash, before an optional command. */

export interface CliOptions {
  /** The connect string. */
  readonly server: string;
  readonly timeoutMs: number;
  readonly readOnly: boolean;
  /** The command and its arguments; empty for a shell. */
  readonly command: readonly string[];
}

export type ParsedOptions =
  | { readonly kind: 'run'; readonly options: CliOptions }
  | { readonly kind: 'help' }
  | { readonly kind: 'error'; readonly message: string };

const SERVER_DEFAULT = 'localhost:2181';
const TIMEOUT_MS_DEFAULT = 30_000;
const TIMEOUT_MS_MAX = 24 * 60 * 60 * 1000;

export const CLI_USAGE =
  'picket cli -server host:port[,host:port][/chroot] [-timeout ms] [-r] [cmd args]';

export function parseCliOptions(argv: readonly string[]): ParsedOptions {
  let server = SERVER_DEFAULT;
  let timeoutMs = TIMEOUT_MS_DEFAULT;
  let readOnly = false;
  let at = 0;
  for (; at < argv.length; at += 1) {
    const option = argv[at] ?? '';
    if (!option.startsWith('-')) break;
    if (option === '-h' || option === '-help' || option === '--help') return { kind: 'help' };
    if (option === '-r') readOnly = true;
    else if (option === '-server' || option === '-timeout') {
      at += 1;
      const value = argv[at];
      if (value === undefined) return failure(`no argument found for option ${option}`);
      if (option === '-server') server = value;
      else {
        timeoutMs = Number(value);
        if (!/^\d+$/.test(value) || timeoutMs < 1 || timeoutMs > TIMEOUT_MS_MAX) {
          return failure(`-timeout takes milliseconds from 1 to ${TIMEOUT_MS_MAX}, not '${value}'`);
        }
      }
    } else if (option !== '-waitforconnection') {
      // This CLI always waits for the connection, so that zkCli's option for it asks nothing new.
      return failure(`unknown option ${option}; usage: ${CLI_USAGE}`);
    }
  }
  return { kind: 'run', options: { server, timeoutMs, readOnly, command: argv.slice(at) } };
}

function failure(message: string): ParsedOptions {
  return { kind: 'error', message: `Error: ${message}` };
}
