/**
 * Mixed ensembles: Apache ZooKeeper servers and Picket peers in one quorum, each kind as leader, as
 * follower and as observer. Every kind of write goes through every member, each member is killed
 * and comes back, learners catch up by DIFF, by SNAP and from nothing, a deposed leader takes back
 * what was never committed, and whenever all are up, all trees are equal. Under
 * PICKET_INTEROP_ON=apache all members are Apache's.
 */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { ApacheEnsemble } from '../helpers/apache.ts';
import { awaitLeader, connectStringOf, type Ensemble, hostPort } from '../helpers/ensemble.ts';
import { MixedEnsemble, type MixedPlan } from '../helpers/mixed.ts';
import { interopTest, kazoo, onApache, withEnsemble } from './harness.ts';
import { assertEqualTrees } from './tree-dump.ts';

/** More than the 500 transactions Apache keeps in memory. */
const FAR_BEHIND = 700;

/** Keeps an Apache leader from reading its log for a learner: what memory lacks comes as a SNAP. */
const NO_DIFF_FROM_DISK = ['snapshotSizeFactor=-1'];

/** What an Apache leader logs of a learner's synchronisation. */
const DIFF = /Sending DIFF zxid/;
const SNAP = /Sending snapshot last zxid of peer/;
const DIFF_FROM_DISK = /Use txnlog and committedLog for peer/;
/** A TRUNC is told at debug level only. */
const TRUNC = /^(?!.*Sending (DIFF|snapshot)).*Synchronizing with Learner sid/s;
const ANY_WAY = /Synchronizing with Learner sid/;

function startMixed(plan: MixedPlan): Promise<Ensemble> {
  const observers = (plan.apacheObservers ?? 0) + (plan.picketObservers ?? 0);
  return onApache
    ? ApacheEnsemble.start(plan.apache + plan.picket, {
        observers,
        config: plan.apacheConfig ?? [],
      })
    : MixedEnsemble.start(plan);
}

/** What one run knows: the ensemble, and a number for each round of writes. */
class Run {
  readonly ensemble: Ensemble;
  private rounds = 0;

  constructor(ensemble: Ensemble) {
    this.ensemble = ensemble;
  }

  get sids(): number[] {
    return this.ensemble.servers.map((server) => server.sid);
  }

  others(...except: number[]): number[] {
    return this.sids.filter((sid) => !except.includes(sid));
  }

  /** Every kind of write through each of `sids`. */
  async work(sids: readonly number[] = this.sids): Promise<void> {
    this.rounds += 1;
    const hosts = connectStringOf(this.ensemble, sids);
    await kazoo('mixed_work.py', hosts, '/work', `round-${this.rounds}`).succeeded();
  }

  async bulk(sids: readonly number[]): Promise<void> {
    const hosts = connectStringOf(this.ensemble, sids);
    await kazoo('mixed_bulk.py', hosts, '/bulk', String(FAR_BEHIND)).succeeded();
  }

  hasQuorum(sids: readonly number[]): boolean {
    const voters = this.ensemble.servers.filter((server) => !server.observer);
    return voters.filter(({ sid }) => sids.includes(sid)).length * 2 > voters.length;
  }

  /** Everyone is up and a leader leads. */
  async whole(): Promise<number> {
    await this.ensemble.serving();
    return await awaitLeader(this.ensemble);
  }
}

/**
 * Kills each member in turn; the others go on where they are a quorum; it comes back and catches
 * up.
 */
async function restartEach(run: Run): Promise<void> {
  for (const sid of run.sids) {
    await run.ensemble.kill(sid, 'SIGKILL');
    const rest = run.others(sid);
    if (run.hasQuorum(rest)) {
      await run.ensemble.serving(rest);
      await run.work(rest);
      await restartBy(run, sid, DIFF);
    } else {
      await run.ensemble.restart(sid);
      await run.whole();
    }
    await run.work([sid]);
    await assertEqualTrees(run.ensemble, `after the restart of ${sid}`);
  }
}

/** `sid` misses more than its leader keeps in memory, and then everything it ever had. */
async function farBehind(run: Run, sid: number, how = SNAP): Promise<void> {
  const rest = run.others(sid);
  if (!run.hasQuorum(rest)) return;
  for (const isWiped of [false, true]) {
    await run.ensemble.kill(sid, 'SIGKILL');
    await run.bulk(rest);
    if (isWiped) wipe(run.ensemble, sid);
    await restartBy(run, sid, isWiped ? SNAP : how);
    await run.work([sid]);
    const what = isWiped ? 'lost its disk' : `missed ${FAR_BEHIND} writes`;
    await assertEqualTrees(run.ensemble, `after ${sid} ${what}`);
  }
}

/**
 * Restarts `sid` and waits until it is in step. Where an Apache server leads, its log must tell of
 * `how` since: a scenario is of no use when the learner came back by another way.
 */
async function restartBy(run: Run, sid: number, how: RegExp): Promise<void> {
  const { ensemble } = run;
  const leader = await awaitLeader(ensemble);
  const log = path.join(ensemble.server(leader).dir, 'server.log');
  const before = readIfThere(log).length;
  await ensemble.restart(sid);
  assert.equal(await run.whole(), leader, 'the leader goes on leading');
  if (before > 0) assert.match(readIfThere(log).slice(before), how);
}

function readIfThere(file: string): string {
  return fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : '';
}

function wipe(ensemble: Ensemble, sid: number): void {
  const data = path.join(ensemble.server(sid).dir, 'data');
  for (const name of fs.readdirSync(data)) {
    if (name !== 'myid') fs.rmSync(path.join(data, name), { recursive: true });
  }
}

