/**
 * Runs steps on both sides of a pair and says where they first differ: in what came of a step, in
 * the events left over at the end, in the tree as a superuser reads it, or in the servers' counts.
 */
import { until } from '../helpers/processes.ts';
import type { Request } from './fields.ts';
import { SLOTS } from './generate.ts';
import { KNOWN_DIFFERENCES } from './known-differences.ts';
import { Op } from './operations.ts';
import type { Pair } from './pair.ts';
import type { Step } from './steps.ts';
import type { Target } from './target.ts';
import { CONFIG_PATH, TOP, text } from './vocabulary.ts';

const ADMIN = SLOTS;
const COUNTS = ['znode_count', 'watch_count', 'ephemerals_count'];
const COUNTS_TIMEOUT_MS = 1000;

export interface Difference {
  /** The step's place among those given; their number when it shows only in the end. */
  readonly at: number;
  readonly what: string;
  readonly apache: readonly string[];
  readonly picket: readonly string[];
}

export class Comparison {
  /** How often a known difference was seen, by its name. */
  readonly known = new Map<string, number>();
  /** What the steps met with: how many replies by their error code, and events. */
  readonly seen = new Map<string, number>();
  private readonly pair: Pair;
  /** Slots that have not been looked at since a session was closed. */
  private readonly unordered = new Set<number>();

  constructor(pair: Pair) {
    this.pair = pair;
  }

  /** Starts from an empty tree. Null when the two sides cannot be told apart. */
  async run(steps: readonly Step[]): Promise<Difference | null> {
    await this.both((target) => begin(target));
    for (let slot = 0; slot < SLOTS; slot += 1) {
      const difference = await this.look(-1, 'a new session', null, (it) => it.open(slot));
      if (difference !== null) return difference;
    }
    for (const [at, step] of steps.entries()) {
      if (isClose(step)) for (let slot = 0; slot < SLOTS; slot += 1) this.unordered.add(slot);
      const difference = await this.look(at, 'a step', step, (it) => it.perform(step));
      if (difference !== null) return difference;
    }
    return await this.end(steps.length);
  }

  private async end(at: number): Promise<Difference | null> {
    for (let slot = 0; slot < SLOTS; slot += 1) {
      const ping: Request = { op: Op.ping, fields: [] };
      const step: Step = { kind: 'requests', slot, requests: [ping] };
      const difference = await this.look(at, 'events left over', step, (it) => it.perform(step));
      if (difference !== null) return difference;
    }
    const tree = await this.look(at, 'the tree', null, wholeTree);
    return tree ?? (await this.counts(at));
  }

  private async look(
    at: number,
    what: string,
    step: Step | null,
    act: (target: Target) => Promise<string[]>,
  ): Promise<Difference | null> {
    const [apache, picket] = await this.both(act);
    if (step !== null) for (const line of apache) this.note(line);
    const isUnordered = step !== null && this.unordered.delete(step.slot);
    if (this.areAlike(apache, picket)) return null;
    if (isUnordered && this.areAlike(withSortedEvents(apache), withSortedEvents(picket))) {
      return null;
    }
    return { at, what, apache, picket };
  }

  private note(line: string): void {
    const kind = line.startsWith('event ') ? 'event' : (/ (err=\S+)/.exec(line)?.[1] ?? 'other');
    this.seen.set(kind, (this.seen.get(kind) ?? 0) + 1);
  }

  private areAlike(apache: string[], picket: string[]): boolean {
    return (
      apache.length === picket.length &&
      apache.every((line, i) => this.isAlike(line, picket[i] ?? ''))
    );
  }

  private isAlike(apache: string, picket: string): boolean {
    if (apache === picket) return true;
    const known = KNOWN_DIFFERENCES.find((it) => it.explains(apache, picket));
    if (known === undefined) return false;
    this.known.set(known.name, (this.known.get(known.name) ?? 0) + 1);
    return true;
  }

  private both<T>(act: (target: Target) => Promise<T>): Promise<[apache: T, picket: T]> {
    return Promise.all([act(this.pair.apache), act(this.pair.picket)]);
  }

