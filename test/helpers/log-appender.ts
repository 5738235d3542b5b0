/**
 * A program for the kill test: recovers the journal in the directory given, appends transactions
 * for as long as it lives, and prints each zxid once it is durable.
 */
import fs from 'node:fs';
import { openDataDirs } from '../../node/log/data-dir.ts';
import { OsDisk } from '../../node/log/os-disk.ts';
import { recoverJournal } from '../../node/log/recovery.ts';

const directory = process.argv[2] ?? '';
const dirs = openDataDirs({ dataDir: directory, dataLogDir: directory });
const { journal, txns } = recoverJournal({
  disk: new OsDisk(),
  directory: dirs.journalDirectory,
  snapshotDirectory: dirs.snapshotDirectory,
  sid: 1,
  newSeed: () => Math.floor(Math.random() * 2 ** 32),
  segmentBytesMax: 64 * 1024,
  onFailed: (error) => {
    throw error;
  },
});

let next = (txns.at(-1)?.zxid ?? 0) + 1;
function append(): void {
  const zxid = next;
  next += 1;
  const txn = Buffer.alloc(100 + (zxid % 400), zxid % 256);
  txn.writeBigUInt64BE(BigInt(zxid), 12);
  journal.append([{ type: 'txn', zxid, txn }], zxid - 1, () => {
    fs.writeSync(1, `${zxid}\n`);
    append();
  });
}
for (let i = 0; i < 8; i += 1) append();
