/**
 * The files of the repository as the tidy tests see them, and what can be read off TypeScript
 * source with a simple scan: code without comments and strings, imports, functions.
 */
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export interface SourceFile {
  /** From the root of the repository, with /. */
  readonly name: string;
  readonly text: string;
}

const SKIPPED = new Set(['node_modules', 'dist', '.git', '.picket', 'fixtures']);

/** The directory with package.json: tests run from dist/test/tidy. */
export const ROOT = findRoot(path.dirname(fileURLToPath(import.meta.url)));

/** Files below `folder` whose names end in one of `endings`, sorted. */
export function filesIn(folder: string, ...endings: string[]): SourceFile[] {
  const found: SourceFile[] = [];
  const top = path.join(ROOT, folder);
  if (!fs.existsSync(top)) return found;
  for (const entry of fs.readdirSync(top, { withFileTypes: true })) {
    if (SKIPPED.has(entry.name)) continue;
    const name = path.posix.join(folder, entry.name);
    if (entry.isDirectory()) found.push(...filesIn(name, ...endings));
    else if (endings.some((ending) => entry.name.endsWith(ending))) found.push(readFile(name));
  }
  return found.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** The same without the folders below. */
export function filesDirectlyIn(folder: string, ...endings: string[]): SourceFile[] {
  const names = fs.readdirSync(path.join(ROOT, folder), { withFileTypes: true });
  return names
    .filter((entry) => entry.isFile() && endings.some((ending) => entry.name.endsWith(ending)))
    .map((entry) => readFile(path.posix.join(folder, entry.name)));
}

export function readFile(name: string): SourceFile {
  return { name, text: fs.readFileSync(path.join(ROOT, name), 'utf8') };
}

/**
 * The text with comments, strings and regular expressions blanked, line for line: words in prose
 * are no code. Expressions inside template strings are blanked with them.
 */
export function codeOf(text: string): string {
  const literal =
    /\/\*[\s\S]*?\*\/|\/\/[^\n]*|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\[\s\S]|[^`\\])*`|(?<=[(,=:[!&|?;]\s*|return\s+)\/(?![*/\s])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\/[dgimsuvy]*/g;
  return text.replace(literal, (match) => match.replace(/[^\n]/g, ' '));
}

/** What a file imports or re-exports, as written. */
export function importsOf(text: string): string[] {
  const clause = /^(?:import|export)\s[\w\s{},*$]*?from\s*['"]([^'"]+)['"]/gm;
  const bare = /^import\s*['"]([^'"]+)['"]/gm;
  const dynamic = /\bimport\(\s*['"]([^'"]+)['"]/g;
  return [clause, bare, dynamic].flatMap((pattern) =>
    [...text.matchAll(pattern)].map(([, from = '']) => from),
  );
}

export interface FunctionSpan {
  readonly name: string;
  /** From 1. */
  readonly line: number;
  readonly lines: number;
}

/** Functions and methods with their length, by counting braces after what looks like a head. */
export function functionsOf(text: string): FunctionSpan[] {
  const code = codeOf(text);
  const head =
    /(?:\bfunction\*?\s+([\w$]+)|^ {2}(?:(?:private|protected|public|static|override|async|get|set)\s+)*(?:\*\s*)?(#?[\w$]+))\s*(?:<[^>()]*>)?\s*\((?=[^;]*\{)/gm;
  const spans: FunctionSpan[] = [];
  for (const match of code.matchAll(head)) {
    const name = match[1] ?? match[2] ?? '';
    if (['if', 'for', 'while', 'switch', 'catch'].includes(name)) continue;
    const open = bodyStart(code, match.index + match[0].length - 1);
    if (open === undefined) continue;
    const line = lineAt(code, match.index);
    spans.push({ name, line, lines: lineAt(code, matching(code, open)) - line + 1 });
  }
  return spans;
}

/** The brace of the body: the first one outside parentheses, unless a `;` comes before it. */
function bodyStart(code: string, from: number): number | undefined {
  let depth = 0;
  for (let at = from; at < code.length; at++) {
    const char = code.charAt(at);
    if (char === '(') depth++;
    else if (char === ')') depth--;
    else if (depth === 0 && char === ';') return undefined;
    else if (depth === 0 && char === '{') {
      if (!/:\s*$/.test(code.slice(from, at)) && !/[|&<]\s*$/.test(code.slice(from, at))) return at;
      at = matching(code, at);
    }
  }
  return undefined;
}

/** The end of the pair of braces that opens at `open`. */
function matching(code: string, open: number): number {
  let depth = 0;
  for (let at = open; at < code.length; at++) {
    const char = code.charAt(at);
    if (char === '{') depth++;
    else if (char === '}' && --depth === 0) return at;
  }
  return code.length;
}

function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split('\n').length;
}

function findRoot(from: string): string {
  let folder = from;
  while (!fs.existsSync(path.join(folder, 'package.json'))) {
    const parent = path.dirname(folder);
    if (parent === folder) throw new Error(`no package.json above ${from}`);
    folder = parent;
  }
  return folder;
}
