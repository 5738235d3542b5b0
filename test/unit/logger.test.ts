/**
 * The log as a reader of its lines sees it.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import process from 'node:process';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Log } from '../../node/core/log-sink.ts';
import { createLogger, type LogLevel, parseLogLevel } from '../../node/runtime/logger.ts';

function collect(level: LogLevel, isPretty = false): { log: Log; lines: string[] } {
  const lines: string[] = [];
  const destination = { write: (line: string): void => void lines.push(line) };
  return { log: createLogger({ level, destination, isPretty }), lines };
}

describe('a log line', () => {
  it('is JSON with level, time, message and facts', () => {
    const { log, lines } = collect('info');
    log.warn('journal is slow', { flushMs: 812, zxid: 0x100000001 });
    assert.equal(lines.length, 1);
    assert.ok(lines[0]?.endsWith('}\n'));
    const { time, ...line } = JSON.parse(lines[0] ?? '');
    assert.ok(Number.isFinite(Date.parse(time)));
    assert.deepEqual(line, {
      level: 'warn',
      msg: 'journal is slow',
      flushMs: 812,
      zxid: 0x100000001,
    });
  });

  it('is written from the chosen level on', () => {
    const { log, lines } = collect('warn');
    log.debug('a');
    log.info('b');
    log.warn('c');
    log.error('d');
    assert.deepEqual(
      lines.map((line) => JSON.parse(line).msg),
      ['c', 'd'],
    );
    const silent = collect('silent');
    silent.log.error('e');
    assert.deepEqual(silent.lines, []);
  });

  it('shows no secret, at the top or below', () => {
    const { log, lines } = collect('info');
    log.info('x', {
      password: 'hunter2',
      broker: { url: 'mqtt://h', passwd: 'hunter2' },
      request: { client: { auth: 'hunter2' } },
      superDigest: 'hunter2',
    });
    assert.doesNotMatch(lines.join(), /hunter2/);
    assert.match(lines.join(), /"password":"\(hidden\)"/);
    assert.match(lines.join(), /mqtt:\/\/h/);
  });

  it('keeps what an error says, and a 64-bit id exactly', () => {
    const { log, lines } = collect('info');
    log.error('x', { cause: new TypeError('no route'), session: 0x7fffffffffffffffn });
    const [line = ''] = lines;
    const { cause } = JSON.parse(line);
    assert.equal(cause.type, 'TypeError');
    assert.equal(cause.message, 'no route');
    assert.match(cause.stack, /logger\.test/);
    assert.match(line, /9223372036854775807/);
  });

  it('is readable for people', () => {
    const { log, lines } = collect('info', true);
    log.info('leading', { epoch: 3, password: 'hunter2' });
    assert.match(lines.join(''), /INFO.*: .*leading.*"epoch":3/);
    assert.doesNotMatch(lines.join(''), /hunter2|\{"level"/);
  });
});

describe('the level', () => {
  it('is one of five', () => {
    assert.equal(parseLogLevel('DEBUG'), 'debug');
    assert.throws(() => parseLogLevel('loud'), /PICKET_LOG_LEVEL=loud: must be one of debug, info/);
  });
});

describe('the default log', () => {
  const logger = fileURLToPath(new URL('../../node/runtime/logger.js', import.meta.url));
  const program = `import { createLogger } from ${JSON.stringify(logger)};
    const log = createLogger();
    log.debug('last words');
    process.exit(3);`;

  function run(env: Record<string, string>): { stderr: string; status: number | null } {
    const options = { env: { ...process.env, ...env }, encoding: 'utf8' } as const;
    return spawnSync(process.execPath, ['--input-type=module', '-e', program], options);
  }

  it('goes to stderr at once, by PICKET_LOG_LEVEL and PICKET_LOG', () => {
    const json = run({ PICKET_LOG_LEVEL: 'debug', PICKET_LOG: 'json' });
    assert.equal(json.status, 3);
    assert.equal(JSON.parse(json.stderr).msg, 'last words');
    assert.match(
      run({ PICKET_LOG_LEVEL: 'debug', PICKET_LOG: 'pretty' }).stderr,
      /DEBUG.*last words/,
    );
    assert.equal(run({ PICKET_LOG_LEVEL: 'info', PICKET_LOG: 'json' }).stderr, '');
  });
});
