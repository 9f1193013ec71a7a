/** Which device a job runs on, and how its graphs are written. */
import type { EngineSettings } from '../protocol.ts';
import { DEFAULT_SESSION, type SessionOptions } from '../sessions.ts';
import { probeDevice, probeDevices, type ReadyDevice } from './ladder.ts';

export type SessionChooser = (settings: EngineSettings) => Promise<SessionOptions>;

/** Probes a device when it is first wanted; `auto` probes them all. */
export function sessionChooser(): SessionChooser {
  const probed = new Map<EngineSettings['device'], Promise<ReadyDevice>>();
  const readyDevice = (wanted: EngineSettings['device']): Promise<ReadyDevice> => {
    const ready =
      probed.get(wanted) ??
      (wanted === 'auto' ? probeDevices().then(({ chosen }) => chosen) : probeDevice(wanted));
    probed.set(wanted, ready);
    return ready;
  };
  return async ({ device: wanted, threads }) => {
    const { name, target } = await readyDevice(wanted);
    return { ...DEFAULT_SESSION, device: name, target, threads };
  };
}
