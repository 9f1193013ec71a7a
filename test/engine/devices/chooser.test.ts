import { expect, test } from 'vitest';
import type { DeviceName } from '../../../main/engine/border/protocol.ts';
import { sessionChooser } from '../../../main/engine/devices/chooser.ts';
import { PLAIN_SETTINGS } from '../../helpers/engineSettings.ts';

test('a device is tried again after it could not be used, and told of each time', async () => {
  const touched: DeviceName[] = [];
  const choose = sessionChooser((device) => touched.push(device));
  // The one provider that no package for the CPU has: nothing is loaded to find out.
  const settings = { ...PLAIN_SETTINGS, device: process.platform === 'win32' ? 'coreml' : 'dml' } as const;
  for (let time = 0; time < 2; time++)
    await expect(choose(settings)).rejects.toThrow('is not part of the installed ONNX Runtime');
  expect(touched).toEqual([settings.device, settings.device]);
});
