/**
 * `picket server FILE`: one peer in the foreground. It ties the parts together (runtime,
 * four-letter words, MQTT bridge) and turns every way in which a peer can end into an exit code and
 * a line that says why.
 */
import process from 'node:process';
import { FOUR_LETTER_WORDS, fourLetterWhitelist } from '../admin/four-letter.ts';
import { FourLetterService } from '../admin/four-letter-service.ts';
import type { ServerView } from '../admin/four-letter-view.ts';
import { PeerControl } from '../admin/peer-control.ts';
import type { PrometheusPort } from '../admin/prometheus.ts';
import { viewOf } from '../admin/server-view.ts';
import { InvariantError } from '../core/invariant.ts';
import type { Log } from '../core/log-sink.ts';
import { openDataDirs } from '../log/data-dir.ts';
import { OsDisk } from '../log/os-disk.ts';
import type { MqttBridge } from '../mqtt/bridge.ts';
import { ChangeNumbering, treeSource } from '../mqtt/peer-bridge.ts';
import { systemClock } from '../runtime/clock.ts';
import { loadConfigFile } from '../runtime/config/load-config.ts';
import type { PeerConfig } from '../runtime/config/peer-config.ts';
import { ExitCode } from '../runtime/exit-codes.ts';
import { exitCodeOf, HaltError } from '../runtime/halt.ts';
import { createLogger } from '../runtime/logger.ts';
import { PeerRuntime } from '../runtime/peer-runtime.ts';
import { packageVersion } from './package-version.ts';

/** How long stopping may take before the process ends without waiting for the rest. */
const STOP_TIMEOUT_MS = 10_000;

/** Resolves to the exit code when the peer has ended. */
export async function runServer(file: string): Promise<number> {
  let log: Log;
  try {
    log = createLogger();
  } catch (error) {
    // There is no log yet to say it in.
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    return ExitCode.invalidInvocation;
  }
  try {
    const { config, warnings } = loadConfigFile(file);
    for (const warning of warnings) log.warn(warning);
    return await serve(config, log);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    for (const line of message.split('\n')) log.error(line);
    const exitCode = exitCodeOf(error);
    if (exitCode === ExitCode.unexpected && error instanceof Error) log.error(String(error.stack));
    return exitCode;
  }
}

async function serve(config: PeerConfig, log: Log): Promise<number> {
  const { lock } = openDataDirs(config);
  try {
    return await servePeer(config, log);
  } finally {
    lock.release();
  }
}

/** Directories and lock are this process's. */
async function servePeer(config: PeerConfig, log: Log): Promise<number> {
  const startedAtMs = performance.now();
  const disk = new OsDisk();
  const ending = new Ending();
  catchWhatNobodyCaught(log, ending);
  const bridge = await newBridge(config, log, () => runtime.replica.tree);
  const numbering = new ChangeNumbering();
  const context = { version: packageVersion(), startedAtMs };
  const view = (): ServerView => viewOf(runtime, context);
  const runtime: PeerRuntime = new PeerRuntime({
    config,
    disk,
    clock: systemClock,
    log,
    fourLetterWords: FOUR_LETTER_WORDS,
    hooks: {
      onFourLetterWord: (connection, word, argument) => words.answer(connection, word, argument),
      onRole: (role, _leader, epoch) => {
        bridge?.setRole(role);
        if (role === 'leading') bridge?.lead(epoch, runtime.replica.tree.lastZxid);
        else bridge?.unlead();
      },
      onChange: (kind, node, header) => bridge?.observe(numbering.change(kind, node, header)),
      onTreeReplaced: () => bridge?.restart(runtime.replica.tree.lastZxid),
      onHalt: (exitCode) => ending.end(exitCode),
    },
  });
  const whitelist = fourLetterWhitelist(config.fourLetterWhitelist);
  const words = new FourLetterService({ view, control: new PeerControl(runtime), whitelist }, log);
  const metrics = await newMetricsPort(config, log, view);
  bridge?.restart(runtime.replica.tree.lastZxid);
  bridge?.start();
  process.once('SIGTERM', () => ending.end(ExitCode.ok));
  process.once('SIGINT', () => ending.end(ExitCode.ok));
  try {
    await startMetrics(metrics);
    await runtime.start();
  } catch (error) {
    // One port may be open and another taken: nothing may be left that keeps the process alive.
    await stopWithin(STOP_TIMEOUT_MS, exitCodeOf(error), runtime, bridge, metrics);
    throw error;
  }
  log.info('picket is up', {
    version: context.version,
    sid: config.sid,
    mode: config.mode,
    clientPort: runtime.clientPort?.port ?? 0,
    dataDir: config.dataDir,
  });
  const exitCode = await ending.done;
  if (exitCode !== ExitCode.ok) return await leave(exitCode, bridge, metrics);
  await stopWithin(STOP_TIMEOUT_MS, exitCode, runtime, bridge, metrics);
  log.info('stopped', { exitCode });
  return exitCode;
}

