/** Splits a line of the shell into words, with zkCli's rules for quotes. */

/**
 * Words are separated by white space. Double or single quotes at the beginning of a word keep
 * everything up to the next one of the same kind together, the other kind included; there is no
 * escape. A quote inside a word is an ordinary character, and one that is never closed is dropped.
 */
export function splitWords(line: string): string[] {
  const words: string[] = [];
  let at = 0;
  while (at < line.length) {
    const first = line.charAt(at);
    if (/\s/.test(first)) {
      at += 1;
    } else if (first === '"' || first === "'") {
      const end = line.indexOf(first, at + 1);
      if (end !== -1) words.push(line.slice(at + 1, end));
      at = end === -1 ? at + 1 : end + 1;
    } else {
      const word = /^\S+/.exec(line.slice(at))?.[0] ?? '';
      words.push(word);
      at += word.length;
    }
  }
  return words;
}
