/** One training step as one graph: loss and all gradients in a single run, written into memory allotted once. */
import { type InferenceSession, Tensor } from 'onnxruntime-node';
import { buildGraph } from '../../../../native-models/graph/build.ts';
import { gradients } from '../../../../native-models/graph/gradients.ts';
import { input, type Value } from '../../../../native-models/graph/value.ts';
import { type ParameterSource, rootScope, type Scope } from '../../../../native-models/layers/scope.ts';
import { createSession, DEFAULT_SESSION } from '../../../engine/runtime/sessions.ts';
import { createParameters, type Gradients, type ParameterSet, type Shapes } from '../../parameters.ts';

/** Data of one run by input name. */
export type Feeds = Readonly<Record<string, Float32Array<ArrayBuffer> | BigInt64Array<ArrayBuffer>>>;

export interface TrainingStep {
  /** Runs forward and backward; afterwards `gradients` holds d loss / d parameter. Returns the loss. */
  run(feeds: Feeds): Promise<number>;
  readonly gradients: Gradients;
  release(): Promise<void>;
}

export interface StepOptions {
  /** What is trained; the graph reads these numbers where they lie. */
  readonly parameters: ParameterSet;
  /** Parameters used but not trained. */
  readonly frozen?: ParameterSet;
  /** Where gradients are written; new memory when absent. */
  readonly gradients?: ParameterSet;
  /** 0 = one per core. */
  readonly threads?: number;
}

/** Builds `loss` over a scope whose parameters are graph inputs, differentiates it and loads it. */
export async function createStep(
  build: (scope: Scope) => Value,
  options: StepOptions,
): Promise<TrainingStep> {
  const { parameters, frozen, threads = 0 } = options;
  const source = inputSource(new Map([...parameters.shapes, ...(frozen?.shapes ?? [])]));
  const loss = build(rootScope(source, { flavour: 'training' }));
  const names = [...parameters.shapes.keys()];
  const trained = names.map((name) => source.get(name, parameters.shapes.get(name)!));
  const slopes = gradients(loss, trained);
  const outputs = Object.fromEntries(names.map((name, i) => [gradientName(name), slopes[i]!]));
  const session = await createSession(buildGraph({ loss, ...outputs }), { ...DEFAULT_SESSION, threads });
  return runner(session, options);
}

const gradientName = (name: string): string => `d ${name}`;

/** Parameters as graph inputs of their names; the same name is the same value. */
export function inputSource(shapes: Shapes): ParameterSource {
  const values = new Map<string, Value>();
  const get = (name: string, shape: readonly number[]): Value => {
    const known = values.get(name);
    if (known) return known;
    const stored = shapes.get(name);
    if (stored?.join() !== shape.join())
      throw new RangeError(`"${name}" is needed as [${shape}], the model has [${stored ?? 'nothing'}]`);
    const value = input(name, 'float32', shape);
    values.set(name, value);
    return value;
  };
  return { has: (name) => shapes.has(name), get };
}

/** Tensors over the numbers of a set: later changes of the numbers are seen by the graph. */
export function tensorsOf(set: ParameterSet | undefined): Record<string, Tensor> {
  if (!set) return {};
  const pairs = [...set.shapes].map(
    ([name, shape]) => [name, new Tensor('float32', set.views.get(name)!, shape)] as const,
  );
  return Object.fromEntries(pairs);
}

function runner(
  session: InferenceSession,
  { parameters, frozen, gradients: slots = createParameters(parameters.shapes) }: StepOptions,
): TrainingStep {
  const known = new Set(session.inputNames);
  const fixed = Object.fromEntries(
    Object.entries({ ...tensorsOf(frozen), ...tensorsOf(parameters) }).filter(([name]) => known.has(name)),
  );
  const loss = new Float32Array(1);
  const fetches: Record<string, Tensor> = { loss: new Tensor('float32', loss, []) };
  for (const [name, shape] of slots.shapes)
    fetches[gradientName(name)] = new Tensor('float32', slots.views.get(name)!, shape);
  const shapes = new Map(session.inputMetadata.map((item) => [item.name, item.isTensor ? item.shape : []]));
  const run = async (feeds: Feeds): Promise<number> => {
    const data = Object.entries(feeds).map(([name, values]) => [name, tensorOf(values, shapes.get(name)!)]);
    await session.run({ ...fixed, ...Object.fromEntries(data) }, fetches);
    return loss[0]!;
  };
  return { run, gradients: slots.views, release: () => session.release() };
}

/** Numbers with a shape; sizes the graph leaves open must be given as numbers by the caller's graph. */
function tensorOf(
  values: Float32Array<ArrayBuffer> | BigInt64Array<ArrayBuffer>,
  shape: readonly (number | string)[],
): Tensor {
  const dims = shape.map(Number);
  return values instanceof BigInt64Array
    ? new Tensor('int64', values, dims)
    : new Tensor('float32', values, dims);
}
