/** T2I-Adapters as sessions. Their features depend on the hint alone, so they are computed once per picture. */
import { compileT2iAdapter, featureChannels, skipChannels } from '../../../native-models/compile.ts';
import { t2iAdapterConfig } from '../../../native-models/inspect/config.ts';
import type { T2iAdapterConfig, UnetConfig } from '../../../native-models/models/configs.ts';
import { canonicalTensors } from '../../../native-models/weights/keys.ts';
import { fileParameters } from '../../../native-models/weights/source.ts';
import { WeightsError, type WeightsFile } from '../../../native-models/weights/tensors.ts';
import { stackedRows } from '../../pipeline/evaluation.ts';
import type { ControlResiduals } from '../../pipeline/model.ts';
import type { Tensor } from '../../pipeline/tensor.ts';
import { badInput } from '../border/failures.ts';
import { createSession, DEFAULT_SESSION, type SessionOptions } from '../runtime/sessions.ts';
import { fromOrt, toOrt } from '../runtime/tensors.ts';
import type { OpenControl } from './controlNets.ts';

/** Throws WeightsError when its levels are not those of `unet`. */
export async function openT2iAdapter(
  file: WeightsFile,
  unet: UnetConfig,
  options: SessionOptions = DEFAULT_SESSION,
): Promise<OpenControl> {
  const config = t2iAdapterConfig(file);
  requireFit(file, config, unet);
  const source = fileParameters(file.path, canonicalTensors(file, 't2iAdapter'));
  const session = await createSession(compileT2iAdapter(source, config, options.target), options);
  const joining = featureChannels(unet).length;
  const featuresOf = async (hint: Tensor): Promise<readonly Tensor[]> => {
    requireWhole(hint, config);
    const outputs = await session.run({ hint: toOrt(hint) });
    return config.channels.map((_, level) => fromOrt(outputs[`feature.${level}`]));
  };
  let last:
    | { readonly hint: Tensor; readonly rows: number; readonly residuals: ControlResiduals }
    | undefined;
  return {
    run: async ({ hint, latent }) => {
      const rows = latent.shape[0]!;
      if (last?.hint !== hint || last.rows !== rows) {
        const features = (await featuresOf(hint)).map((feature) => stackedRows([feature], rows));
        const middle = features[joining]; // SDXL's last feature
        last = {
          hint,
          rows,
          residuals: { skips: [], features: features.slice(0, joining), ...(middle && { middle }) },
        };
      }
      return last.residuals;
    },
    release: () => session.release(),
  };
}

function requireFit(file: WeightsFile, { channels }: T2iAdapterConfig, unet: UnetConfig): void {
  const joining = featureChannels(unet);
  const wanted = unet.admChannels > 0 ? [...joining, skipChannels(unet).at(-1)!] : joining;
  if (String(channels) === String(wanted)) return;
  throw new WeightsError(
    file.path,
    `its features have ${channels.join(', ')} channels, the model's levels ${wanted.join(', ')}`,
    'Choose a T2I-Adapter made for this model',
  );
}

/** A picture's sides are multiples of 8; SDXL's adapters halve once more. */
function requireWhole({ shape }: Tensor, { unshuffle }: T2iAdapterConfig): void {
  const [height = 0, width = 0] = shape.slice(2);
  if (height % unshuffle === 0 && width % unshuffle === 0) return;
  throw badInput(`${width}×${height} is no size for this T2I-Adapter.`, `Use multiples of ${unshuffle}.`);
}
