/** Parameters in memory → a model that answers: graphs whose weights are inputs, run with the numbers as they are now. */
import { type InferenceSession, Tensor } from 'onnxruntime-node';
import { buildGraph } from '../../../../native-models/graph/build.ts';
import type { Value } from '../../../../native-models/graph/value.ts';
import { rootScope, type Scope } from '../../../../native-models/layers/scope.ts';
import { createSession, DEFAULT_SESSION } from '../../../engine/runtime/sessions.ts';
import type { ParameterSet } from '../../parameters.ts';
import { inputSource, tensorsOf } from './step.ts';

/** Named arrays with their shapes. */
export interface Data {
  readonly values: Float32Array<ArrayBuffer> | BigInt64Array<ArrayBuffer>;
  readonly shape: readonly number[];
}
export interface LiveModel {
  /** Runs the graph; outputs by name. */
  run(feeds: Readonly<Record<string, Data>>): Promise<Record<string, Float32Array<ArrayBuffer>>>;
  release(): Promise<void>;
}

/** Loads what `build` makes of a scope over `parameters`; `threads` 0 = one per core. */
export async function liveModel(
  parameters: ParameterSet,
  build: (scope: Scope) => Readonly<Record<string, Value>>,
  threads = 0,
): Promise<LiveModel> {
  const outputs = build(rootScope(inputSource(parameters.shapes), { flavour: 'cpu' }));
  const session = await createSession(buildGraph(outputs), { ...DEFAULT_SESSION, threads });
  const fixed = only(session, tensorsOf(parameters));
  return {
    run: async (feeds) => {
      const made = await session.run({ ...fixed, ...tensors(feeds) });
      return Object.fromEntries(
        Object.entries(made).map(([name, { data }]) => [name, data as Float32Array<ArrayBuffer>]),
      );
    },
    release: () => session.release(),
  };
}

function only(session: InferenceSession, all: Record<string, Tensor>): Record<string, Tensor> {
  const known = new Set(session.inputNames);
  return Object.fromEntries(Object.entries(all).filter(([name]) => known.has(name)));
}

function tensors(feeds: Readonly<Record<string, Data>>): Record<string, Tensor> {
  const pairs = Object.entries(feeds).map(([name, { values, shape }]) => {
    const tensor =
      values instanceof BigInt64Array
        ? new Tensor('int64', values, shape)
        : new Tensor('float32', values, shape);
    return [name, tensor] as const;
  });
  return Object.fromEntries(pairs);
}
