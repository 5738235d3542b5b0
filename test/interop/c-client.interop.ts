/**
 * ZooKeeper's own C client, the multi-threaded library that C, C++, Perl and PHP programs link: the
 * program is compiled here and the server it sits on is killed under it.
 */
import assert from 'node:assert/strict';
import path from 'node:path';
import { Program, run } from '../helpers/processes.ts';
import { interopTest, PROGRAMS_DIR, startThree, withEnsemble, withTempDir } from './harness.ts';

interopTest('C client: calls, watches, pipelining and a killed server', ['cClient'], () =>
  withTempDir(async (dir) => {
    const binary = path.join(dir, 'c_client');
    const source = path.join(PROGRAMS_DIR, 'c_client.c');
    const flags = ['-std=gnu11', '-O1', '-Wall', '-Wextra', '-Werror', '-DTHREADED'];
    await run('gcc', [...flags, source, '-o', binary, '-lzookeeper_mt', '-lpthread']);
    await withEnsemble(startThree(), async (ensemble) => {
      const program = new Program(binary, [ensemble.connectString, '/c']);
      const [, port] = await program.waitFor(/^CONNECTED (\d+)$/m);
      const server = ensemble.servers.find(({ clientPort }) => clientPort === Number(port));
      assert.ok(server !== undefined, `a server with client port ${port}`);
      await ensemble.kill(server.sid, 'SIGKILL');
      program.write('killed\n');
      await program.waitFor(/^RECONNECTED (\d+)$/m, 40_000);
      await program.succeeded();
    });
  }),
);
