/** Makes a failing run smaller by leaving out steps for as long as it goes on failing. */

/**
 * Some of `items`, in order, for which `fails` holds as it does for all of them: halves are left
 * out, then quarters, down to single ones (Zeller's delta debugging without its complements).
 * Asks at most `tries` times.
 */
export async function shrink<T>(
  items: readonly T[],
  fails: (items: readonly T[]) => Promise<boolean>,
  tries: number,
): Promise<readonly T[]> {
  let kept = items;
  let left = tries;
  for (
    let size = Math.ceil(items.length / 2);
    size >= 1;
    size = size === 1 ? 0 : Math.ceil(size / 2)
  ) {
    for (let start = 0; start < kept.length && left > 0; ) {
      const without = [...kept.slice(0, start), ...kept.slice(start + size)];
      left -= 1;
      if (without.length > 0 && (await fails(without))) kept = without;
      else start += size;
    }
  }
  return kept;
}
