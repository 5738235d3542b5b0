/**
 * Addresses of the `ip` scheme: `addr` or `addr/bits`, IPv4 and IPv6. An IPv4 address in its IPv6
 * clothes (`::ffff:10.0.0.1`, what a dual-stack socket reports) counts as the IPv4 address.
 */

/** True when the connection's address `address` lies in `expression`. */
export function matchesIp(address: string, expression: string): boolean {
  const range = parseRange(expression);
  // A link-local address comes with the interface it was heard on.
  const bytes = parseAddress(address.split('%', 1)[0] ?? '');
  if (range === null || bytes === null || bytes.length !== range.bytes.length) return false;
  for (let i = 0, bits = range.bits; bits > 0; i += 1, bits -= 8) {
    const mask = bits >= 8 ? 0xff : (0xff00 >> bits) & 0xff;
    if (((bytes[i] ?? 0) & mask) !== ((range.bytes[i] ?? 0) & mask)) return false;
  }
  return true;
}

export function isIpExpression(expression: string): boolean {
  return parseRange(expression) !== null;
}

interface Range {
  readonly bytes: readonly number[];
  readonly bits: number;
}

function parseRange(expression: string): Range | null {
  const slash = expression.indexOf('/');
  const bytes = parseAddress(slash === -1 ? expression : expression.slice(0, slash));
  if (bytes === null) return null;
  if (slash === -1) return { bytes, bits: bytes.length * 8 };
  const text = expression.slice(slash + 1);
  if (!/^\d{1,3}$/.test(text) || Number(text) > bytes.length * 8) return null;
  return { bytes, bits: Number(text) };
}

function parseAddress(text: string): readonly number[] | null {
  if (!text.includes(':')) return parseV4(text);
  const bytes = parseV6(text);
  if (bytes === null) return null;
  const isMapped =
    bytes.slice(0, 10).every((b) => b === 0) && bytes[10] === 255 && bytes[11] === 255;
  return isMapped ? bytes.slice(12) : bytes;
}

function parseV4(text: string): readonly number[] | null {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part))) return null;
  const bytes = parts.map(Number);
  return bytes.every((byte) => byte <= 255) ? bytes : null;
}

function parseV6(text: string): readonly number[] | null {
  const halves = text.split('::');
  if (halves.length > 2) return null;
  const [head, tail] = [parseGroups(halves[0] ?? ''), parseGroups(halves[1] ?? '')];
  if (head === null || tail === null) return null;
  const missing = 16 - head.length - tail.length;
  // `::` stands for at least one group.
  if (halves.length === 1 ? missing !== 0 : missing < 2) return null;
  return [...head, ...new Array<number>(missing).fill(0), ...tail];
}

/** Groups of 16 bits, the last of which may be an IPv4 address. */
function parseGroups(text: string): readonly number[] | null {
  if (text === '') return [];
  const groups = text.split(':');
  const bytes: number[] = [];
  for (const [index, group] of groups.entries()) {
    if (/^[0-9a-fA-F]{1,4}$/.test(group)) {
      const value = Number.parseInt(group, 16);
      bytes.push(value >> 8, value & 0xff);
      continue;
    }
    const v4 = index === groups.length - 1 ? parseV4(group) : null;
    if (v4 === null) return null;
    bytes.push(...v4);
  }
  return bytes;
}
