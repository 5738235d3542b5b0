/**
 * `picket check FILE`: reads a configuration as the server would and says everything that is wrong
 * with it, or worth knowing, at once. It changes nothing and opens no port.
 */
import process from 'node:process';
import { ConfigError } from '../runtime/config/config-error.ts';
import { configText } from '../runtime/config/config-text.ts';
import { loadConfigFile } from '../runtime/config/load-config.ts';
import { ExitCode } from '../runtime/exit-codes.ts';

export function runCheck(file: string): number {
  try {
    const { config, warnings } = loadConfigFile(file);
    for (const warning of warnings) process.stdout.write(`warning: ${warning}\n`);
    const { mode, sid, dataDir, clientPort } = config;
    process.stdout.write(
      `${file}: ${mode}, sid ${sid}, clients on port ${clientPort}, data in ${dataDir}\n`,
    );
    const members = configText(config);
    if (members !== '') process.stdout.write(`${members}\n`);
    return ExitCode.ok;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return ExitCode.invalidInvocation;
  }
}
