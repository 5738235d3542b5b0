/**
 * The rules of CONTRIBUTING.md that a program can check. Each test lists what breaks its rule; a
 * rule is checked against a small bad example too, for a rule that cannot fail is none.
 */
import assert from 'node:assert/strict';
import path from 'node:path';
import { describe, it } from 'node:test';
import { exitCodeTable } from '../../node/runtime/exit-codes.ts';
import {
  codeOf,
  filesDirectlyIn,
  filesIn,
  functionsOf,
  importsOf,
  readFile,
  type SourceFile,
} from './source-files.ts';

const LINE_MAX = 100;
const FILE_LINES_MAX = 400;
const FUNCTION_LINES_MAX = 70;

const program = filesIn('node', '.ts');
const tests = filesIn('test', '.ts');
const sources = [...program, ...tests];
const texts = [
  ...sources,
  ...['deploy', 'ansible', 'hw'].flatMap((it) => filesIn(it, '.md', '.yml', '.sample', '.service')),
  ...filesDirectlyIn('.', '.md', '.json'),
];

/** What a folder below node/ may import from, besides itself. */
const ALLOWED_IMPORTS: Readonly<Record<string, readonly string[]>> = {
  core: [],
  jute: ['core'],
  log: ['core'],
  net: ['core', 'jute', 'log'],
  runtime: ['core', 'jute', 'log', 'net'],
  client: ['core', 'jute'],
  admin: ['core', 'jute', 'log', 'net', 'runtime'],
  mqtt: ['core', 'jute', 'log', 'net', 'runtime'],
  cli: ['core', 'jute', 'log', 'net', 'runtime', 'admin', 'mqtt', 'client'],
};

/** What would make a step of the core depend on more than its input. */
const IMPURE: ReadonlyArray<readonly [what: string, pattern: RegExp]> = [
  ['Date', /\bDate\b/],
  ['performance', /\bperformance\s*\./],
  ['Math.random', /\bMath\s*\.\s*random\b/],
  ['crypto', /\bcrypto\s*\./],
  ['async', /\basync\b/],
  ['await', /\bawait\b/],
  ['Promise', /\bPromise\b/],
  ['timers', /\b(?:setTimeout|setInterval|setImmediate|queueMicrotask)\b/],
  ['process', /\bprocess\s*\./],
  ['Buffer', /\bBuffer\b/],
  ['console', /\bconsole\s*\./],
];

/** Put together here, so that this file does not break its own rule. */
const BANNED_WORDS = ['TO' + 'DO', 'FIX' + 'ME', 'X' + 'XX', 'HA' + 'CK'];

/** Directories of one machine: homes, scratch folders, work trees. */
const MACHINE_PATH =
  /(?<![\w.}])\/(?:work|root|home\/(?!pi\b)\w+|Users\/\w+|tmp\/(?:zk|brief)\w*)\//;

function impurities(text: string): string[] {
  const code = codeOf(text);
  const found = IMPURE.filter(([, pattern]) => pattern.test(code)).map(([what]) => what);
  const foreign = importsOf(text).filter((from) => !from.startsWith('.'));
  return [...found, ...foreign.map((from) => `import of ${from}`)];
}

/** Imports of `name` (in node/) that its folder does not allow. */
function forbiddenImports({ name, text }: SourceFile): string[] {
  const [, folder = ''] = name.split('/');
  const allowed = ALLOWED_IMPORTS[folder];
  if (allowed === undefined) return [`${folder}/ is not in the table of this test`];
  return importsOf(text).filter((from) => {
    if (!from.startsWith('.') || path.posix.basename(from) === 'package.json') return false;
    const target = path.posix.normalize(path.posix.join(path.posix.dirname(name), from));
    const [top, into = ''] = target.split('/');
    return top !== 'node' || (into !== folder && !allowed.includes(into));
  });
}

