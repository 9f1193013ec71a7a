/** A device that runs out of memory: the next plan takes less, and says how. The engines are stand-ins. */
import { expect, test } from 'vitest';
import { EngineClient, type LaunchEngine } from '../../../main/engine/border/client.ts';
import type { EngineSettings, FromEngine, ToEngine } from '../../../main/engine/border/protocol.ts';
import { createLoraStore } from '../../../main/engine/conditions/loras.ts';
import { planModels } from '../../../main/engine/loading/plan.ts';
import { DEFAULT_SESSION } from '../../../main/engine/runtime/sessions.ts';
import { PLAIN_SETTINGS } from '../../helpers/engineSettings.ts';
import { TINY_CHECKPOINT, tinyRequest } from '../../helpers/tinyModel.ts';

const SETTINGS: EngineSettings = { ...PLAIN_SETTINGS, device: 'auto' };
const PAINTED = { kind: 'images', images: [], seeds: [], notes: [], timings: {} } as const;

test('a device that runs out of memory is asked for less, and the next jobs begin with that', async () => {
  const wanted: (number | undefined)[] = [];
  const learnt: number[] = [];
  const launch: LaunchEngine = () => {
    let tell: (message: FromEngine) => void = () => undefined;
    let end: (reason: string, tail: string) => void = () => undefined;
    const run = ({ id, settings }: Extract<ToEngine, { type: 'run' }>): void => {
      const limit = settings.limits?.webgpu;
      const device = settings.device === 'cpu' ? 'cpu' : 'webgpu';
      wanted.push(device === 'cpu' ? 0 : limit);
      tell({ type: 'using', device });
      tell({ type: 'using', device, bytes: limit ?? 4e9 });
      const failure = { code: 'out-of-memory', message: 'There is not enough memory.' } as const;
      if (device === 'webgpu' && (limit ?? 4e9) > 3.3e9) tell({ type: 'failed', id, failure });
      else tell({ type: 'done', id, result: { ...PAINTED, notes: [device] } });
    };
    return {
      pid: undefined,
      post: (message) => void (message.type === 'run' && setImmediate(run, message)),
      onMessage: (listener) => {
        tell = listener;
      },
      onExit: (listener) => {
        const before = end;
        end = (...told) => {
          before(...told);
          listener(...told);
        };
      },
      kill: () => void setImmediate(() => end('signal SIGKILL', '')),
    };
  };
  const client = new EngineClient(launch, SETTINGS, (_device, bytes) => {
    learnt.push(bytes);
  });
  const job = { kind: 'generate', request: tinyRequest() } as const;
  expect(await client.run(job)).toMatchObject({ notes: ['webgpu'] });
  expect(learnt).toEqual([4e9 * 0.9, 4e9 * 0.9 * 0.9]);
  expect(await client.run(job)).toMatchObject({ notes: ['webgpu'] });
  expect(wanted).toEqual([undefined, learnt[0], learnt[1], learnt[1]]);
  await client.dispose();
});

test('a plan that keeps below a limit says what it does without', () => {
  const session = { ...DEFAULT_SESSION, device: 'webgpu', target: { flavour: 'webgpu' } } as const;
  const wanted = { checkpoint: TINY_CHECKPOINT, loras: [], pixels: 512 ** 2, batch: 2 };
  const planned = (deviceLimit?: number) =>
    planModels(wanted, { ...session, deviceLimit }, createLoraStore());
  const bytesOf = (limit?: number): number => {
    const { placement } = planned(limit);
    return placement.on === 'device' ? placement.bytes : 0;
  };
  const whole = bytesOf();
  expect(planned(whole).notes).toEqual([]);
  const { notes, key } = planned(0.9 * whole);
  expect(notes).toEqual([
    'webgpu ran out of memory before: the text encoder runs on the CPU, a batch is painted row by row.',
  ]);
  expect(key).not.toBe(planned().key);
  expect(planned(1e6).notes).toEqual([
    expect.stringMatching(/^webgpu is not used: this picture needs \d\.\d GiB, of which the device has 0\.0/),
  ]);
});
