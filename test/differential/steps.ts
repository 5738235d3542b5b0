/** What a run is made of, one step after the other, each on one slot (a session). */
import type { Request } from './fields.ts';
import { requestText } from './operations.ts';

export type Step =
  /** More than one: written at once, without waiting for replies. */
  | {
      readonly kind: 'requests';
      readonly slot: number;
      readonly requests: readonly Request[];
    }
  /** The connection breaks and the session goes on in a new one. */
  | { readonly kind: 'reconnect'; readonly slot: number }
  /** The same, while the old connection is still there. */
  | { readonly kind: 'steal'; readonly slot: number }
  /** Somebody else asks for the session. */
  | {
      readonly kind: 'impostor';
      readonly slot: number;
      readonly how: 'password' | 'unknown' | 'ahead';
    };

export function requestCount(step: Step): number {
  return step.kind === 'requests' ? step.requests.length : 1;
}

export function stepText(step: Step): string {
  const what =
    step.kind === 'requests'
      ? step.requests.map(requestText).join(' + ')
      : step.kind === 'impostor'
        ? `impostor (${step.how})`
        : step.kind;
  return `slot ${step.slot}: ${what}`;
}
