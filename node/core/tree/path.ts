/**
 * Paths of znodes: what is a legal path (the rules of ZooKeeper's PathUtils, which every client
 * library checks as well) and how a path names its parent.
 */

/**
 * Why `path` cannot name a znode, or null when it can. With `isSequential` the rules hold for the
 * path with its suffix, so that `/queue/` is legal.
 */
export function validatePath(path: string, isSequential: boolean): string | null {
  const whole = isSequential ? `${path}1` : path;
  if (whole.length === 0) return 'path is empty';
  if (whole.charCodeAt(0) !== SLASH) return 'path must start with /';
  if (whole.length === 1) return null;
  if (whole.charCodeAt(whole.length - 1) === SLASH) return 'path must not end with /';
  let segmentStart = 1;
  for (let i = 1; i <= whole.length; i += 1) {
    const c = i === whole.length ? SLASH : whole.charCodeAt(i);
    if (c === SLASH) {
      const problem = segmentProblem(whole, segmentStart, i);
      if (problem !== null) return problem;
      segmentStart = i + 1;
    } else if (isForbidden(c)) {
      return `path holds the forbidden code unit 0x${c.toString(16)} at ${i}`;
    }
  }
  return null;
}

/** The path of the parent; '/' is its own parent. */
export function parentOf(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash <= 0 ? '/' : path.slice(0, slash);
}

/** The last segment: what a parent calls its child. */
export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

const SLASH = 0x2f;
const DOT = 0x2e;

function segmentProblem(path: string, start: number, end: number): string | null {
  if (start === end) return `path holds an empty name at ${start}`;
  const isDots =
    path.charCodeAt(start) === DOT &&
    (end - start === 1 || (end - start === 2 && path.charCodeAt(start + 1) === DOT));
  return isDots ? `path holds a relative name at ${start}` : null;
}

/** Control characters, surrogates, the private use area and the specials block. */
function isForbidden(c: number): boolean {
  return c <= 0x1f || (c >= 0x7f && c <= 0x9f) || (c >= 0xd800 && c <= 0xf8ff) || c >= 0xfff0;
}
