/** Hint pictures: what a ControlNet sees, made from a source picture by a preprocessor of ours or of the user's own. */
import { existsSync } from 'node:fs';
import type { ControlUse, GenerationRequest } from '../../../preload/request.ts';
import { isPreprocessor, preprocess } from '../../images/hints/preprocessors.ts';
import { type Pixels, toTensor } from '../../images/pixels.ts';
import { type ActiveControl, withControl } from '../../pipeline/control.ts';
import type { GenerationInputs } from '../../pipeline/generate.ts';
import type { ControlInput, ControlResiduals } from '../../pipeline/model.ts';
import type { Tensor } from '../../pipeline/tensor.ts';
import { badInput } from '../border/failures.ts';
import type { EngineJob, EngineResult } from '../border/protocol.ts';
import { runUserPreprocessor } from '../conditions/userPreprocessor.ts';
import type { EngineHost } from '../loading/host.ts';
import { contentKey, type Memo } from '../loading/memo.ts';
import { stampOf } from '../weights/stamp.ts';
import type { JobContext } from './context.ts';
import { fileOf, readPicture } from './requestFiles.ts';

/** Begins the name of a preprocessor of the user's; the path of its .onnx file follows. */
const USER = 'onnx:';

/** The hint of one ControlNet, [1, 3, H, W] in 0–1. `toSize` brings the source to the size that is generated. */
async function hintTensor(
  control: ControlUse,
  toSize: (source: Pixels) => Pixels,
  memo: Memo,
): Promise<Tensor> {
  const source = toSize(await readPicture(control.image, 'controls.image'));
  const { width, height } = source;
  const hint = await memo.of(hintKey(source, control), () =>
    hintOf(source, control.preprocessor, control.preprocessorOptions),
  );
  if (hint.width === width && hint.height === height) return toTensor([hint], 'unit');
  throw badInput(`The preprocessor "${control.preprocessor}" made a picture of another size.`);
}

function hintKey({ data, width, height, channels }: Pixels, control: ControlUse): string {
  const { preprocessor, preprocessorOptions } = control;
  const file = preprocessor.startsWith(USER) ? preprocessor.slice(USER.length) : undefined;
  const made = file !== undefined && existsSync(file) ? stampOf(file) : preprocessor;
  const options = Object.entries(preprocessorOptions).flat();
  return contentKey('hint', made, ...options, width, height, channels, data);
}

/** What the request's ControlNets make of the network, their hint pictures ready; for a network without any, nothing. */
export async function requestControls(
  host: EngineHost,
  { controls }: Pick<GenerationRequest, 'controls'>,
  toSize: (source: Pixels) => Pixels,
): Promise<NonNullable<GenerationInputs['wrapEvaluate']>> {
  const paths = controls.map(({ model }) => fileOf(model, 'ControlNet'));
  const { networks, mix } = await host.openControls(paths);
  const active: ActiveControl[] = [];
  for (const control of controls)
    active.push({ ...control, hint: await hintTensor(control, toSize, host.memo) });
  const run = ({ control, ...input }: ControlInput): Promise<ControlResiduals> =>
    networks[control]!.run(input);
  return (evaluate, sigmas) => withControl(evaluate, run, active, sigmas, mix);
}

/** The job "hint": shows what a ControlNet would see, at the size of the source. */
export async function makeHint(
  { image, preprocessor, options }: Extract<EngineJob, { kind: 'hint' }>,
  { signal }: JobContext,
): Promise<EngineResult> {
  const start = performance.now();
  const source = await readPicture({ path: image }, 'image');
  signal.throwIfAborted();
  const hint = await hintOf(source, preprocessor, options);
  const seconds = (performance.now() - start) / 1000;
  return { kind: 'images', images: [hint], seeds: [], notes: [], timings: { hint: seconds } };
}

async function hintOf(
  source: Pixels,
  preprocessor: string,
  options: Readonly<Record<string, number>>,
): Promise<Pixels> {
  if (preprocessor.startsWith(USER))
    return runUserPreprocessor(preprocessor.slice(USER.length), source, options);
  if (!isPreprocessor(preprocessor))
    throw badInput(`The preprocessor "${preprocessor}" is not known.`, 'Choose another one.');
  try {
    return preprocess(preprocessor, source, options);
  } catch (error) {
    if (error instanceof RangeError) throw badInput(error.message);
    throw error;
  }
}
