/** A training thread: forward and backward on its part of the batch, then its part of the parameters' update. */
import { parentPort, workerData } from 'node:worker_threads';
import type { Value } from '../../../../native-models/graph/value.ts';
import type { Scope } from '../../../../native-models/layers/scope.ts';
import { adamWStep, updateAverage } from '../../optimizer.ts';
import type { ParameterSet, Shapes } from '../../parameters.ts';
import { controlLoss, unetLoss } from '../denoise/unetLoss.ts';
import { optimizerOver, type SharedRun, setOver, sliceOf } from './shared.ts';
import { createStep, type Feeds } from './step.ts';

/** Losses by name: functions cannot be sent to a thread. */
const LOSSES = { unet: unetLoss, control: controlLoss } satisfies Record<
  string,
  (scope: Scope, batch: number) => Value
>;

export interface WorkerSetup {
  readonly shared: SharedRun;
  readonly index: number;
  readonly threads: number;
  readonly loss: keyof typeof LOSSES;
  readonly batch: number;
  readonly frozen: { readonly shapes: Shapes; readonly buffer: SharedArrayBuffer };
}

export type Command =
  | { readonly kind: 'run'; readonly feeds: Feeds }
  /** Adds up all threads' gradients in this thread's slice; answers the sum of squares. */
  | { readonly kind: 'reduce' }
  | {
      readonly kind: 'update';
      readonly settings: {
        readonly learningRate: number;
        readonly weightDecay: number;
        readonly gradientScale: number;
      };
      readonly optimizerStep: number;
      readonly decay: number;
    };
/** The loss, the sum of squares, or 0. */
export type Reply = number;

const { shared, index, threads, loss, batch, frozen } = workerData as WorkerSetup;
const slice = (buffer: SharedArrayBuffer): ParameterSet => sliceOf(buffer, index, threads);
const optimizer = optimizerOver(shared, slice);
const [parameters, average] = [slice(shared.parameters), slice(shared.average)];
const slopes = shared.gradients.map(slice);
const step = await createStep((scope) => LOSSES[loss](scope, batch), {
  parameters: setOver(shared.parameters, shared.shapes),
  frozen: setOver(frozen.buffer, frozen.shapes),
  gradients: setOver(shared.gradients[index]!, shared.shapes),
  threads: 1,
});

parentPort!.on('message', async (command: Command) => parentPort!.postMessage(await answer(command)));

async function answer(command: Command): Promise<Reply> {
  switch (command.kind) {
    case 'run':
      return step.run(command.feeds);
    case 'reduce':
      return reduce();
    case 'update':
      optimizer.step = command.optimizerStep;
      adamWStep(parameters, slopes[0]!.views, optimizer, command.settings);
      updateAverage(average, parameters, command.decay);
      return 0;
  }
}

function reduce(): number {
  const [total, ...others] = slopes.map(({ flat }) => flat);
  let squares = 0;
  for (const other of others) for (let i = 0; i < total!.length; i++) total![i]! += other[i]!;
  for (let i = 0; i < total!.length; i++) squares += total![i]! * total![i]!;
  return squares;
}
