/**
 * While the ensemble runs: says who leads, which peer died, and when one came back. A peer that
 * died is not restarted, because killing one and starting it again by hand is what a person does
 * here to see what happens.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { diedMessage } from './messages.ts';
import type { PeerProcess } from './peer-process.ts';
import type { UpPlan } from './plan.ts';
import { askMode } from './srvr.ts';

const ASK_EVERY_MS = 500;
const ASK_TIMEOUT_MS = 2000;
/** Rounds without a leader before it is worth a line; an election is over before that. */
const LEADERLESS_ROUNDS = 4;

export interface Answers {
  /** By sid; undefined for a peer that does not serve. */
  readonly modes: ReadonlyMap<number, string | undefined>;
  readonly leader: number | undefined;
}

/** Asks every peer, at the same time. */
export async function askAll(plan: UpPlan): Promise<Answers> {
  const entries = await Promise.all(
    plan.peers.map(async ({ sid, clientPort }) => {
      return [sid, await askMode(clientPort, ASK_TIMEOUT_MS)] as const;
    }),
  );
  const led = entries.find(([, mode]) => mode === 'leader' || mode === 'standalone');
  return { modes: new Map(entries), leader: led?.[0] };
}

export class Watch {
  private readonly plan: UpPlan;
  private readonly processes: readonly PeerProcess[];
  private readonly say: (line: string) => void;
  private leader: number | undefined;
  private leaderlessRounds = 0;
  private isLeaderlessSaid = false;
  private readonly gone = new Set<number>();

  constructor(
    plan: UpPlan,
    processes: readonly PeerProcess[],
    leader: number,
    say: (line: string) => void,
  ) {
    this.plan = plan;
    this.processes = processes;
    this.leader = leader;
    this.say = say;
  }

  /** Resolves when `stop` is aborted. */
  async run(stop: AbortSignal): Promise<void> {
    for (const child of this.processes) {
      child.ended.then((end) => {
        if (stop.aborted) return;
        this.gone.add(child.peer.sid);
        const rest = this.plan.peers.map(({ sid }) => sid).filter((sid) => !this.gone.has(sid));
        this.say(diedMessage(this.plan, child, end, rest));
      });
    }
    while (!stop.aborted) {
      const answers = await askAll(this.plan);
      if (stop.aborted) return;
      this.compare(answers);
      await pause(ASK_EVERY_MS, undefined, { signal: stop }).catch(() => undefined);
    }
  }

  /** Sids that died and were started by hand since. */
  restartedByHand(): number[] {
    const died = this.processes.filter((child) => !child.isRunning);
    return died.map(({ peer }) => peer.sid).filter((sid) => !this.gone.has(sid));
  }

  private compare({ modes, leader }: Answers): void {
    for (const sid of [...this.gone]) {
      if (modes.get(sid) === undefined) continue;
      this.gone.delete(sid);
      this.say(`peer ${sid} is back`);
    }
    // One started by hand may die again, and nobody tells us but its silence.
    for (const sid of this.restartedByHand()) {
      if (modes.get(sid) !== undefined) continue;
      this.gone.add(sid);
      this.say(`peer ${sid}, started by hand, does not answer any more`);
    }
    this.compareLeader(leader, [...modes.values()].filter((mode) => mode !== undefined).length);
  }

  private compareLeader(leader: number | undefined, serving: number): void {
    if (leader === undefined) {
      this.leaderlessRounds += 1;
      if (this.leaderlessRounds < LEADERLESS_ROUNDS || this.isLeaderlessSaid) return;
      this.isLeaderlessSaid = true;
      this.say(`no peer leads, ${serving} of ${this.plan.peers.length} answer`);
      return;
    }
    this.leaderlessRounds = 0;
    if (leader !== this.leader || this.isLeaderlessSaid) this.say(`peer ${leader} leads now`);
    this.isLeaderlessSaid = false;
    this.leader = leader;
  }
}
