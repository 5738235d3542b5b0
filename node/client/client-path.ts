/**
 * Paths as the client sees them: what is wrong with one, in the words of ZooKeeper's own client
 * (its users search for them), and the chroot that is put before a path on its way to the server.
 */

const SLASH = 0x2f;

/** Why no znode can have this path, or undefined. `isSequential`: the server appends digits. */
export function pathProblem(path: string, isSequential = false): string | undefined {
  const whole = isSequential ? `${path}1` : path;
  if (whole.length === 0) return 'Path length must be > 0';
  if (!whole.startsWith('/')) return 'Path must start with / character';
  if (whole.length === 1) return undefined;
  if (whole.endsWith('/')) return 'Path must not end with / character';
  let start = 1;
  for (let at = 1; at <= whole.length; at += 1) {
    const unit = at < whole.length ? whole.charCodeAt(at) : SLASH;
    const isEnd = unit === SLASH;
    const cause = isEnd ? segmentProblem(whole.slice(start, at), at) : unitProblem(unit, at);
    if (cause !== undefined) return `Invalid path string "${whole}" caused by ${cause}`;
    if (isEnd) start = at + 1;
  }
  return undefined;
}

/** The path on the server. */
export function prependChroot(chroot: string, path: string): string {
  if (chroot === '') return path;
  return path === '/' ? chroot : chroot + path;
}

/** The path under the chroot. One outside it (which no server sends) is left as it is. */
export function stripChroot(chroot: string, path: string): string {
  if (chroot === '') return path;
  if (path === chroot) return '/';
  return path.startsWith(`${chroot}/`) ? path.slice(chroot.length) : path;
}

function segmentProblem(segment: string, end: number): string | undefined {
  if (segment === '') return `empty node name specified @${end}`;
  const isRelative = segment === '.' || segment === '..';
  return isRelative ? `relative paths not allowed @${end - 1}` : undefined;
}

function unitProblem(unit: number, at: number): string | undefined {
  if (unit === 0) return `null character not allowed @${at}`;
  const isControl = (unit >= 0x01 && unit <= 0x1f) || (unit >= 0x7f && unit <= 0x9f);
  const isRefused = (unit >= 0xd800 && unit <= 0xf8ff) || unit >= 0xfff0;
  return isControl || isRefused ? `invalid character @${at}` : undefined;
}
