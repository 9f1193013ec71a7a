/** A LoRA file and a checkpoint's sites brought together: what attaches where, or the reason why nothing should. */
import { detectLora } from '../inspect/detectLora.ts';
import type { Architecture } from '../models/configs.ts';
import { isShapedAs } from '../weights/shapes.ts';
import {
  readTensor,
  readTensorFloat32,
  type TensorInfo,
  WeightsError,
  type WeightsFile,
} from '../weights/tensors.ts';
import { type ModuleTensors, parseLora } from './parse.ts';
import type { LoraSites, Site } from './sites.ts';

/** Low-rank factors that can run beside the layer: weight += alpha/rank · up · (mid ·) down. */
export interface LivePair {
  readonly site: Site;
  readonly down: TensorInfo; // [rank, in] or [rank, in, k, k]
  readonly up: TensorInfo; // [out, rank] or [out, rank, 1, 1]
  /** LoCon's Tucker core [rank, rank, k, k]; `down` is then 1×1. */
  readonly mid?: TensorInfo;
  /** `rank` where the file states none, so that the factors count as they are. */
  readonly alpha: number;
  readonly rank: number;
}

/** A change that only shows in the merged weight (LoHa, LoKr, DoRA, whole differences). */
export interface MergedModule {
  readonly site: Site;
  readonly tensors: ModuleTensors;
  /** Undefined where the file states none. */
  readonly alpha: number | undefined;
}

export interface BoundLora {
  readonly path: string;
  readonly live: readonly LivePair[];
  readonly merged: readonly MergedModule[];
  /** Modules that found their layer, and modules in the file. */
  readonly applied: number;
  readonly total: number;
  /** Names of the modules and tensors that did not. */
  readonly left: readonly string[];
}

const NAMES: Record<Architecture | 'other', string> = {
  sd15: 'Stable Diffusion 1.x',
  sd21: 'Stable Diffusion 2.x',
  sdxl: 'SDXL',
  other: 'another family of models',
};

/**
 * Reads the header and the alphas. Throws WeightsError when the file was made for another base, fits no layer, or is
 * no LoRA; layers that the checkpoint does not have are reported in `left`, not refused.
 */
export function bindLora(file: WeightsFile, sites: LoraSites, architecture: Architecture): BoundLora {
  requireBase(file, architecture);
  const { modules, unknown } = parseLora(file);
  const live: LivePair[] = [];
  const merged: MergedModule[] = [];
  const left = [...unknown];
  let applied = 0;
  for (const [name, tensors] of modules) {
    const site = sites.get(name);
    if (!site) {
      left.push(name);
      continue;
    }
    applied++;
    const alpha = tensors.alpha ? readScalar(tensors.alpha) : statedAlpha(file, name, tensors.down);
    const pair = tensors.magnitude ? undefined : livePair(file, site, tensors, alpha);
    if (pair) live.push(pair);
    const { down: _down, up: _up, mid: _mid, ...others } = tensors;
    const rest = pair ? others : tensors;
    if (Object.keys(rest).some((role) => role !== 'alpha')) merged.push({ site, tensors: rest, alpha });
  }
  if (applied === 0) throw fitsNothing(file, architecture, modules.size);
  return { path: file.path, live, merged, applied, total: applied + left.length, left };
}

function requireBase(file: WeightsFile, architecture: Architecture): void {
  const base = detectLora(file)?.base;
  if (base === undefined || base === 'unknown' || base === architecture) return;
  throw wrongBase(file, `the model is ${NAMES[architecture]}, this LoRA is for ${NAMES[base]}`);
}

function wrongBase(file: WeightsFile, problem: string): WeightsError {
  return new WeightsError(file.path, problem, 'Choose a LoRA made for this model, or another model');
}

function fitsNothing(file: WeightsFile, architecture: Architecture, modules: number): WeightsError {
  if (modules === 0) return new WeightsError(file.path, 'this is not a LoRA', 'Choose a LoRA file');
  return wrongBase(file, `none of its ${modules} modules is a layer of this ${NAMES[architecture]} model`);
}

/** The pair of a module, its shapes checked against the layer's; undefined when the module is of another kind. */
function livePair(
  file: WeightsFile,
  site: Site,
  { down, up, mid }: ModuleTensors,
  alpha: number | undefined,
): LivePair | undefined {
  if (!down || !up || site.shape.length === 1) return undefined;
  const [outFeatures = 0, inFeatures = 0, ...kernel] = site.shape;
  const rank = down.shape[0] ?? 0;
  const downShape = mid ? [rank, inFeatures] : [rank, inFeatures, ...kernel];
  requireShape(file, down, downShape, site);
  requireShape(file, up, [outFeatures, rank], site);
  if (mid) requireShape(file, mid, [rank, rank, ...kernel], site);
  return { site, down, up, ...(mid && { mid }), rank, alpha: alpha ?? rank };
}

function requireShape(file: WeightsFile, info: TensorInfo, wanted: readonly number[], site: Site): void {
  if (isShapedAs(info.shape, wanted)) return;
  const problem = `"${info.name}" is ${info.shape.join('×')}, but "${site.path}" of this model needs ${wanted.join('×')}`;
  throw wrongBase(file, problem);
}

/** One number of any type; LyCORIS stores whole alphas as int64. */
function readScalar(info: TensorInfo): number | undefined {
  if (info.byteLength === 0) return undefined;
  if (info.dtype === 'I64') return Number(new BigInt64Array(readTensor(info).buffer)[0]);
  return readTensorFloat32(info)[0];
}

/**
 * diffusers keeps peft's settings as JSON in the metadata, keyed by network: "unet.lora_alpha". Rank-stabilised LoRA
 * (Kalajdzievski 2023) divides by √rank instead of rank, which is an alpha √rank times as large.
 */
function statedAlpha(file: WeightsFile, module: string, down: TensorInfo | undefined): number | undefined {
  const settings = adapterSettings(file.metadata['lora_adapter_metadata']);
  const network = module.split('.', 1)[0]!;
  const pattern = settings[`${network}.alpha_pattern`] as Record<string, unknown> | null | undefined;
  const stated = pattern?.[module.slice(network.length + 1)] ?? settings[`${network}.lora_alpha`];
  if (typeof stated !== 'number') return undefined;
  return settings[`${network}.use_rslora`] === true ? stated * Math.sqrt(down?.shape[0] ?? 1) : stated;
}

function adapterSettings(text: string | undefined): Readonly<Record<string, unknown>> {
  try {
    const parsed: unknown = JSON.parse(text ?? '{}');
    return typeof parsed === 'object' && parsed !== null ? (parsed as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
