/**
 * The log of a peer: one JSON object a line on stderr, or readable lines on a terminal. Writing is
 * synchronous, so that the last line before a halt is not lost in a buffer; what is logged is
 * little. Secrets among the facts are replaced, wherever they stand in the first levels.
 */
import { createRequire } from 'node:module';
import process from 'node:process';
import { type DestinationStream, type Logger, pino } from 'pino';
import type { Log } from '../core/log-sink.ts';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface LoggerOptions {
  /** The least level that is written. Default: PICKET_LOG_LEVEL, else `info`. */
  readonly level?: LogLevel;
  /** Where whole lines go. Default: stderr, synchronously. */
  readonly destination?: DestinationStream;
  /** Readable lines in place of JSON. Default: PICKET_LOG=pretty, or stderr is a terminal. */
  readonly isPretty?: boolean;
}

const SECRETS = ['auth', 'password', 'passwd', 'superDigest', 'token'];
const STDERR = 2;

/** Throws an Error that names the allowed levels when PICKET_LOG_LEVEL is none of them. */
export function createLogger(options: LoggerOptions = {}): Log {
  const level = options.level ?? parseLogLevel(levelFromEnvironment());
  const isPretty = options.isPretty ?? isPrettyByDefault(options.destination !== undefined);
  const sink = options.destination ?? pino.destination({ dest: STDERR, sync: true });
  const logger = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }), log: withPlainErrors },
      redact: { paths: redactedPaths(), censor: '(hidden)' },
    },
    isPretty ? prettyStream(sink) : sink,
  );
  return {
    debug: writer(logger, 'debug'),
    info: writer(logger, 'info'),
    warn: writer(logger, 'warn'),
    error: writer(logger, 'error'),
  };
}

export function parseLogLevel(text: string): LogLevel {
  const level = LOG_LEVELS.find((known) => known === text.toLowerCase());
  if (level !== undefined) return level;
  throw new Error(`PICKET_LOG_LEVEL=${text}: must be one of ${LOG_LEVELS.join(', ')}`);
}

function levelFromEnvironment(): string {
  const { PICKET_LOG_LEVEL: level = 'info' } = process.env;
  return level;
}

type Write = (message: string, facts?: Readonly<Record<string, unknown>>) => void;

function writer(logger: Logger, level: Exclude<LogLevel, 'silent'>): Write {
  return (message, facts) => {
    if (facts === undefined) logger[level](message);
    else logger[level](facts, message);
  };
}

function isPrettyByDefault(hasDestination: boolean): boolean {
  const { PICKET_LOG: wanted } = process.env;
  if (wanted !== undefined) return wanted === 'pretty';
  return !hasDestination && process.stderr.isTTY === true;
}

/** Loaded only for people: a peer on a board writes JSON and does without this code. */
function prettyStream(sink: DestinationStream): DestinationStream {
  const require = createRequire(import.meta.url);
  const { prettyFactory }: typeof import('pino-pretty') = require('pino-pretty');
  const format = prettyFactory({ singleLine: true, translateTime: 'SYS:HH:MM:ss.l' });
  return { write: (line) => sink.write(format(line)) };
}

/** At the top, one level down and two levels down. */
function redactedPaths(): string[] {
  return SECRETS.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]);
}

/** An Error has no enumerable properties: as it is, JSON would say {}. */
function withPlainErrors(facts: Record<string, unknown>): Record<string, unknown> {
  const entries = Object.entries(facts).map(([name, value]) => {
    return [name, value instanceof Error ? pino.stdSerializers.err(value) : value];
  });
  return Object.fromEntries(entries);
}
