/** Options that act only beside another one, or not beside one: given all the same, they would be passed over without a word. */
import { badInput } from '../engine/border/failures.ts';

type Given = Readonly<Record<string, unknown>>;

/** Options by the name under which commander hands them over. */
export interface Need {
  readonly option: string;
  /** What `option` gives, as in "the picture to start from". */
  readonly what: string;
  /** The options that do nothing without it. */
  readonly by: readonly string[];
}

/** Throws bad input that names the first option given without the one it needs. */
export function requireTogether(given: Given, needs: readonly Need[]): void {
  for (const { option, what, by } of needs) {
    if (given[option] !== undefined) continue;
    const idle = by.find((name) => given[name] !== undefined);
    if (idle !== undefined)
      throw badInput(
        `${flagOf(idle)} needs ${flagOf(option)}: ${what}.`,
        `Give both, or leave out ${flagOf(idle)}.`,
      );
  }
}

/** Throws bad input that names the first option given beside `option` which that one does not heed. */
export function refuseBeside(option: string, why: string, given: Given, heeded: readonly string[]): void {
  const idle = Object.keys(given).find(
    (name) => name !== option && given[name] !== undefined && !heeded.includes(name),
  );
  if (idle !== undefined)
    throw badInput(
      `${flagOf(idle)} does nothing beside ${flagOf(option)}: ${why}.`,
      'Leave one of them out.',
    );
}

/** Throws bad input where an option is given neither once for all of `option` nor once for each. */
export function requireOneForEach(given: Given, option: string, by: readonly string[]): void {
  const count = valuesOf(given, option);
  for (const name of by) {
    const values = valuesOf(given, name);
    if (values > 1 && values !== count)
      throw badInput(
        `${flagOf(name)} has ${values} values for ${count} of ${flagOf(option)}.`,
        'Give one for each, or one for all.',
      );
  }
}

function valuesOf(given: Given, name: string): number {
  const values = given[name];
  return Array.isArray(values) ? values.length : 0;
}

/** "secondPass" → "--second-pass". */
export function flagOf(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}
