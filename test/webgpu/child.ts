/** Runs graphs on WebGPU in a process of its own: a driver that crashes takes one test with it, not the run. */
import { unetError } from '../../main/engine/devices/probe.ts';
import { errorOn } from './compare.ts';
import { deviceResidualsError } from './deviceResiduals.ts';
import { deviceTensorsError } from './deviceTensors.ts';
import { LAYER_GRAPHS } from './layers.ts';
import { NETWORK_GRAPHS } from './networks.ts';

const PLAIN = { flavour: 'webgpu' } as const;
const GRAPHS = { ...LAYER_GRAPHS, ...NETWORK_GRAPHS };

process.on('message', (name: string) => {
  void measure(name).then(
    (error) => process.send?.({ name, error }),
    (reason: Error) => process.send?.({ name, failed: reason.message }),
  );
});

/** Relative error against the CPU. */
async function measure(name: string): Promise<number> {
  if (name === 'U-Net with LoRA and control') return unetError('webgpu', PLAIN);
  if (name === 'tensors kept on the device') return deviceTensorsError();
  if (name === 'residuals kept on the device') return deviceResidualsError();
  return errorOn(GRAPHS[name]!, 'webgpu', PLAIN);
}
