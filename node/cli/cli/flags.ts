/**
 * The flags of a shell command (`create -s -e path data`): single letters, in any place, `-se` for
 * both, `-v 3` or `-v3` for one with a value. `--` ends them, so that data may begin with a dash.
 */
import { CliError } from './cli-error.ts';

export interface Flags {
  has(letter: string): boolean;
  value(letter: string): string | undefined;
  /** A whole number from -2^31 to 2^31 - 1, or undefined when the flag is absent. */
  int(letter: string): number | undefined;
  readonly operands: readonly string[];
}

/** `letters`: those that the command knows; one followed by `:` takes a value. Throws CliError. */
export function parseFlags(letters: string, words: readonly string[]): Flags {
  const values = new Map<string, string>();
  const operands: string[] = [];
  let areOver = false;
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? '';
    if (areOver || word === '-' || !word.startsWith('-')) {
      operands.push(word);
    } else if (word === '--') {
      areOver = true;
    } else if (takeFlags(letters, word, words[at + 1], values)) {
      at += 1;
    }
  }
  return {
    has: (letter) => values.has(letter),
    value: (letter) => values.get(letter),
    int: (letter) => parseInt32(letter, values.get(letter)),
    operands,
  };
}

/** Takes the flags of one word; true when `next` was taken as a value. */
function takeFlags(
  letters: string,
  word: string,
  next: string | undefined,
  values: Map<string, string>,
): boolean {
  for (let i = 1; i < word.length; i += 1) {
    const letter = word.charAt(i);
    const place = letter === ':' ? -1 : letters.indexOf(letter);
    if (place === -1) throw new CliError(`Unrecognized option: ${word}`);
    if (letters.charAt(place + 1) !== ':') {
      values.set(letter, '');
      continue;
    }
    const attached = word.slice(i + 1);
    const value = attached === '' ? next : attached;
    if (value === undefined) throw new CliError(`Missing argument for option: ${letter}`);
    values.set(letter, value);
    return attached === '';
  }
  return false;
}

function parseInt32(letter: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!/^[+-]?\d+$/.test(text) || value !== (value | 0)) {
    throw new CliError(`-${letter} takes a whole number of 32 bits, not '${text}'`);
  }
  return value;
}
