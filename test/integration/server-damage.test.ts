/** What a peer does about a journal, a snapshot or a medium that is not what it was. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { afterEach, beforeEach, test } from 'node:test';
import { ZooKeeperClient } from '../../node/client/zookeeper-client.ts';
import { ExitCode } from '../../node/runtime/exit-codes.ts';
import { assertEqualTrees, clientOf } from '../helpers/client-tree.ts';
import { PicketEnsemble } from '../helpers/picket.ts';
import { claimPorts } from '../helpers/processes.ts';
import {
  endOf,
  flipByte,
  mountMissing,
  mountTmpfs,
  remount,
  ServerHome,
  unmount,
} from '../helpers/server-home.ts';

const SEGMENT_BYTES = 65_536;
const noMount = mountMissing();

let home: ServerHome;
let connectString: string;

beforeEach(async () => {
  home = new ServerHome();
  const [clientPort = 0] = await claimPorts(1);
  connectString = `127.0.0.1:${clientPort}`;
  home.configure(clientPort, [`picket.journal.segmentBytes=${SEGMENT_BYTES}`]);
});

afterEach(() => home.remove());

async function withClient<T>(body: (client: ZooKeeperClient) => Promise<T>): Promise<T> {
  const client = new ZooKeeperClient({ connectString });
  await client.connect();
  try {
    return await body(client);
  } finally {
    await client.close();
  }
}

/** Serves until `count` znodes of `bytes` each are acknowledged. */
async function filled(count: number, bytes: number): Promise<void> {
  const program = await home.serve();
  await withClient(async (client) => {
    for (let i = 0; i < count; i += 1) await client.create(`/n${i}`, Buffer.alloc(bytes, i));
  });
  await program.stop('SIGTERM');
}

async function assertFilled(count: number): Promise<void> {
  await withClient(async (client) => {
    for (let i = 0; i < count; i += 1) {
      assert.equal((await client.getData(`/n${i}`)).data?.[0], i % 256, `/n${i}`);
    }
  });
}

test('a journal damaged before its tail is refused, with the place and the remedy', async () => {
  await filled(40, 5000);
  const files = home.files('journal');
  assert.ok(files.length > 3);
  for (const [file = '', offset] of [
    [files[0], SEGMENT_BYTES / 2],
    [files[1], 100],
    [files.at(-2), SEGMENT_BYTES / 3],
  ] as const) {
    flipByte(file, Math.floor(offset));
    const { code, output } = await home.end();
    assert.equal(code, ExitCode.journalDamaged, output);
    assert.ok(output.includes(`the journal is damaged: ${file} at byte`), output);
    assert.match(output, /Move the directories/);
    flipByte(file, Math.floor(offset));
  }
  const [, missing = ''] = files;
  fs.renameSync(missing, `${home.dir}/kept`);
  assert.equal((await home.end()).code, ExitCode.journalDamaged);
  fs.renameSync(`${home.dir}/kept`, missing);
  const program = await home.serve();
  await assertFilled(40);
  await program.stop();
});

test('a torn tail is cut, and nothing that was acknowledged is in it', async () => {
  await filled(10, 100);
  // As a write that a power cut has torn: some bytes behind the last record.
  const last = home.files('journal').at(-1) ?? '';
  fs.appendFileSync(last, Buffer.alloc(300, 0xa5));
  const program = await home.serve();
  assert.match(program.output, /cut a torn tail off the journal/);
  await assertFilled(10);
  await program.stop();
});

test('a damaged snapshot is passed over for the one before; with none left the peer refuses', async () => {
  const program = await home.serve();
  await withClient(async (client) => {
    await client.create('/s', '');
    for (let i = 0; i < 10; i += 1) await client.create(`/n${i}`, Buffer.alloc(100, i));
    const block = Buffer.alloc(900_000, 7);
    for (let i = 0; program.output.split('wrote a snapshot').length < 3; i += 1) {
      assert.ok(i < 100, 'two snapshots within 90 MB of log');
      await client.setData('/s', block);
    }
    await client.setData('/s', 'the last');
  });
  await program.stop('SIGTERM');
  const snapshots = home.files('snapshots');
  assert.equal(snapshots.length, 2);
  flipByte(snapshots[1] ?? '', 200);
  const second = await home.serve();
  assert.match(second.output, /"level":"warn"[^\n]*the snapshot is damaged/);
  await assertFilled(10);
  await withClient(async (client) => {
    assert.equal(String((await client.getData('/s')).data), 'the last');
  });
  await second.stop('SIGTERM');
  for (const snapshot of home.files('snapshots')) flipByte(snapshot, 300);
  const { code, output } = await home.end();
  assert.equal(code, ExitCode.journalDamaged, output);
  assert.match(output, /damaged/);
});

