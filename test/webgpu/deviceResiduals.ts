/** Residuals of two ControlNets that never leave the device: what the U-Net makes of them is what it makes on the CPU. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DeviceName } from '../../main/engine/border/protocol.ts';
import { createControlStore } from '../../main/engine/conditions/controls.ts';
import { createLoraStore } from '../../main/engine/conditions/loras.ts';
import { noise } from '../../main/engine/devices/probe.ts';
import { createNetworks } from '../../main/engine/networks/networks.ts';
import { relativeL2 } from '../../main/engine/runtime/probing.ts';
import { DEFAULT_SESSION } from '../../main/engine/runtime/sessions.ts';
import { isOnDevice } from '../../main/engine/runtime/tensors.ts';
import { openCheckpoint } from '../../main/engine/weights/checkpoint.ts';
import { type ActiveControl, withControl } from '../../main/pipeline/control.ts';
import { modelSigmas } from '../../main/pipeline/sigmas/modelSigmas.ts';
import { type Tensor, tensor } from '../../main/pipeline/tensor.ts';
import type { Target } from '../../native-models/layers/scope.ts';
import { fileParameters } from '../../native-models/weights/source.ts';
import { smallCheckpoint, smallControlNet } from '../helpers/smallCheckpoint.ts';

const USE: ActiveControl = {
  hint: values(1, 3, 32, 32),
  weight: 1,
  startFraction: 0,
  endFraction: 1,
  priority: 'balanced',
};
/** One passed on as it is, one weighed by row and added. */
const CONTROLS = [USE, { ...USE, weight: 0.5, priority: 'control' }] as const;

export async function deviceResidualsError(): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'emulsion-residuals-'));
  try {
    const files = { checkpoint: await smallCheckpoint(folder), control: await smallControlNet(folder) };
    const expected = await predicted(files, 'cpu', { flavour: 'cpu' });
    const actual = await predicted(files, 'webgpu', { flavour: 'webgpu' });
    return relativeL2(actual, expected);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Files {
  readonly checkpoint: string;
  readonly control: string;
}

async function predicted(files: Files, device: DeviceName, target: Target): Promise<Float32Array> {
  const session = { ...DEFAULT_SESSION, device, target };
  const { config, parts, graphs } = openCheckpoint(files.checkpoint, target);
  const lora = createLoraStore().choose(config, [], device).feeds;
  const vaeTile = (): number => Number.MAX_SAFE_INTEGER;
  const networks = createNetworks(graphs, { session, oneAtATime: false, vaeTile }, lora);
  const store = createControlStore();
  const base = { unet: config.unet, weights: fileParameters(files.checkpoint, parts.unet) };
  const residualsOnDevice = device !== 'cpu';
  const [control] = await store.open([files.control], base, { session, residualsOnDevice });
  const evaluate = withControl(
    async (evaluation) => {
      const { middle } = evaluation.residuals!;
      if (isOnDevice(middle!) !== residualsOnDevice) throw new Error('the residuals lie elsewhere');
      return networks.predictNoise(evaluation);
    },
    (input) => control!.run(input),
    CONTROLS,
    modelSigmas(),
    store.mix(session),
  );
  const told = {
    latent: values(2, config.unet.inChannels, 4, 4),
    timestep: Float32Array.of(500, 500),
    context: values(2, 77, config.unet.contextDim),
    ...{ sigma: 1, sides: ['positive', 'negative'] as const },
  };
  await evaluate(told);
  const { data } = await evaluate(told); // what the first left there is freed
  await store.release();
  await networks.release();
  return data;
}

function values(...shape: number[]): Tensor {
  return tensor(
    noise(
      shape.reduce((a, b) => a * b, 1),
      1,
    ),
    shape,
  );
}
