/**
 * The ensemble as the file describes it: server, group and weight lines, from zoo.cfg itself or
 * from the file that dynamicConfigFile names, and the checks ZooKeeper makes on them.
 */

import { SID_MAX } from './my-id.ts';
import type { Membership, ServerSpec } from './peer-config.ts';
import { parseServerLine } from './server-line.ts';
import type { Settings } from './settings.ts';

export interface ReadMembership extends Membership {
  readonly isReplicated: boolean;
}

/** The number N of `server.N`, `group.N` or `weight.N`; undefined for another key. */
const MEMBER_KEY = /^(server|group|weight)\.(.*)$/;

export function isMembershipKey(key: string): boolean {
  return MEMBER_KEY.test(key);
}

/** `settings` holds the lines; `configVersion` is 0 unless they come from a dynamic file. */
export function readMembership(
  settings: Settings,
  standaloneEnabled: boolean,
  configVersion: number,
): ReadMembership {
  const servers = readServers(settings);
  checkPortsDiffer(settings, servers);
  const groups = readGroups(settings, servers);
  const weights = readWeights(settings, servers, groups);
  const isReplicated = judgeSize(settings, servers, standaloneEnabled, groups.size > 0);
  return { servers, groups, weights, configVersion, isReplicated };
}

function readServers(settings: Settings): ServerSpec[] {
  const servers: ServerSpec[] = [];
  for (const [key, sid, value] of numbered(settings, 'server')) {
    const parsed = parseServerLine(sid, value);
    if (typeof parsed === 'string') {
      settings.problem(key, parsed);
      continue;
    }
    if (parsed.addresses > 1) {
      settings.warn(key, `has ${parsed.addresses} addresses; only the first is used yet`);
    }
    servers.push(parsed.server);
  }
  return servers.sort((a, b) => a.sid - b.sid);
}

/** Two servers on the same address: a copied line with the host left as it was. */
function checkPortsDiffer(settings: Settings, servers: readonly ServerSpec[]): void {
  const users = new Map<string, number>();
  for (const { sid, host, quorumPort, electionPort, clientHost, clientPort } of servers) {
    const own = [quorumPort, electionPort].map((port) => `${host}:${port}`);
    const isWildcard = clientHost === undefined || clientHost === '0.0.0.0' || clientHost === '::';
    if (clientPort !== undefined) own.push(`${isWildcard ? host : clientHost}:${clientPort}`);
    for (const address of own) {
      const user = users.get(address.toLowerCase());
      if (user === undefined) users.set(address.toLowerCase(), sid);
      else settings.problem(`server.${sid}`, `${address} is already used by server.${user}`);
    }
  }
}

function readGroups(settings: Settings, servers: readonly ServerSpec[]): Map<number, number[]> {
  const groups = new Map<number, number[]>();
  const groupOf = new Map<number, number>();
  for (const [key, group, value] of numbered(settings, 'group')) {
    const members: number[] = [];
    for (const word of value.split(':')) {
      const server = servers.find(({ sid }) => String(sid) === word.trim());
      if (server?.role !== 'participant') {
        settings.problem(key, `${word.trim() || 'nothing'} is no participant; must be like 1:2:3`);
        continue;
      }
      const other = groupOf.get(server.sid);
      if (other !== undefined)
        settings.problem(key, `server ${server.sid} is in group ${other} too`);
      groupOf.set(server.sid, group);
      members.push(server.sid);
    }
    groups.set(group, members);
  }
  if (groups.size > 0) {
    for (const { sid, role } of servers) {
      if (role === 'participant' && !groupOf.has(sid)) {
        settings.problem(
          `server.${sid}`,
          'is in no group; with groups, every participant is in one',
        );
      }
    }
  }
  return groups;
}

/** Every participant's weight, as soon as there are groups; 1 where the file says nothing. */
function readWeights(
  settings: Settings,
  servers: readonly ServerSpec[],
  groups: ReadonlyMap<number, readonly number[]>,
): Map<number, number> {
  const participants = servers.filter(({ role }) => role === 'participant');
  const weights = new Map<number, number>(
    groups.size === 0 ? [] : participants.map(({ sid }) => [sid, 1]),
  );
  for (const [key, sid] of numbered(settings, 'weight')) {
    const weight = settings.integer(key, { fallback: 1, min: 0, max: 1_000_000 });
    if (groups.size === 0) settings.problem(key, 'weights count in groups only; add group.N lines');
    else if (!weights.has(sid)) settings.problem(key, `server ${sid} is no participant`);
    else weights.set(sid, weight);
  }
  if (groups.size > 0 && [...weights.values()].every((weight) => weight === 0)) {
    settings.problem('weight', 'every weight is 0, so there is no quorum; give some server weight');
  }
  return weights;
}

/** What ZooKeeper says about the number of servers. True for a replicated server. */
function judgeSize(
  settings: Settings,
  servers: readonly ServerSpec[],
  standaloneEnabled: boolean,
  isHierarchical: boolean,
): boolean {
  const participants = servers.filter(({ role }) => role === 'participant').length;
  const observers = servers.length - participants;
  const first = `server.${servers[0]?.sid ?? 1}`;
  if (participants === 0) {
    if (observers > 0) settings.problem(first, 'observers need participants; there are none');
    else if (!standaloneEnabled) {
      settings.problem('standaloneEnabled', 'false needs at least one server.N line');
    }
    return false;
  }
  if (participants === 1 && standaloneEnabled) {
    if (observers > 0) settings.problem(first, 'observers need a quorum; add participants');
    else settings.warn(first, 'the only server: it runs standalone, as in ZooKeeper');
    return false;
  }
  if (participants <= 2) {
    const one = 'no failure of a server will be tolerated; that takes at least 3 servers';
    settings.warn(first, `${participants} participant${participants === 1 ? '' : 's'}: ${one}`);
  } else if (participants % 2 === 0 && !isHierarchical) {
    const odd = `no more failures are tolerated than with ${participants - 1}; use an odd number`;
    settings.warn(first, `${participants} participants: ${odd}`);
  }
  return true;
}

/** Entries `kind.N` with a usable N; another N is a problem. */
function* numbered(settings: Settings, kind: string): Generator<[string, number, string]> {
  for (const [key, { value }] of settings.entries()) {
    const [, found, text = ''] = MEMBER_KEY.exec(key) ?? [];
    if (found !== kind) continue;
    const number = /^\d{1,4}$/.test(text) ? Number(text) : 0;
    if (number >= 1 && number <= SID_MAX) yield [key, number, value];
    else settings.problem(key, `the number after ${kind}. must be from 1 to ${SID_MAX}`);
  }
}
