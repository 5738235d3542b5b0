import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { OsDisk } from '../../node/log/os-disk.ts';
import { diskContract } from '../contract/disk-contract.ts';

diskContract('real disk', () => {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'picket-'));
  return {
    disk: new OsDisk(),
    root,
    run: () => {},
    dispose: () => fs.rmSync(root, { recursive: true, force: true }),
  };
});
