/**
 * The syntax of java.util.Properties, in which zoo.cfg is written: comments (# and !), separators
 * (= : or white space), backslash escapes, continued lines. Every entry remembers its line, so that
 * a complaint can name it, and how its value was written, so that a lost backslash can be seen.
 */

export interface Property {
  readonly key: string;
  /** Unescaped, with surrounding white space removed (as ZooKeeper does after reading). */
  readonly value: string;
  /** The value as written in the file, escapes and all. */
  readonly rawValue: string;
  /** Number of the line on which the entry begins, from 1. */
  readonly line: number;
}

export interface PropertyProblem {
  readonly line: number;
  readonly key: string;
  readonly message: string;
}

export interface ParsedProperties {
  /** In file order; a key that is set twice is there twice. */
  readonly entries: readonly Property[];
  readonly problems: readonly PropertyProblem[];
}

interface LogicalLine {
  readonly text: string;
  readonly line: number;
}

const MALFORMED_UNICODE =
  'malformed \\u escape: \\u takes four hexadecimal digits; double a backslash';
const BLANKS = ' \t\f';
const ESCAPED: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', f: '\f' };

export function parseProperties(text: string): ParsedProperties {
  const entries: Property[] = [];
  const problems: PropertyProblem[] = [];
  for (const { text: logical, line } of logicalLines(text)) {
    const keyEnd = endOfKey(logical);
    const rawKey = logical.slice(0, keyEnd);
    const rawValue = logical.slice(startOfValue(logical, keyEnd));
    const key = unescaped(rawKey);
    const value = unescaped(rawValue);
    if (key === undefined || value === undefined) {
      problems.push({ line, key: key ?? rawKey, message: MALFORMED_UNICODE });
    } else {
      entries.push({ key: key.trim(), value: value.trim(), rawValue: rawValue.trimEnd(), line });
    }
  }
  return { entries, problems };
}

/**
 * The text of a configuration file. Java reads Latin-1; editors write UTF-8. Bytes that are valid
 * UTF-8 are taken as that (ASCII is the same in both), anything else as Latin-1.
 */
export function decodeProperties(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return Buffer.from(bytes).toString('latin1');
  }
}

/** Joins continued lines and drops blank lines and comments (a comment cannot be continued). */
function logicalLines(text: string): LogicalLine[] {
  const natural = text.split(/\r\n|\r|\n/);
  const lines: LogicalLine[] = [];
  let index = 0;
  while (index < natural.length) {
    const line = index + 1;
    let joined = trimStart(natural[index++] ?? '');
    if (joined === '' || joined.startsWith('#') || joined.startsWith('!')) continue;
    while (isContinued(joined)) {
      joined = joined.slice(0, -1) + trimStart(natural[index++] ?? '');
    }
    if (joined !== '') lines.push({ text: joined, line });
  }
  return lines;
}

/** A line goes on when it ends in an odd number of backslashes. */
function isContinued(text: string): boolean {
  let backslashes = 0;
  while (text.at(-1 - backslashes) === '\\') backslashes++;
  return backslashes % 2 === 1;
}

function trimStart(text: string): string {
  let start = 0;
  while (start < text.length && BLANKS.includes(text.charAt(start))) start++;
  return text.slice(start);
}

/** The first separator that no backslash protects. */
function endOfKey(text: string): number {
  for (let at = 0; at < text.length; at++) {
    const char = text.charAt(at);
    if (char === '\\') at++;
    else if (char === '=' || char === ':' || BLANKS.includes(char)) return at;
  }
  return text.length;
}

/** Past blanks, at most one = or :, and blanks again. */
function startOfValue(text: string, keyEnd: number): number {
  const skipBlanks = (from: number): number => text.length - trimStart(text.slice(from)).length;
  const at = skipBlanks(keyEnd);
  const char = text.charAt(at);
  return char === '=' || char === ':' ? skipBlanks(at + 1) : at;
}

/** Undefined when a \u escape is malformed. A backslash before any other character is dropped. */
function unescaped(text: string): string | undefined {
  if (!text.includes('\\')) return text;
  let result = '';
  for (let at = 0; at < text.length; at++) {
    const char = text.charAt(at);
    if (char !== '\\') {
      result += char;
      continue;
    }
    const next = text.charAt(++at);
    if (next === 'u') {
      const digits = text.slice(at + 1, at + 5);
      if (!/^[0-9a-fA-F]{4}$/.test(digits)) return undefined;
      result += String.fromCharCode(Number.parseInt(digits, 16));
      at += 4;
    } else {
      result += ESCAPED[next] ?? next;
    }
  }
  return result;
}
