/** One training step as a graph: parameters and a batch go in, the loss and every gradient come out. */
import { buildGraph, type Graph } from '../graph/build.ts';
import { gradients } from '../graph/gradients.ts';
import { recomputedGradients } from '../graph/recompute.ts';
import { input, type Node, type Value } from '../graph/value.ts';
import type { ParameterSource } from '../layers/scope.ts';
import { isStored } from '../models/parameters.ts';

/** Trained tensors by name: each is a graph input. */
export type Trainables = Map<string, Value>;

const GRADIENT = 'gradient:';

/** Name of the output that holds the gradient of a parameter. */
export function gradientOutput(parameter: string): string {
  return GRADIENT + parameter;
}

/** The parameter whose gradient an output holds; undefined for a loss. */
export function parameterOfOutput(output: string): string | undefined {
  return output.startsWith(GRADIENT) ? output.slice(GRADIENT.length) : undefined;
}

/**
 * A source in which every tensor asked for becomes a trained input, named `prefix` + its own name, and is entered
 * into `trainables`.
 */
export function trainableSource(trainables: Trainables, prefix = ''): ParameterSource {
  return {
    has: isStored,
    get: (name, shape) => {
      const known = trainables.get(prefix + name);
      if (known) return known;
      const value = input(prefix + name, 'float32', shape);
      trainables.set(prefix + name, value);
      return value;
    },
  };
}

export interface StepOptions {
  /** Further outputs, one number each: parts of the loss, for the log. */
  readonly reports?: Readonly<Record<string, Value>>;
  /** What is computed again for the backward pass; see recompute.ts. Nothing when absent. */
  readonly recompute?: {
    readonly checkpoints: readonly Value[];
    /** Default: everything between the checkpoints. */
    readonly repeats?: (node: Node) => boolean;
  };
}

/**
 * The graph of a step: outputs `loss`, the reports and one gradient per trainable.
 * Throws what `gradients` throws: an op without a rule, a parameter the loss does not see.
 */
export function trainingStep(
  trainables: ReadonlyMap<string, Value>,
  loss: Value,
  { reports, recompute }: StepOptions = {},
): Graph {
  const names = [...trainables.keys()];
  const values = [...trainables.values()];
  const derived = recompute
    ? recomputedGradients(loss, values, recompute.checkpoints, recompute.repeats)
    : gradients(loss, values);
  const outputs = Object.fromEntries(names.map((name, index) => [gradientOutput(name), derived[index]!]));
  return buildGraph({ loss, ...reports, ...outputs });
}
