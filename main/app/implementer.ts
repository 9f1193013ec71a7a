/** What all handler files share: the contract to implement, and the empty answer. */
import { implement } from '@orpc/server';
import { contract } from '../../preload/contract.ts';

export const os = implement(contract);

/** The answer of a call that only does something; takes what it did in passing, so that a handler stays one line. */
export function done(_did: unknown): Record<string, never> {
  return {};
}
