/**
 * Typed reading of one file's keys. A value that cannot be used is put on the list of problems and
 * the default stands in for it, so that reading goes on and every problem is found in one run.
 */
import type { ConfigProblem } from './config-error.ts';
import { canonicalKey } from './known-keys.ts';
import { type Property, parseProperties } from './properties.ts';

const SECRETS = new Set(['DigestAuthenticationProvider.superDigest']);

/** Findings of one run of the reader, shared by the files it reads. */
export class Findings {
  readonly warnings: string[] = [];
  readonly problems: ConfigProblem[] = [];
}

export interface IntegerRange {
  readonly fallback: number;
  readonly min: number;
  readonly max: number;
}

export class Settings {
  readonly file: string;
  readonly #findings: Findings;
  readonly #entries = new Map<string, Property>();

  constructor(file: string, text: string, findings: Findings) {
    this.file = file;
    this.#findings = findings;
    const { entries, problems } = parseProperties(text.replace(/^\ufeff/, ''));
    for (const { key, line, message } of problems) {
      findings.problems.push({ file, line, key, value: undefined, message });
    }
    for (const entry of entries) {
      const key = canonicalKey(entry.key);
      const earlier = this.#entries.get(key);
      this.#entries.set(key, entry);
      if (earlier !== undefined) {
        this.warn(key, `set before, on line ${earlier.line}; this line counts, as in ZooKeeper`);
      }
    }
  }

  /** Keys in canonical form with their entries, in file order. */
  entries(): Iterable<[string, Property]> {
    return this.#entries.entries();
  }

  get(key: string): Property | undefined {
    return this.#entries.get(key);
  }

  text(key: string): string | undefined {
    return this.#entries.get(key)?.value;
  }

  /** Decimal, or hexadecimal with 0x as Java's system properties allow. */
  integer(key: string, { fallback, min, max }: IntegerRange, what = 'a whole number'): number {
    const text = this.text(key);
    if (text === undefined) return fallback;
    const value = /^([+-]?\d+|0[xX][0-9a-fA-F]+)$/.test(text) ? Number(text) : Number.NaN;
    if (Number.isSafeInteger(value) && value >= min && value <= max) return value;
    this.problem(key, `must be ${what} from ${min} to ${max}`);
    return fallback;
  }

  /** true or false; ZooKeeper has yes and no for some keys, so all four are taken. */
  boolean(key: string, fallback: boolean): boolean {
    const text = this.text(key)?.toLowerCase();
    if (text === undefined) return fallback;
    if (text === 'true' || text === 'yes') return true;
    if (text === 'false' || text === 'no') return false;
    this.problem(key, 'must be true or false (or yes or no)');
    return fallback;
  }

  /** A key that is set to something unusable, or (without an entry) is missing. */
  problem(key: string, message: string): void {
    const entry = this.#entries.get(key);
    const value = SECRETS.has(key) ? undefined : entry?.value;
    const { file } = this;
    this.#findings.problems.push({
      file,
      line: entry?.line,
      key: entry?.key ?? key,
      value,
      message,
    });
  }

  /** The same where the value holds a secret. */
  problemWithoutValue(key: string, message: string): void {
    const line = this.#entries.get(key)?.line;
    this.#findings.problems.push({ file: this.file, line, key, value: undefined, message });
  }

  warn(key: string, message: string): void {
    const entry = this.#entries.get(key);
    const where = entry === undefined ? this.file : `${this.file}:${entry.line}`;
    this.#findings.warnings.push(`${where}: ${entry?.key ?? key}: ${message}`);
  }
}
