/** Parameter sets put together and taken apart by name. */
import { copyParameters, createParameters, type ParameterSet } from '../../parameters.ts';

/** The same numbers under `prefix.`. */
export function underName(prefix: string, set: ParameterSet): ParameterSet {
  return renamed(set, (name) => `${prefix}.${name}`);
}

/** The same numbers without the leading `prefix.` that all of them have. */
export function withoutName(prefix: string, set: ParameterSet): ParameterSet {
  return renamed(set, (name) => name.slice(prefix.length + 1));
}

/** A new set with copies of all. */
export function merged(...sets: readonly ParameterSet[]): ParameterSet {
  const all = createParameters(new Map(sets.flatMap(({ shapes }) => [...shapes])));
  for (const { views } of sets) for (const [name, values] of views) all.views.get(name)!.set(values);
  return all;
}

/** A new set of the parameters whose names begin so. */
export function startingWith(prefix: string, set: ParameterSet): ParameterSet {
  return chosen(set, (name) => name.startsWith(prefix));
}

/** A new set of the parameters whose names are accepted. */
export function chosen({ shapes, views }: ParameterSet, accepts: (name: string) => boolean): ParameterSet {
  const part = createParameters(new Map([...shapes].filter(([name]) => accepts(name))));
  for (const [name, values] of part.views) values.set(views.get(name)!);
  return part;
}

function renamed({ flat, shapes, views }: ParameterSet, change: (name: string) => string): ParameterSet {
  return {
    flat,
    shapes: new Map([...shapes].map(([name, shape]) => [change(name), shape])),
    views: new Map([...views].map(([name, values]) => [change(name), values])),
  };
}

/** A copy of `whole` in which the numbers of `part` stand in the place of its own. */
export function replaced(whole: ParameterSet, part: ParameterSet): ParameterSet {
  const copy = copyParameters(whole);
  for (const [name, values] of part.views) copy.views.get(name)!.set(values);
  return copy;
}