test('a medium with no room at the start', { skip: noMount }, async () => {
  // Room for nothing at all, and for the lock but not for the journal.
  for (const filledPages of [2, 1]) {
    mountTmpfs(home.dataDir, 'size=8k');
    try {
      fs.writeFileSync(`${home.dataDir}/filler`, Buffer.alloc(filledPages * 4096));
      const { code, output } = await home.end();
      assert.equal(code, ExitCode.journalIo, output);
      assert.match(output, /no room left to write/);
    } finally {
      unmount(home.dataDir);
    }
  }
});

test('a medium that fills up ends the peer; with more room all is there', {
  skip: noMount,
}, async () => {
  mountTmpfs(home.dataDir, 'size=1m');
  try {
    const program = await home.serve();
    const acknowledged: string[] = [];
    const client = new ZooKeeperClient({ connectString });
    await client.connect();
    await assert.rejects(async () => {
      for (let i = 0; i < 1000; i += 1) {
        acknowledged.push(await client.create(`/n${i}`, Buffer.alloc(10_000, i)));
      }
    });
    await client.close();
    const { code, output } = await endOf(program);
    assert.equal(code, ExitCode.journalIo, output);
    assert.match(output, /"level":"error"[^\n]*no room left to write/);
    assert.ok(acknowledged.length > 20);
    remount(home.dataDir, 'size=16m');
    const again = await home.serve();
    await assertFilled(acknowledged.length);
    await withClient((it) => it.create('/more', ''));
    await again.stop();
  } finally {
    unmount(home.dataDir);
  }
});

test('one full disk of three: the others go on, and the peer comes back', {
  skip: noMount,
}, async () => {
  const config = [`picket.journal.segmentBytes=${SEGMENT_BYTES}`];
  const ensemble = await PicketEnsemble.start(3, { config });
  const mounted: string[] = [];
  try {
    const leader = (await ensemble.leader()) ?? 0;
    for (const sid of [leader, (leader % 3) + 1]) {
      const data = `${ensemble.server(sid).dir}/data`;
      await ensemble.kill(sid);
      fs.renameSync(data, `${data}.real`);
      mountTmpfs(data, 'size=16m');
      mounted.push(data);
      fs.cpSync(`${data}.real`, data, { recursive: true });
      const { blocks, bfree, bsize } = fs.statfsSync(data);
      remount(data, `size=${(blocks - bfree) * bsize + 500_000}`);
      await ensemble.restart(sid);
      await fillUp(ensemble, sid);
      remount(data, 'size=16m');
      await ensemble.restart(sid);
      const tree = await assertEqualTrees(ensemble);
      assert.ok(tree.has(`/full-${sid}/after`));
    }
  } finally {
    await Promise.all([1, 2, 3].map((sid) => ensemble.kill(sid)));
    for (const data of mounted) unmount(data);
    await ensemble.stop();
  }
});

/** Writes through the other peers until `sid` has ended, and once more. */
async function fillUp(ensemble: PicketEnsemble, sid: number): Promise<void> {
  const others = [1, 2, 3].filter((it) => it !== sid);
  const client = await clientOf(ensemble, others);
  try {
    await client.create(`/full-${sid}`, '');
    for (let i = 0; ensemble.pid(sid) !== undefined; i += 1) {
      assert.ok(i < 1000, `${sid} is full after 10 MB:\n${ensemble.log(sid)}`);
      await client.create(`/full-${sid}/${i}`, Buffer.alloc(10_000, i));
    }
    await client.create(`/full-${sid}/after`, '');
    assert.match(ensemble.log(sid), /no room left to write/);
  } finally {
    await client.close();
  }
}
