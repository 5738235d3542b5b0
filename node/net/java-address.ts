/**
 * Socket addresses as Java prints them, which is what scripts that read `stat` and `cons` parse.
 */
import net from 'node:net';

const GROUPS = 8;

/**
 * `/127.0.0.1:40318` or `/[0:0:0:0:0:0:0:1]:40318`. An IPv4 client of a dual-stack socket shows as
 * IPv4.
 */
export function formatJavaAddress(address: string, port: number): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '');
  return net.isIPv6(plain) ? `/[${expand(plain)}]:${port}` : `/${plain}:${port}`;
}

function expand(address: string): string {
  const [bare = '', zone] = address.split('%');
  const [left = '', right] = bare.split('::');
  const groups = left === '' ? [] : left.split(':');
  if (right !== undefined) {
    const tail = right === '' ? [] : right.split(':');
    while (groups.length + tail.length < GROUPS) groups.push('0');
    groups.push(...tail);
  }
  const text = groups.map((group) => Number.parseInt(group, 16).toString(16)).join(':');
  return zone === undefined ? text : `${text}%${zone}`;
}
