/**
 * One ensemble of Apache ZooKeeper servers and Picket peers: the servers have sids 1..apache, the
 * peers the next ones. Start order decides who leads first: a quorum that is complete elects its
 * leader before the others arrive.
 */
import { ApacheEnsemble } from './apache.ts';
import type { Ensemble, EnsembleServer } from './ensemble.ts';
import { claimMembers, type Member, PicketEnsemble } from './picket.ts';

export type MemberKind = 'apache' | 'picket';

export interface MixedPlan {
  readonly apache: number;
  readonly picket: number;
  /** How many of each kind, its last ones, are observers. */
  readonly apacheObservers?: number;
  readonly picketObservers?: number;
  /** Further lines of zoo.cfg for the Apache servers. */
  readonly apacheConfig?: readonly string[];
  /** Who is up and serving before the other kind starts, where that is a quorum. */
  readonly first: MemberKind;
}

export class MixedEnsemble implements Ensemble {
  readonly servers: readonly EnsembleServer[];
  private readonly apache: ApacheEnsemble;
  private readonly picket: PicketEnsemble;

  static async start(plan: MixedPlan): Promise<MixedEnsemble> {
    const peers = await claimMembers(plan.picket, plan.apache + 1, plan.picketObservers ?? 0);
    const apache = await ApacheEnsemble.start(plan.apache, {
      observers: plan.apacheObservers ?? 0,
      foreign: peers,
      config: plan.apacheConfig ?? [],
      wait: false,
    });
    let picket: PicketEnsemble | undefined;
    try {
      const sids = apache.servers.map((server) => server.sid);
      if (plan.first === 'apache') await apache.serving();
      else await Promise.all(sids.map((sid) => apache.kill(sid)));
      picket = await startPeers(peers, apache.servers);
      if (plan.first === 'picket') {
        for (const sid of sids) await apache.restart(sid, false);
        await apache.serving();
      }
      return new MixedEnsemble(apache, picket);
    } catch (error) {
      await Promise.all([apache.stop(), picket?.stop()]);
      throw error;
    }
  }

  private constructor(apache: ApacheEnsemble, picket: PicketEnsemble) {
    this.apache = apache;
    this.picket = picket;
    this.servers = [...apache.servers, ...picket.servers];
  }

  get connectString(): string {
    return this.servers.map((server) => `127.0.0.1:${server.clientPort}`).join(',');
  }

  kindOf(sid: number): MemberKind {
    return sid <= this.apache.servers.length ? 'apache' : 'picket';
  }

  server(sid: number): EnsembleServer {
    return this.homeOf(sid).server(sid);
  }

  pid(sid: number): number | undefined {
    return this.homeOf(sid).pid(sid);
  }

  kill(sid: number, signal?: NodeJS.Signals): Promise<void> {
    return this.homeOf(sid).kill(sid, signal);
  }

  restart(sid: number, wait?: boolean): Promise<void> {
    return this.homeOf(sid).restart(sid, wait);
  }

  mode(sid: number): Promise<string | undefined> {
    return this.homeOf(sid).mode(sid);
  }

  async leader(): Promise<number | undefined> {
    return (await this.apache.leader()) ?? (await this.picket.leader());
  }

  async serving(sids = this.servers.map((server) => server.sid)): Promise<void> {
    for (const sid of sids) await this.homeOf(sid).serving([sid]);
  }

  log(sid: number, lines?: number): string {
    return this.homeOf(sid).log(sid, lines);
  }

  async stop(): Promise<void> {
    await Promise.all([this.apache.stop(), this.picket.stop()]);
  }

  private homeOf(sid: number): ApacheEnsemble | PicketEnsemble {
    return this.kindOf(sid) === 'apache' ? this.apache : this.picket;
  }
}

function startPeers(
  peers: readonly Member[],
  foreign: readonly EnsembleServer[],
): Promise<PicketEnsemble> {
  return PicketEnsemble.start(peers.length, { members: peers, foreign });
}
