/** The commands that change something: create, set, delete, deleteall, setAcl, addauth. */
import { hasCode, ZooKeeperError } from '../../client/client-error.ts';
import type { CreateOptions } from '../../client/client-options.ts';
import type { ZooKeeperClient } from '../../client/zookeeper-client.ts';
import { ErrorCode } from '../../core/request/error-code.ts';
import { CreateMode } from '../../core/request/requests.ts';
import type { AclList } from '../../core/tree/acl.ts';
import { parseAcl } from './acl-text.ts';
import { CliError } from './cli-error.ts';
import type { Command, CommandContext } from './command.ts';
import type { Flags } from './flags.ts';
import { statLines } from './stat-text.ts';
import { listSubtree } from './subtree.ts';

const TTL_MS_MAX = 2 ** 40 - 1;
const DELETE_BATCH = 1_000;

const CREATE: Command = {
  name: 'create',
  usage: '[-s] [-e] [-c] [-t ttl] path [data] [acl]',
  letters: 'sect:',
  operandsMin: 1,
  async run(context, flags) {
    const [path = '', data = null, aclText] = flags.operands;
    const options: CreateOptions = {
      ...createMode(flags),
      ...(aclText === undefined ? {} : { acl: aclFor(context, aclText, true) }),
    };
    try {
      context.err(`Created ${await context.client.create(path, data, options)}`);
    } catch (error) {
      if (hasCode(error, ErrorCode.invalidAcl)) context.err(error.message);
      throw error;
    }
  },
};

const SET: Command = {
  name: 'set',
  usage: '[-s] [-v version] path data',
  letters: 'sv:',
  operandsMin: 2,
  async run(context, flags) {
    const [path = '', data = ''] = flags.operands;
    const stat = await context.client.setData(path, data, flags.int('v') ?? -1);
    if (flags.has('s')) showStat(context, stat);
  },
};

const DELETE: Command = {
  name: 'delete',
  usage: '[-v version] path',
  letters: 'v:',
  operandsMin: 1,
  async run(context, flags) {
    const [path = '', version] = flags.operands;
    if (version === undefined) {
      await context.client.delete(path, flags.int('v') ?? -1);
      return;
    }
    context.err(
      `'delete path [version]' has been deprecated. Please use 'delete ${DELETE.usage}' instead.`,
    );
    if (!/^-?\d+$/.test(version)) throw new CliError(`'${version}' is not a version`);
    await context.client.delete(path, Number(version));
  },
};

const DELETE_ALL: Command = {
  name: 'deleteall',
  usage: 'path [-b batch size]',
  letters: 'b:',
  operandsMin: 1,
  async run(context, flags) {
    const [path = ''] = flags.operands;
    const batch = flags.int('b') ?? DELETE_BATCH;
    if (batch < 1) throw new CliError(`-b takes a number from 1, not '${batch}'`);
    // The root and what is under /zookeeper belong to the server: `deleteall /` empties the rest.
    const isOurs = (other: string) => other !== '/' && !/^\/zookeeper(\/|$)/.test(other);
    const paths = await listSubtree(context.client, path);
    const doomed = path === '/' ? paths.filter(isOurs) : paths;
    if (!(await deleteBottomUp(context.client, doomed, batch))) {
      throw new CliError('Failed to delete some node(s) in the subtree!');
    }
  },
};

const SET_ACL: Command = {
  name: 'setAcl',
  usage: '[-s] [-v version] [-R] path acl',
  letters: 'sv:R',
  operandsMin: 2,
  async run(context, flags) {
    const [path = '', aclText = ''] = flags.operands;
    const acl = aclFor(context, aclText, false);
    const version = flags.int('v') ?? -1;
    const paths = flags.has('R') ? await listSubtree(context.client, path) : [path];
    for (const each of paths) {
      const stat = await context.client.setAcl(each, acl, version);
      if (flags.has('s')) showStat(context, stat);
    }
  },
};

const ADD_AUTH: Command = {
  name: 'addauth',
  usage: 'scheme auth',
  letters: '',
  operandsMin: 1,
  async run(context, flags) {
    const [scheme = '', auth = null] = flags.operands;
    await context.client.addAuth(scheme, auth);
  },
};

export const WRITE_COMMANDS: readonly Command[] = [
  ...[CREATE, SET, DELETE, DELETE_ALL, SET_ACL],
  ADD_AUTH,
];

function createMode(flags: Flags): CreateOptions {
  const ttl = flags.value('t');
  const isSequential = flags.has('s');
  const isEphemeral = flags.has('e');
  if (flags.has('c')) {
    if (isSequential || isEphemeral) {
      throw new CliError(
        '-c cannot be combined with -s or -e. Containers cannot be ephemeral or sequential.',
      );
    }
    if (ttl !== undefined) throw new CliError('TTLs cannot be used with Container znodes');
    return { flags: CreateMode.container };
  }
  if (ttl !== undefined) {
    if (isEphemeral) throw new CliError('TTLs cannot be used with Ephemeral znodes');
    const { persistentWithTtl, persistentSequentialWithTtl } = CreateMode;
    return {
      flags: isSequential ? persistentSequentialWithTtl : persistentWithTtl,
      ttlMs: parseTtl(ttl),
    };
  }
  return { flags: (isEphemeral ? CreateMode.ephemeral : 0) | (isSequential ? 2 : 0) };
}

function parseTtl(text: string): number {
  if (!/^[+-]?\d+$/.test(text)) throw new CliError('-t argument must be a long value');
  const ttlMs = Number(text);
  if (ttlMs < 1 || ttlMs > TTL_MS_MAX) {
    throw new CliError(`ttl must be positive and cannot be larger than: ${TTL_MS_MAX}`);
  }
  return ttlMs;
}

/** Throws what zkCli shows for a list that is none: InvalidACL without a path. */
function aclFor(context: CommandContext, text: string, isCreate: boolean): AclList {
  const acl = parseAcl(text, (line) => context.err(line));
  if (acl !== undefined) return acl;
  const error = new ZooKeeperError(ErrorCode.invalidAcl);
  if (isCreate) context.err(error.message);
  throw error;
}

/** False when a znode could not be deleted; one that has gone by itself is no failure. */
async function deleteBottomUp(
  client: ZooKeeperClient,
  paths: readonly string[],
  batch: number,
): Promise<boolean> {
  const order = [...paths].reverse();
  let ok = true;
  for (let at = 0; at < order.length; at += batch) {
    const results = await Promise.allSettled(
      order.slice(at, at + batch).map((path) => client.delete(path)),
    );
    ok &&= results.every(
      (result) => result.status === 'fulfilled' || hasCode(result.reason, ErrorCode.noNode),
    );
  }
  return ok;
}

function showStat(context: CommandContext, stat: Parameters<typeof statLines>[0]): void {
  for (const line of statLines(stat)) context.out(line);
}
