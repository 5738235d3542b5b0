/**
 * From the text of a zoo.cfg to a PeerConfig. The files that ZooKeeper's documentation and the
 * course print start as they are; where something is missing that can be assumed, it is assumed and
 * said. All mistakes are reported in one error.
 */
import fs from 'node:fs';
import path from 'node:path';
import { ConfigError, type ConfigProblem } from './config-error.ts';
import { readDirectories } from './directories.ts';
import { findKnownKey, type KnownKey, nearestKnownKey } from './known-keys.ts';
import { localNames } from './local-names.ts';
import { isMembershipKey, type ReadMembership, readMembership } from './membership.ts';
import { readMetrics } from './metrics-keys.ts';
import { deriveMyId, type ReadText, readMyId } from './my-id.ts';
import type { PeerConfig, ServerSpec } from './peer-config.ts';
import { readMqtt, readSegmentBytes } from './picket-keys.ts';
import { decodeProperties } from './properties.ts';
import { parseRole } from './server-line.ts';
import { Findings, Settings } from './settings.ts';
import {
  readClientLimits,
  readClientListener,
  readContainers,
  readElection,
  readSecurity,
  readTimes,
} from './zookeeper-keys.ts';

export interface LoadOptions {
  /** Name of the file, for messages. */
  readonly file: string;
  /** The content of another file (myid, dynamicConfigFile); undefined if it is not there. */
  readonly readText?: ReadText;
  /** Names and addresses of this machine; by default what the system says. */
  readonly hostNames?: readonly string[];
}

export interface LoadedConfig {
  readonly config: PeerConfig;
  readonly warnings: readonly string[];
}

/** Reads and checks a file. Throws ConfigError, also when the file itself cannot be read. */
export function loadConfigFile(
  file: string,
  options: Omit<LoadOptions, 'file'> = {},
): LoadedConfig {
  const text = (options.readText ?? readTextFile)(file);
  if (text !== undefined) return loadConfig(text, { ...options, file });
  const message = 'cannot be read; name an existing zoo.cfg';
  throw new ConfigError([{ file, line: undefined, key: 'file', value: undefined, message }]);
}

/** Throws ConfigError with everything that is wrong. */
export function loadConfig(text: string, options: LoadOptions): LoadedConfig {
  const readText = options.readText ?? readTextFile;
  const findings = new Findings();
  const settings = new Settings(options.file, text, findings);
  nameKeysWithoutEffect(settings);
  const { dataDir, dataLogDir } = readDirectories(settings);
  const standaloneEnabled = settings.boolean('standaloneEnabled', true);
  const membership = readEnsemble(settings, findings, standaloneEnabled, readText);
  const { servers, groups, weights, configVersion, isReplicated } = membership;
  const sid = readSid(settings, membership, dataDir, options.hostNames, readText);
  const self = servers.find((server) => server.sid === sid);
  const config: PeerConfig = {
    file: options.file,
    mode: isReplicated ? 'replicated' : 'standalone',
    sid,
    isObserver: readIsObserver(settings, self),
    servers,
    groups,
    weights,
    configVersion,
    dataDir,
    dataLogDir,
    journalSegmentBytes: readSegmentBytes(settings),
    ...readTimes(settings, isReplicated),
    ...readClientListener(settings, self),
    ...readClientLimits(settings),
    ...readElection(settings),
    ...readSecurity(settings),
    containers: readContainers(settings),
    mqtt: readMqtt(settings, (file) => readText(file) !== undefined),
    metrics: readMetrics(settings),
  };
  if (findings.problems.length > 0) throw new ConfigError(inOrder(findings.problems));
  return { config, warnings: findings.warnings };
}

function readTextFile(file: string): string | undefined {
  try {
    return decodeProperties(fs.readFileSync(file));
  } catch {
    return undefined;
  }
}