/** A comment before any code: what the file is for. A test file may let its titles say it. */
function hasHeader(text: string): boolean {
  return /^(?:#![^\n]*\n)?\/[*/]/.test(text);
}

function hasDefaultExport(text: string): boolean {
  return /\bexport\s+default\b|\bas\s+default\b/.test(codeOf(text));
}

/** What the formatter cannot break: the title of a test, a regular expression. */
const UNBREAKABLE = /^\s*(?:(?:test|it|describe)\(['`]|\/\S)/;

function longLines(text: string): number[] {
  const lines = text
    .split('\n')
    .map((line, index) => ({ line, length: [...line].length, number: index + 1 }));
  return lines
    .filter(({ length, line }) => length > LINE_MAX && !UNBREAKABLE.test(line))
    .map(({ number }) => number);
}

/** What is wrong with a change log, judged by its headings and entries. */
function changelogProblems(text: string): string[] {
  const lines = text.split('\n');
  const problems = lines[0] === '# Changes' ? [] : ['the first line is not "# Changes"'];
  const versions = lines.filter((line) => line.startsWith('## '));
  if (versions.length === 0) problems.push('there is no version');
  for (const [index, heading] of versions.entries()) {
    const isReleased = /^## \d+\.\d+\.\d+ - \d{4}-\d{2}-\d{2}$/.test(heading);
    if (!isReleased && !(index === 0 && heading === '## Unreleased')) {
      problems.push(`"${heading}" is neither "## 1.2.3 - 2026-01-31" nor, on top, "## Unreleased"`);
    }
  }
  for (const line of lines.filter((it) => it.startsWith('### '))) {
    if (!/^### (?:Added|Changed|Fixed|Removed|Security)$/.test(line)) problems.push(`"${line}"`);
  }
  return problems;
}

/** `name: what` for every finding in every file. */
function findings(files: readonly SourceFile[], find: (file: SourceFile) => unknown[]): string[] {
  return files.flatMap((file) => find(file).map((what) => `${file.name}: ${what}`));
}

describe('the pure core', () => {
  it('names no clock, no random, no promise and no module of Node', () => {
    const core = filesIn('node/core', '.ts');
    assert.ok(core.length > 10);
    assert.deepEqual(
      findings(core, ({ text }) => impurities(text)),
      [],
    );
  });

  it('is checked by a rule that can fail', () => {
    assert.deepEqual(impurities("/** Date */\nconst a = 'await'; // Promise\n"), []);
    assert.deepEqual(impurities('const t = Date.now();'), ['Date']);
    assert.deepEqual(impurities('x = Math . random ();'), ['Math.random']);
    assert.deepEqual(impurities("import fs from 'node:fs';"), ['import of node:fs']);
    assert.deepEqual(impurities('async () => { await 1; }'), ['async', 'await']);
  });
});

describe('imports', () => {
  it('point one way between the folders of node/', () => {
    assert.deepEqual(findings(program, forbiddenImports), []);
  });

  it('are checked by a rule that can fail', () => {
    const check = (name: string, from: string): string[] =>
      forbiddenImports({ name, text: `import type { A } from '${from}';\n` });
    assert.deepEqual(check('node/core/zab/a.ts', '../zxid.ts'), []);
    assert.deepEqual(check('node/runtime/a.ts', '../core/zxid.ts'), []);
    assert.deepEqual(check('node/core/a.ts', '../jute/writer.ts'), ['../jute/writer.ts']);
    assert.deepEqual(check('node/log/a.ts', '../jute/writer.ts'), ['../jute/writer.ts']);
    assert.deepEqual(check('node/runtime/a/b.ts', '../../admin/c.ts'), ['../../admin/c.ts']);
    assert.deepEqual(check('node/cli/a.ts', '../../test/helpers/b.ts'), [
      '../../test/helpers/b.ts',
    ]);
    const several = "import {\n  a,\n  b,\n} from '../mqtt/a.ts';\nexport { c } from './c.ts';\n";
    assert.deepEqual(importsOf(several), ['../mqtt/a.ts', './c.ts']);
    assert.deepEqual(importsOf("const m = await import('../cli/x.ts');"), ['../cli/x.ts']);
  });
});

describe('source files', () => {
  it('open with a comment on their job', () => {
    const files = sources.filter(({ name }) => !name.endsWith('.test.ts'));
    const headless = findings(files, ({ text }) => (hasHeader(text) ? [] : ['no header']));
    assert.deepEqual(headless, []);
    assert.equal(hasHeader("import a from 'a';\n/** x */\n"), false);
  });

  it('export by name', () => {
    const all = findings(sources, ({ text }) => (hasDefaultExport(text) ? ['default'] : []));
    assert.deepEqual(all, []);
    assert.equal(hasDefaultExport('export default 1;'), true);
  });

  it(`have at most ${FILE_LINES_MAX} lines of at most ${LINE_MAX} characters`, () => {
    const tooLong = findings(sources, ({ text }) => {
      const lines = text.trimEnd().split('\n').length;
      return lines > FILE_LINES_MAX ? [`${lines} lines`] : [];
    });
    assert.deepEqual(tooLong, []);
    const wide = findings(sources, ({ text }) => longLines(text).map((line) => `line ${line}`));
    assert.deepEqual(wide, []);
    assert.deepEqual(longLines(`a\n${'é'.repeat(100)}\n${'b'.repeat(101)}`), [3]);
  });

  it(`have functions of at most ${FUNCTION_LINES_MAX} lines`, () => {
    const long = findings(program, ({ text }) =>
      functionsOf(text)
        .filter(({ lines }) => lines > FUNCTION_LINES_MAX)
        .map(({ name, line, lines }) => `${name} on line ${line} has ${lines} lines`),
    );
    assert.deepEqual(long, []);
  });

  it('are measured by a scan that sees functions, methods and their ends', () => {
    const text = `function a(x: { b: 1 }): { c: 2 } {\n  return "}";\n}\nclass K {\n  m<T>(t: T) {
    if (t) {\n      // }\n    }\n  }\n  n(): void;\n  async *#o() {\n  }\n}\n`;
    assert.deepEqual(functionsOf(text), [
      { name: 'a', line: 1, lines: 3 },
      { name: 'm', line: 5, lines: 5 },
      { name: '#o', line: 11, lines: 2 },
    ]);
  });
});

describe('texts', () => {
  it('leave nothing for later in a comment', () => {
    const banned = new RegExp(`\\b(?:${BANNED_WORDS.join('|')})\\b`);
    assert.deepEqual(
      findings(texts, ({ text }) => text.match(banned) ?? []),
      [],
    );
  });

  it('name no directory of one machine', () => {
    assert.deepEqual(
      findings(texts, ({ text }) => text.match(MACHINE_PATH)?.slice(0, 1) ?? []),
      [],
    );
    assert.match(['see ', 'work', 'x'].join('/'), MACHINE_PATH);
    assert.doesNotMatch('node/work/x and /var/lib/picket', MACHINE_PATH);
  });

  it('list every exit code in README.md, by number and name', () => {
    const { text } = readFile('README.md');
    const missing = exitCodeTable.filter(({ code, name }) => {
      return !new RegExp(`^\\|\\s*${code}\\s*\\|[^\\n]*\\b${name}\\b`, 'm').test(text);
    });
    assert.deepEqual(
      missing.map(({ code, name }) => `| ${code} | ${name} | … |`),
      [],
    );
  });

  it('keep the change log in form', () => {
    assert.deepEqual(changelogProblems(readFile('CHANGELOG.md').text), []);
    assert.equal(changelogProblems('# Log\n## v1\n### Misc\n').length, 3);
  });
});

describe('exit codes', () => {
  it('are distinct, and the table has each once', () => {
    const codes = exitCodeTable.map(({ code }) => code);
    assert.equal(new Set(codes).size, codes.length);
    for (const { meaning, remedy } of exitCodeTable) assert.ok(meaning !== '' && remedy !== '');
  });
});
