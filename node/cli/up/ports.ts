/** Finds out which of the planned ports are taken before anything is started. */
import net from 'node:net';
import { type PlannedPort, portsOf, type UpPlan } from './plan.ts';
import { UpError } from './up-error.ts';

/** Throws UpError that names every port that cannot be had, and the remedy. */
export async function checkPorts(plan: UpPlan): Promise<void> {
  const taken: { planned: PlannedPort; code: string }[] = [];
  for (const planned of portsOf(plan)) {
    const code = await tryPort(planned.port);
    if (code !== undefined) taken.push({ planned, code });
  }
  const [first] = taken;
  if (first === undefined) return;
  const lines = taken.map(({ planned, code }) => {
    const why = code === 'EADDRINUSE' ? 'is in use' : `cannot be opened (${code})`;
    return `port ${planned.port} (${planned.purpose}) ${why}`;
  });
  throw UpError.usage(
    `${lines.join('\n')}\n` +
      `See who listens there: ss -ltnp 'sport = :${first.planned.port}'\n` +
      'Stop it, or use other ports: picket up --base-port 12181',
  );
}

function tryPort(port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = net.createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => {
      server.close(() => resolve(undefined));
    });
  });
}
