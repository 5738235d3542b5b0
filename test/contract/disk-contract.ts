/** What every Disk does, the real one and the simulated one alike. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { type Disk, type DiskFile, type Done, errorCode } from '../../node/log/disk.ts';

export interface DiskUnderTest {
  readonly disk: Disk;
  /** An existing empty directory. */
  readonly root: string;
  /** Carries out what has been submitted; the real disk does so by itself. */
  readonly run: () => void;
  readonly dispose: () => void;
}

export function diskContract(name: string, make: () => DiskUnderTest): void {
  const check = (what: string, body: (on: Harness) => Promise<void>): void => {
    test(`${name}: ${what}`, async () => {
      const under = make();
      try {
        await body(new Harness(under));
      } finally {
        under.dispose();
      }
    });
  };

  check('what is written is read back, over gaps and overlaps', async (on) => {
    const file = await on.open('a', 'create');
    await on.done((done) => file.write([bytes('abc'), bytes(''), bytes('def')], 0, done));
    await on.done((done) => file.write([bytes('XY')], 4, done));
    await on.done((done) => file.write([bytes('!')], 8, done));
    await on.done((done) => file.datasync(done));
    assert.deepEqual(text(on.disk.readFileSync(on.path('a'))), 'abcdXY\0\0!');
    const target = Buffer.alloc(20);
    assert.equal(await on.read(file, target, 4), 5);
    assert.equal(text(target.subarray(0, 5)), 'XY\0\0!');
    assert.equal(await on.read(file, target, 9), 0);
    await on.done((done) => file.close(done));
  });

  check('the blocking half does the same', async (on) => {
    const file = on.disk.openSync(on.path('a'), 'create');
    file.writeSync([bytes('abc'), bytes('def')], 2);
    file.syncSync();
    const target = Buffer.alloc(4);
    assert.equal(file.readSync(target, 0), 4);
    assert.equal(text(target), '\0\0ab');
    file.closeSync();
    assert.equal(text(on.disk.readFileSync(on.path('a'))), '\0\0abcdef');
  });

  check('create refuses a file that exists, the other modes one that does not', async (on) => {
    on.disk.openSync(on.path('a'), 'create').closeSync();
    assert.throws(() => on.disk.openSync(on.path('a'), 'create'), withCode('EEXIST'));
    await assert.rejects(on.open('a', 'create'), withCode('EEXIST'));
    assert.throws(() => on.disk.openSync(on.path('b'), 'read'), withCode('ENOENT'));
    await assert.rejects(on.open('b', 'update'), withCode('ENOENT'));
    assert.throws(() => on.disk.readFileSync(on.path('b')), withCode('ENOENT'));
  });

  check('update keeps what is there', async (on) => {
    const created = on.disk.openSync(on.path('a'), 'create');
    created.writeSync([bytes('abc')], 0);
    created.closeSync();
    const file = on.disk.openSync(on.path('a'), 'update');
    file.writeSync([bytes('Z')], 1);
    file.closeSync();
    assert.equal(text(on.disk.readFileSync(on.path('a'))), 'aZc');
  });

  check('many small buffers go out in one write', async (on) => {
    const file = await on.open('a', 'create');
    const buffers = Array.from({ length: 5000 }, (_, i) => bytes(`${i % 10}`));
    await on.done((done) => file.write(buffers, 0, done));
    const content = text(on.disk.readFileSync(on.path('a')));
    assert.equal(content, Array.from({ length: 5000 }, (_, i) => i % 10).join(''));
    await on.done((done) => file.close(done));
  });

  check('rename replaces, remove removes, a missing file is an error', async (on) => {
    for (const name of ['a', 'b']) {
      const file = on.disk.openSync(on.path(name), 'create');
      file.writeSync([bytes(name)], 0);
      file.closeSync();
    }
    await on.done((done) => on.disk.rename(on.path('a'), on.path('b'), done));
    assert.deepEqual(on.disk.listSync(on.root), ['b']);
    assert.equal(text(on.disk.readFileSync(on.path('b'))), 'a');
    on.disk.renameSync(on.path('b'), on.path('c'));
    await on.done((done) => on.disk.syncDirectory(on.root, done));
    on.disk.syncDirectorySync(on.root);
    const gone = on.done((done) => on.disk.remove(on.path('b'), done));
    await assert.rejects(gone, withCode('ENOENT'));
    await on.done((done) => on.disk.remove(on.path('c'), done));
    assert.throws(() => on.disk.removeSync(on.path('c')), withCode('ENOENT'));
    assert.deepEqual(on.disk.listSync(on.root), []);
  });

  check(
    'list gives the files sorted, without folders; none for a missing directory',
    async (on) => {
      on.disk.makeDirectorySync(on.path('folder'));
      on.disk.makeDirectorySync(on.path('folder'));
      for (const name of ['b', 'a', 'c']) on.disk.openSync(on.path(name), 'create').closeSync();
      assert.deepEqual(on.disk.listSync(on.root), ['a', 'b', 'c']);
      assert.deepEqual(on.disk.listSync(on.path('missing')), []);
      assert.throws(() => on.disk.syncDirectorySync(on.path('missing')), withCode('ENOENT'));
    },
  );

  check('a completion never runs inside the call that submits', async (on) => {
    const file = await on.open('a', 'create');
    let isSubmitting = true;
    const completed = on.done((done) => {
      file.write([bytes('x')], 0, (error) => {
        assert.equal(isSubmitting, false);
        done(error);
      });
      isSubmitting = false;
    });
    await completed;
    await on.done((done) => file.close(done));
  });
}

class Harness {
  readonly disk: Disk;
  readonly root: string;
  private readonly run: () => void;

  constructor(under: DiskUnderTest) {
    this.disk = under.disk;
    this.root = under.root;
    this.run = under.run;
  }

  path(name: string): string {
    return path.join(this.root, name);
  }

  async done(submit: (done: Done) => void): Promise<void> {
    const completed = new Promise<void>((resolve, reject) => {
      submit((error) => (error === null ? resolve() : reject(error)));
    });
    this.run();
    await completed;
  }

  async open(name: string, mode: 'create' | 'update' | 'read'): Promise<DiskFile> {
    const opened = new Promise<DiskFile>((resolve, reject) => {
      this.disk.open(this.path(name), mode, (error, file) => {
        if (file === null) reject(error);
        else resolve(file);
      });
    });
    this.run();
    return opened;
  }

  async read(file: DiskFile, target: Uint8Array, offset: number): Promise<number> {
    const read = new Promise<number>((resolve, reject) => {
      file.read(target, offset, (error, n) => (error === null ? resolve(n) : reject(error)));
    });
    this.run();
    return read;
  }
}

function bytes(value: string): Uint8Array {
  return Buffer.from(value);
}

function text(value: Uint8Array): string {
  return Buffer.from(value).toString();
}

function withCode(code: string): (error: unknown) => boolean {
  return (error) => errorCode(error) === code;
}
