/**
 * Transcripts: a text file of commands, each followed by all that came of it. A test runs the
 * commands and compares the whole file; with UPDATE_TRANSCRIPTS=1 it writes the file, and the
 * difference is read before it is committed.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { LabCommands } from './zab-lab-commands.ts';

const DIRECTORY = new URL('../../../test/scenario/transcripts/', import.meta.url);

export function transcriptNames(): string[] {
  return readdirSync(DIRECTORY)
    .filter((name) => name.endsWith('.txt'))
    .sort();
}

export function checkTranscript(name: string): void {
  const file = new URL(name, DIRECTORY);
  const text = readFileSync(file, 'utf8');
  assert.match(text, /^# /, 'it opens with what goes wrong');
  assert.match(text, /^> expect /m, 'it expects something, or nothing would be proved');
  const actual = rerun(text);
  const { UPDATE_TRANSCRIPTS } = process.env;
  if (UPDATE_TRANSCRIPTS === '1') writeFileSync(file, actual);
  else assert.equal(actual, text);
}

/** The commands and comments of `text` with the trace of a new run. */
export function rerun(text: string): string {
  const commands = new LabCommands();
  const lines: string[] = [];
  for (const line of text.split('\n')) {
    if (line.startsWith('# ') || line === '#') lines.push(line);
    if (!line.startsWith('> ')) continue;
    const trace = run(commands, line.slice(2));
    lines.push(line, ...trace);
    // A blank line after what is long, so that the commands stand out.
    if (trace.length > 0) lines.push('');
  }
  return `${lines.join('\n').trimEnd()}\n`;
}

function run(commands: LabCommands, command: string): string[] {
  try {
    return commands.run(command);
  } catch (error) {
    throw new Error(`> ${command}`, { cause: error });
  }
}
