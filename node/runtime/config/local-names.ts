/**
 * The names under which other machines may know this one: what a `server.N` host is compared with
 * when there is no myid file.
 */
import os from 'node:os';

/** Host name, with and without its domain, with `.local` (mDNS), and every interface address. */
export function localNames(): string[] {
  const host = os.hostname();
  const short = host.split('.')[0] ?? host;
  const addresses = Object.values(os.networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .map(({ address }) => address.split('%')[0] ?? address);
  return [...new Set([host, short, `${short}.local`, ...addresses])];
}
