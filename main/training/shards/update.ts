/** The part of the optimiser's work that one shard does: for its share of the tensors, average, measure and step. */
import { type AdamWSettings, type AdamWState, adamWStep, globalNorm, updateAverage } from '../optimizer.ts';
import type { Gradients, ParameterSet, Shapes } from '../parameters.ts';

/** Tensors one behind another in one memory; plain data, so that it can be posted to a thread. */
export interface Block {
  readonly shapes: Shapes;
  readonly flat: Float32Array;
}

/** A share of the trained tensors, with everything that belongs to them. */
export interface UpdateShare {
  readonly parameters: Block;
  /** One block per shard; the first receives the mean. */
  readonly gradients: readonly Block[];
  readonly mean?: Block;
  readonly square?: Block;
  readonly average?: Block;
}

/** One optimiser step: AdamW after `step` earlier ones, then the moving average where there is one. */
export interface UpdateSettings extends AdamWSettings {
  readonly step: number;
  /** Of the moving average; see updateAverage. */
  readonly averageDecay?: number;
}

export interface ShareUpdater {
  /** Averages the shards' gradients into the first block; returns the sum of their squares. */
  reduce(): number;
  /** One AdamW step, in place. */
  update(settings: UpdateSettings): void;
}

/** The updater of one share; its blocks are read and written in place. */
export function shareUpdater(share: UpdateShare): ShareUpdater {
  const parameters = asSet(share.parameters);
  const gradients = asSet(share.gradients[0]!).views;
  const state = share.mean && share.square && { mean: asSet(share.mean), square: asSet(share.square) };
  const average = share.average && asSet(share.average);
  return {
    reduce() {
      averageInto(share.gradients.map(({ flat }) => flat));
      return globalNorm(gradients) ** 2;
    },
    update({ step, averageDecay, ...settings }) {
      if (!state) throw new Error('this training session was opened without an optimiser');
      adamWStep(parameters, gradients, { ...state, step }, settings);
      if (average && averageDecay !== undefined) updateAverage(average, parameters, averageDecay);
    },
  };
}

/**
 * Deals the trained tensors to `count` shares of about equal size, in runs of neighbours.
 * `gradients` (one set per shard) say which tensors are trained; the other sets may hold more.
 */
export function dealShares(
  count: number,
  parameters: ParameterSet,
  gradients: readonly ParameterSet[],
  optimizer: AdamWState | undefined,
  average: ParameterSet | undefined,
): UpdateShare[] {
  const trained = [...gradients[0]!.shapes];
  const total = gradients[0]!.flat.length;
  const shares: (typeof trained)[] = Array.from({ length: count }, () => []);
  let before = 0;
  for (const item of trained) {
    const size = gradients[0]!.views.get(item[0])!.length;
    shares[Math.min(count - 1, Math.floor(((before + size / 2) / total) * count))]!.push(item);
    before += size;
  }
  return shares.map((items) => {
    const shapes = new Map(items);
    const part = (set: ParameterSet): Block => blockOf(set, shapes);
    return {
      parameters: part(parameters),
      gradients: gradients.map(part),
      ...(optimizer && { mean: part(optimizer.mean), square: part(optimizer.square) }),
      ...(average && { average: part(average) }),
    };
  });
}

/** The stretch of `set` that the tensors cover; they must be neighbours there. */
function blockOf(set: ParameterSet, shapes: Shapes): Block {
  const views = [...shapes.keys()].map((name) => viewOf(set, name));
  const first = views[0];
  if (!first) return { shapes, flat: set.flat.subarray(0, 0) };
  const size = views.reduce((sum, { length }) => sum + length, 0);
  const last = views.at(-1)!;
  const start = (first.byteOffset - set.flat.byteOffset) / first.BYTES_PER_ELEMENT;
  if (last.byteOffset + last.byteLength - first.byteOffset !== 4 * size)
    throw new RangeError('trained parameters must lie together, without frozen ones between them');
  return { shapes, flat: set.flat.subarray(start, start + size) };
}

function viewOf(set: ParameterSet, name: string): Float32Array {
  const found = set.views.get(name);
  if (!found) throw new RangeError(`there is no "${name}" in one of the optimiser's sets`);
  return found;
}

/** The windows again, after a block has come to another thread. */
function asSet({ shapes, flat }: Block): ParameterSet & { readonly views: Gradients } {
  const views = new Map<string, Float32Array<ArrayBuffer>>();
  let offset = 0;
  for (const [name, shape] of shapes) {
    const size = shape.reduce((product, dim) => product * dim, 1);
    views.set(name, flat.subarray(offset, offset + size) as Float32Array<ArrayBuffer>);
    offset += size;
  }
  return { flat: flat as Float32Array<ArrayBuffer>, shapes, views };
}

/** The first becomes the mean of all. */
function averageInto(all: readonly Float32Array[]): void {
  const [target, ...others] = all as [Float32Array, ...Float32Array[]];
  const share = 1 / all.length;
  others.forEach((other, index) => {
    const factor = index === others.length - 1 ? share : 1;
    for (let i = 0; i < target.length; i++) target[i] = (target[i]! + other[i]!) * factor;
  });
}
