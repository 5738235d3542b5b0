/**
 * What is wrong with a configuration file, all of it at once: whoever fixes a file on a board
 * without a screen should not have to restart the server for every mistake.
 */

export interface ConfigProblem {
  readonly file: string;
  /** Undefined for something that is missing from the file. */
  readonly line: number | undefined;
  readonly key: string;
  /** What the file says; undefined where nothing is said or where it is a secret. */
  readonly value: string | undefined;
  /** What is allowed, or what to do. */
  readonly message: string;
}

export class ConfigError extends Error {
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    super(problems.map(formatProblem).join('\n'));
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

/** `zoo.cfg:3: clientPort=99999: must be a port from 1 to 65535` */
export function formatProblem(problem: ConfigProblem): string {
  const where = problem.line === undefined ? problem.file : `${problem.file}:${problem.line}`;
  const what =
    problem.value === undefined ? problem.key : `${problem.key}=${printable(problem.value)}`;
  return `${where}: ${what}: ${problem.message}`;
}

/** Control characters as escapes, so that a TAB in a path is seen. */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what we look for
  return text.replace(/[\u0000-\u001f\u007f]/g, (char) => {
    if (char === '\t') return '\\t';
    if (char === '\n') return '\\n';
    return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}