  /** A connection that is gone takes a moment to give up its watches. */
  private async counts(at: number): Promise<Difference | null> {
    let last: Difference | null = null;
    const look = async (): Promise<boolean> => {
      const [apache = [], picket = []] = (await this.pair.ask('mntr')).map(countsOf);
      if (apache.every((line, i) => this.isAlike(line, picket[i] ?? ''))) return true;
      last = { at, what: 'counts', apache, picket };
      return false;
    };
    try {
      await until('equal counts', COUNTS_TIMEOUT_MS, look);
      return null;
    } catch {
      return last;
    }
  }
}

function isClose(step: Step): boolean {
  return step.kind === 'requests' && step.requests.some(({ op }) => op === Op.closeSession);
}

/**
 * The ephemerals of a session go in the order of a hash table, and so come the events: those next
 * to each other are sorted, by all but their zxid.
 */
function withSortedEvents(lines: readonly string[]): string[] {
  const sorted: string[] = [];
  let run: string[] = [];
  for (const line of lines) {
    if (line.startsWith('event ')) {
      run.push(line);
      continue;
    }
    sorted.push(...run.sort(byWhat), line);
    run = [];
  }
  return [...sorted, ...run.sort(byWhat)];
}

function byWhat(a: string, b: string): number {
  const [left, right] = [a, b].map((line) => line.replace(/ zxid=\S+/, ''));
  return (left ?? '') < (right ?? '') ? -1 : 1;
}

function countsOf(mntr: string): string[] {
  return COUNTS.map((name) => new RegExp(`^zk_${name}\\t\\S*`, 'm').exec(mntr)?.[0] ?? name);
}

/** An administrator's session, an empty tree, and the numbering starts. */
async function begin(target: Target): Promise<void> {
  for (let slot = 0; slot < SLOTS; slot += 1) await target.close(slot);
  await target.close(ADMIN);
  await target.open(ADMIN);
  const auth: Request = {
    op: Op.auth,
    fields: [['int', 0], ['text', 'digest'], text('super:secret')],
  };
  await target.call(ADMIN, auth);
  for (const path of (await pathsOf(target)).reverse()) {
    if (KEPT.has(path)) continue;
    await target.call(ADMIN, {
      op: Op.delete,
      fields: [
        ['text', path],
        ['int', -1],
      ],
    });
  }
  const open = [31, 'world', 'anyone'] as const;
  for (const path of ['/', '/zookeeper', '/zookeeper/quota']) {
    await target.call(ADMIN, { op: Op.setData, fields: [['text', path], text(''), ['int', -1]] });
    await target.call(ADMIN, {
      op: Op.setAcl,
      fields: [
        ['text', path],
        ['acl', [open]],
        ['int', -1],
      ],
    });
  }
  target.rebase();
  const fields: Request['fields'] = [['text', TOP], text(''), ['acl', [open]], ['int', 0]];
  await target.call(ADMIN, { op: Op.create, fields });
}

const KEPT = new Set(['/', '/zookeeper', '/zookeeper/quota', CONFIG_PATH]);

/** Every path, parents first. */
async function pathsOf(target: Target): Promise<string[]> {
  const paths = ['/'];
  for (const path of paths) {
    const reply = await target.call(ADMIN, {
      op: Op.getChildren,
      fields: [
        ['text', path],
        ['bool', 0],
      ],
    });
    const names = /\{(.*)\}$/s.exec(reply)?.[1] ?? '';
    const children: string[] = names === '' ? [] : JSON.parse(`[${names}]`);
    paths.push(...children.map((name) => `${path === '/' ? '' : path}/${name}`));
  }
  return paths;
}

/** Data, ACL, Stat and children of every znode. */
async function wholeTree(target: Target): Promise<string[]> {
  const lines: string[] = [];
  for (const path of await pathsOf(target)) {
    if (path === CONFIG_PATH && target.isEnsemble) continue;
    for (const op of [Op.getData, Op.getChildren2, Op.getAcl]) {
      const flag: Request['fields'] = op === Op.getAcl ? [] : [['bool', 0]];
      const reply = await target.call(ADMIN, { op, fields: [['text', path], ...flag] });
      lines.push(`${JSON.stringify(path)} ${reply}`);
    }
  }
  return lines;
}
