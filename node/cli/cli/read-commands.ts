/** The commands that read: get, ls, stat, getAcl, sync. */
import { ZooKeeperError } from '../../client/client-error.ts';
import { ErrorCode } from '../../core/request/error-code.ts';
import { aclLines } from './acl-text.ts';
import { type Command, type CommandContext, wantsWatch } from './command.ts';
import { statLines } from './stat-text.ts';
import { listSubtree } from './subtree.ts';

const GET: Command = {
  name: 'get',
  usage: '[-s] [-w] path',
  letters: 'sw',
  operandsMin: 1,
  async run(context, flags) {
    const [path = ''] = flags.operands;
    const { data, stat } = await context.client.getData(
      path,
      wantsWatch('get', '[-s] [-w] path', context, flags),
    );
    context.out(data === null ? 'null' : data.toString('utf8'));
    if (flags.has('s')) showAll(context, statLines(stat));
  },
};

const LS: Command = {
  name: 'ls',
  usage: '[-s] [-w] [-R] path',
  letters: 'swR',
  operandsMin: 1,
  async run(context, flags) {
    const [path = ''] = flags.operands;
    if (flags.has('R')) {
      showAll(context, await listSubtree(context.client, path));
      return;
    }
    const watch = wantsWatch('ls', '[-w] path', context, flags);
    const { children, stat } = await context.client.getChildren2(path, watch);
    context.out(`[${[...children].sort().join(', ')}]`);
    if (flags.has('s')) showAll(context, statLines(stat));
  },
};

const STAT: Command = {
  name: 'stat',
  usage: '[-w] path',
  letters: 'w',
  operandsMin: 1,
  async run(context, flags) {
    const [path = ''] = flags.operands;
    const stat = await context.client.exists(path, wantsWatch('stat', '[-w] path', context, flags));
    if (stat === null) throw new ZooKeeperError(ErrorCode.noNode, path);
    showAll(context, statLines(stat));
  },
};

const GET_ACL: Command = {
  name: 'getAcl',
  usage: '[-s] path',
  letters: 's',
  operandsMin: 1,
  async run(context, flags) {
    const [path = ''] = flags.operands;
    const { acl, stat } = await context.client.getAcl(path);
    showAll(context, aclLines(acl));
    if (flags.has('s')) showAll(context, statLines(stat));
  },
};

const SYNC: Command = {
  name: 'sync',
  usage: 'path',
  letters: '',
  operandsMin: 1,
  async run(context, flags) {
    const [path = ''] = flags.operands;
    await context.client.sync(path);
    context.out('Sync is OK');
  },
};

export const READ_COMMANDS: readonly Command[] = [GET, LS, STAT, GET_ACL, SYNC];

function showAll(context: CommandContext, lines: readonly string[]): void {
  for (const line of lines) context.out(line);
}