/** Strangers, and keys that Picket knows but does not act on. */
function nameKeysWithoutEffect(settings: Settings): void {
  for (const [key, { value }] of settings.entries()) {
    const known = findKnownKey(key);
    if (known === undefined) {
      const near = nearestKnownKey(key);
      const hint = near === undefined ? '' : `; did you mean ${near}?`;
      settings.warn(key, `is no key that Picket or ZooKeeper knows; it has no effect${hint}`);
    } else if (known.status !== 'supported' && !known.sameAs.includes(value)) {
      nameKeyWithoutEffect(settings, key, known);
    }
  }
}

function nameKeyWithoutEffect(settings: Settings, key: string, known: KnownKey): void {
  if (known.status !== 'refused') {
    settings.warn(key, `has no effect: ${known.note}`);
    return;
  }
  const [same] = known.sameAs;
  const remedy = same === undefined ? 'remove the line' : `set it to ${same} to go without`;
  settings.problem(key, `${known.note}, so this protection would be missing; ${remedy}`);
}

/** Server lines stand here, or in the file that dynamicConfigFile names, never in both. */
function readEnsemble(
  settings: Settings,
  findings: Findings,
  standaloneEnabled: boolean,
  readText: ReadText,
): ReadMembership {
  const file = settings.text('dynamicConfigFile');
  if (file === undefined) return readMembership(settings, standaloneEnabled, 0);
  for (const [key] of settings.entries()) {
    if (isMembershipKey(key)) settings.problem(key, `must be in the dynamic file, ${file}`);
  }
  const text = readText(file);
  if (text === undefined) settings.problem('dynamicConfigFile', 'cannot be read');
  const dynamic = new Settings(file, text ?? '', findings);
  for (const [key] of dynamic.entries()) {
    if (key === 'version') dynamic.problem(key, 'the version is in the name of a dynamic file');
    else if (!isMembershipKey(key)) {
      dynamic.problem(key, 'a dynamic file holds server, group and weight lines only');
    }
  }
  const suffix = path.extname(file).slice(1);
  const version = /^[0-9a-f]{1,13}$/i.test(suffix) ? Number.parseInt(suffix, 16) : 0;
  return readMembership(dynamic, standaloneEnabled, version);
}

function readSid(
  settings: Settings,
  { servers, isReplicated }: ReadMembership,
  dataDir: string,
  hostNames: readonly string[] | undefined,
  readText: ReadText,
): number {
  if (dataDir === '') return 1;
  const noted = readMyId(dataDir, settings, (file) => readText(file));
  if (!isReplicated) return noted ?? servers[0]?.sid ?? 1;
  const hasFile = readText(path.join(dataDir, 'myid')) !== undefined;
  if (noted === undefined) {
    if (hasFile) return 1;
    return deriveMyId(dataDir, servers, hostNames ?? localNames(), settings) ?? 1;
  }
  if (!servers.some((server) => server.sid === noted)) {
    const file = path.join(dataDir, 'myid');
    settings.problem('dataDir', `${file} says ${noted}, but there is no line server.${noted}`);
  }
  return noted;
}

/** The role of the server line counts; peerType, from before roles stood there, is compared. */
function readIsObserver(settings: Settings, self: ServerSpec | undefined): boolean {
  const text = settings.text('peerType');
  const peerType = text === undefined ? undefined : parseRole(text);
  if (text !== undefined && peerType === undefined) {
    settings.problem('peerType', 'must be participant or observer');
  }
  const role = self?.role ?? 'participant';
  if (peerType !== undefined && peerType !== role) {
    settings.warn('peerType', `differs from the server line, which says ${role} and counts`);
  }
  return role === 'observer';
}

/** By file and line; what is missing from the file comes last. */
function inOrder(problems: readonly ConfigProblem[]): ConfigProblem[] {
  const line = (problem: ConfigProblem): number => problem.line ?? Number.MAX_SAFE_INTEGER;
  return [...problems].sort((a, b) => line(a) - line(b));
}
