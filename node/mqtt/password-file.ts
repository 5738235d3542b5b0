/** picket.mqtt.passwordFile: a secret stands in a file of its own, never in zoo.cfg or in a log. */
import { readFile } from 'node:fs/promises';

const PASSWORD_BYTES_MAX = 4096;

/** The first line of the file. Throws an Error that names the key, the file and the remedy. */
export async function readPasswordFile(file: string): Promise<string> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    throw new Error(
      `picket.mqtt.passwordFile: ${file} cannot be read (${code}); ` +
        'create it with the password in its first line, readable by this user only',
    );
  }
  const password = text.split(/\r?\n/, 1)[0] ?? '';
  if (password === '' || Buffer.byteLength(password) > PASSWORD_BYTES_MAX) {
    throw new Error(
      `picket.mqtt.passwordFile: the first line of ${file} must hold the password ` +
        `(1 to ${PASSWORD_BYTES_MAX} bytes)`,
    );
  }
  return password;
}