/**
 * The leader logs a write that no follower receives and dies; the others elect one of themselves.
 * When it returns, its log has a tail that the new leader's history lacks: a TRUNC takes it away,
 * or, once the new epoch has writes of its own, a SNAP.
 */
async function orphanedWrites(run: Run): Promise<void> {
  await orphanedWrite(run, TRUNC, async () => undefined);
  await orphanedWrite(run, SNAP, (rest) => run.work(rest));
}

async function orphanedWrite(
  run: Run,
  how: RegExp,
  goOn: (rest: readonly number[]) => Promise<void>,
): Promise<void> {
  const { ensemble } = run;
  const leader = await run.whole();
  const rest = run.others(leader);
  const program = kazoo('mixed_orphan.py', hostPort(ensemble.server(leader)), '/orphan');
  await program.waitFor(/^READY$/m);
  await Promise.all(rest.map((sid) => ensemble.kill(sid, 'SIGKILL')));
  program.write('go\n');
  await program.waitFor(/^LOST$/m, 40_000);
  assert.doesNotMatch(program.output, /ACKNOWLEDGED/, 'a write without a quorum was acknowledged');
  await ensemble.kill(leader, 'SIGKILL');
  program.write('end\n');
  await program.succeeded();
  await Promise.all(rest.map((sid) => ensemble.restart(sid)));
  await goOn(rest);
  // A Picket leader may have stepped down without logging the write.
  await restartBy(run, leader, onApache ? how : ANY_WAY);
  await run.work([leader]);
  const tree = await assertEqualTrees(ensemble, `after ${leader} came back with an orphaned write`);
  const orphans = [...tree.keys()].filter((name) => name.startsWith('/orphan'));
  assert.deepEqual(orphans, [], 'writes that were never committed');
}

/**
 * Makes `wanted` lead an ensemble of three voters: the third one misses a write and the present
 * leader is down, so that of the two left `wanted` has the higher zxid.
 */
async function makeLead(run: Run, wanted: number): Promise<void> {
  const { ensemble } = run;
  const present = await run.whole();
  if (present !== wanted) {
    const [third = 0] = run.others(wanted, present);
    await ensemble.kill(third, 'SIGKILL');
    await run.work([present, wanted]);
    await ensemble.kill(present, 'SIGKILL');
    await ensemble.restart(third);
    await ensemble.restart(present);
  }
  assert.equal(await run.whole(), wanted, `server ${wanted} leads`);
}

/**
 * Runs `body` while a session with ephemerals lives; at the end closes it and compares all trees.
 */
async function mixedRun(plan: MixedPlan, body: (run: Run) => Promise<void>): Promise<void> {
  await withEnsemble(startMixed(plan), async (ensemble) => {
    const run = new Run(ensemble);
    await run.whole();
    const holder = kazoo('mixed_hold.py', ensemble.connectString, '/held');
    await holder.waitFor(/^HOLDING$/m);
    await run.work();
    await assertEqualTrees(ensemble, 'after the first writes');
    await body(run);
    await run.whole();
    await run.work();
    holder.write('end\n');
    await holder.succeeded();
    await assertEqualTrees(ensemble, 'at the end');
  });
}

async function everything(run: Run, how = SNAP): Promise<void> {
  await restartEach(run);
  const leader = await run.whole();
  for (const sid of run.others(leader)) await farBehind(run, sid, how);
  await orphanedWrites(run);
}

interopTest('mixed: two Apache servers and a Picket follower', ['zookeeper', 'kazoo'], () =>
  mixedRun({ apache: 2, picket: 1, first: 'apache' }, async (run) => {
    if (!onApache) assert.equal(await run.ensemble.mode(3), 'follower');
    await makeLead(run, 2);
    await everything(run, DIFF_FROM_DISK);
  }),
);

interopTest('mixed: two Apache servers and a Picket leader', ['zookeeper', 'kazoo'], () =>
  mixedRun({ apache: 2, picket: 1, first: 'apache' }, async (run) => {
    await makeLead(run, 3);
    for (const sid of [1, 2]) await farBehind(run, sid, DIFF_FROM_DISK);
    await orphanedWrites(run);
  }),
);

interopTest('mixed: an Apache server and two Pickets, each leading', ['zookeeper', 'kazoo'], () =>
  mixedRun(
    { apache: 1, picket: 2, apacheConfig: NO_DIFF_FROM_DISK, first: 'picket' },
    async (run) => {
      await everything(run);
      await makeLead(run, 1);
      await run.work();
      await farBehind(run, 2);
      await orphanedWrites(run);
    },
  ),
);

interopTest('mixed: two Apache servers and a Picket observer', ['zookeeper', 'kazoo'], () =>
  mixedRun(
    { apache: 2, picket: 1, picketObservers: 1, apacheConfig: NO_DIFF_FROM_DISK, first: 'apache' },
    async (run) => {
      assert.equal(await run.ensemble.mode(3), 'observer');
      await restartEach(run);
      await farBehind(run, 3);
    },
  ),
);

interopTest('mixed: two Pickets and an Apache observer', ['zookeeper', 'kazoo'], () =>
  mixedRun(
    { apache: 1, picket: 2, apacheObservers: 1, apacheConfig: NO_DIFF_FROM_DISK, first: 'picket' },
    async (run) => {
      const observer = onApache ? 3 : 1;
      assert.equal(await run.ensemble.mode(observer), 'observer');
      await restartEach(run);
      await farBehind(run, observer);
    },
  ),
);
