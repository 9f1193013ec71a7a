/** The ControlNets of a request: opened, their hint pictures made, wrapped around the network. */
import { existsSync } from 'node:fs';
import type { ControlUse, GenerationRequest } from '../../../preload/request.ts';
import { type Pixels, toTensor } from '../../images/pixels.ts';
import { type ActiveControl, withControl } from '../../pipeline/control.ts';
import type { GenerationInputs } from '../../pipeline/generate.ts';
import type { ControlInput, ControlResiduals } from '../../pipeline/model.ts';
import type { Tensor } from '../../pipeline/tensor.ts';
import { badInput } from '../border/failures.ts';
import { hintOf, userFileOf } from '../conditions/hints.ts';
import type { EngineHost } from '../loading/host.ts';
import { contentKey, type Memo } from '../loading/memo.ts';
import { stampOf } from '../weights/stamp.ts';
import { fileOf, readPicture } from './requestFiles.ts';

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
  const file = userFileOf(preprocessor);
  const made = file !== undefined && existsSync(file) ? stampOf(file) : preprocessor;
  const options = Object.entries(preprocessorOptions).flat();
  return contentKey('hint', made, ...options, width, height, channels, data);
}
