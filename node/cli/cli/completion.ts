/** What the Tab key offers: commands for the first word, znodes for a word with a slash. */
import { Shell } from './shell.ts';

/** What of the shell completion needs. */
export interface CompletionSource {
  childrenOf(path: string): Promise<string[]>;
}

/** The candidates, and the part of the line that they replace: readline's contract. */
export async function completeLine(
  source: CompletionSource,
  line: string,
): Promise<[string[], string]> {
  const word = /\S*$/.exec(line)?.[0] ?? '';
  if (word.startsWith('/')) return [await completePath(source, word), word];
  if (word !== line.trimStart()) return [[], word];
  return [Shell.commandNames().filter((name) => name.startsWith(word)), word];
}

async function completePath(source: CompletionSource, word: string): Promise<string[]> {
  const slash = word.lastIndexOf('/');
  const parent = slash === 0 ? '/' : word.slice(0, slash);
  const children = await source.childrenOf(parent);
  return children
    .map((name) => `${word.slice(0, slash + 1)}${name}`)
    .filter((path) => path.startsWith(word))
    .sort();
}