/** The first reason to end counts. */
class Ending {
  readonly done: Promise<number>;
  private resolve: (exitCode: number) => void = () => {};

  constructor() {
    this.done = new Promise((resolve) => {
      this.resolve = resolve;
    });
  }

  end(exitCode: number): void {
    this.resolve(exitCode);
  }
}

async function newBridge(
  config: PeerConfig,
  log: Log,
  tree: Parameters<typeof treeSource>[0],
): Promise<MqttBridge | null> {
  const { mqtt } = config;
  if (mqtt === undefined) return null;
  // A peer without a bridge does not load the MQTT client.
  const [{ MqttBridge }, { readPasswordFile }] = await Promise.all([
    import('../mqtt/bridge.ts'),
    import('../mqtt/password-file.ts'),
  ]);
  const password =
    mqtt.passwordFile === undefined ? undefined : await readPasswordFile(mqtt.passwordFile);
  return new MqttBridge({
    url: mqtt.url,
    base: mqtt.topic,
    username: mqtt.username,
    password,
    sid: config.sid,
    log,
    source: treeSource(tree),
  });
}

async function newMetricsPort(
  { metrics }: PeerConfig,
  log: Log,
  view: () => ServerView,
): Promise<PrometheusPort | null> {
  if (metrics === undefined) return null;
  // A peer that nobody scrapes does not load the Prometheus client.
  const { PrometheusPort } = await import('../admin/prometheus.ts');
  return new PrometheusPort({ ...metrics, view, log });
}

async function startMetrics(metrics: PrometheusPort | null): Promise<void> {
  try {
    await metrics?.start();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new HaltError(ExitCode.adminPort, message, { cause: error });
  }
}

/** An error that reached nobody is the end of this process: half a peer is worse than none. */
function catchWhatNobodyCaught(log: Log, ending: Ending): void {
  const onError = (error: unknown): void => {
    const facts = error instanceof InvariantError ? error.facts : {};
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    log.error(`this peer stops: ${text}`, { ...facts });
    ending.end(exitCodeOf(error));
    // Nothing that this process goes on to say may be believed.
    process.exit(exitCodeOf(error));
  };
  process.once('uncaughtException', onError);
  process.once('unhandledRejection', onError);
}

/** Closes everything; ends the process when that takes too long. */
async function stopWithin(
  timeoutMs: number,
  exitCode: number,
  runtime: PeerRuntime,
  bridge: MqttBridge | null,
  metrics: PrometheusPort | null,
): Promise<void> {
  const timer = setTimeout(() => process.exit(exitCode), timeoutMs);
  timer.unref();
  await Promise.all([runtime.stop(), metrics?.close()]);
  await bridge?.stop();
  clearTimeout(timer);
}

/** A broken peer must not hang on its way out: after a fault it says nothing more and goes. */
async function leave(
  exitCode: number,
  bridge: MqttBridge | null,
  metrics: PrometheusPort | null,
): Promise<never> {
  const timer = setTimeout(() => process.exit(exitCode), STOP_TIMEOUT_MS);
  timer.unref();
  await Promise.all([bridge?.stop(`halted with exit code ${exitCode}`), metrics?.close()]);
  process.exit(exitCode);
}
