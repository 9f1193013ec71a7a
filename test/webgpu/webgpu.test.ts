/** The WebGPU flavour, layer by layer and network by network, under SwiftShader against the CPU's float32 numbers. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { EngineResult } from '../../main/engine/border/protocol.ts';
import { emulsion } from '../helpers/emulsion.ts';
import { NO_SWIFT_SHADER, unpackSwiftShader } from '../helpers/swiftShader.ts';
import { errorOn } from './compare.ts';
import { LAYER_GRAPHS } from './layers.ts';
import { NETWORK_GRAPHS } from './networks.ts';
import { type WebGpuWorker, webGpuWorker } from './worker.ts';

const GRAPHS = { ...LAYER_GRAPHS, ...NETWORK_GRAPHS };
/** Sums in another order: some 1e-5 were measured, a wrong kernel errs by hundredths. */
const ROUNDING = 1e-4;
/** 11 bits of mantissa through a whole network; measured up to 2e-3. */
const HALF_ROUNDING = 6e-3;

describe.skipIf(NO_SWIFT_SHADER)(
  `on WebGPU${NO_SWIFT_SHADER ? ` (skipped: ${NO_SWIFT_SHADER})` : ''}`,
  () => {
    const folder = mkdtempSync(join(tmpdir(), 'emulsion-swiftshader-'));
    let env: Readonly<Record<string, string>>;
    let worker: WebGpuWorker;
    beforeAll(() => {
      env = unpackSwiftShader(folder);
      worker = webGpuWorker(env);
    });
    afterAll(() => {
      worker.stop();
      rmSync(folder, { recursive: true, force: true });
    });

    test('a software adapter is named and not chosen', async () => {
      const { stdout } = await emulsion(['devices', '--json'], { env });
      const { devices, chosen } = JSON.parse(stdout) as Extract<EngineResult, { kind: 'devices' }>;
      expect(chosen).toBe('cpu');
      expect(devices.find(({ name }) => name === 'webgpu')).toEqual({
        name: 'webgpu',
        usable: false,
        reason: 'SwiftShader is a software adapter: the CPU itself is faster',
      });
    });

    test.each([
      ...Object.keys(GRAPHS),
      'U-Net with LoRA and control',
      'tensors kept on the device',
      'residuals kept on the device',
    ])('%s', async (name) => {
      expect(await worker.measure(name)).toBeLessThan(ROUNDING);
    });
  },
);

test.each(Object.entries(GRAPHS))('in half precision: %s', async (_, graphFor) => {
  const error = await errorOn(graphFor, 'cpu', { flavour: 'webgpu', precision: 'float16' });
  expect(error).toBeLessThan(HALF_ROUNDING);
});
