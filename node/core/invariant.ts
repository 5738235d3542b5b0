/**
 * Invariants: conditions that only a bug of ours, or memory that lies, can break. They stay on in
 * production. A broken one is never handled: it reaches the runtime, which prints the facts and
 * stops the process with its own exit code, because a peer that no longer knows what it knows must
 * not go on acknowledging writes.
 */

export type Facts = Readonly<Record<string, unknown>>;

export class InvariantError extends Error {
  readonly invariant: string;
  readonly facts: Facts;

  constructor(invariant: string, facts: Facts) {
    super(`invariant broken: ${invariant}`);
    this.name = 'InvariantError';
    this.invariant = invariant;
    this.facts = facts;
  }
}

/** Throws InvariantError with `facts` unless `condition` holds. `name` says what must be true. */
export function invariant(condition: boolean, name: string, facts: Facts = {}): asserts condition {
  if (!condition) throw new InvariantError(name, facts);
}

/** The end of every switch over a closed union: does not compile while a case is missing. */
export function assertNever(value: never, what: string): never {
  throw new InvariantError(`unexpected ${what}`, { value });
}
