/** Which device a job runs on, and how its graphs are written. */
import type { DeviceName, EngineSettings } from '../border/protocol.ts';
import { DEFAULT_SESSION, type SessionOptions } from '../runtime/sessions.ts';
import { probeDevice, probeDevices, type ReadyDevice } from './ladder.ts';

/** How the networks of a job with these settings are opened. Rejects with an EngineError where the device is of no use. */
export type SessionChooser = (settings: EngineSettings) => Promise<SessionOptions>;

/** Probes a device when it is first wanted; `auto` probes them all. */
export function sessionChooser(onDevice: (device: DeviceName) => void): SessionChooser {
  const probed = new Map<EngineSettings['device'], Promise<ReadyDevice>>();
  const probe = async (
    wanted: EngineSettings['device'],
    avoid?: readonly DeviceName[],
  ): Promise<ReadyDevice> => {
    if (wanted === 'auto') return (await probeDevices({ avoid, onDevice })).chosen;
    onDevice(wanted);
    return probeDevice(wanted);
  };
  return async ({ device: wanted, avoid, threads, limits }) => {
    const ready = probed.get(wanted) ?? probe(wanted, avoid);
    probed.set(wanted, ready);
    // It may be free the next time: another program held its memory.
    ready.catch(() => probed.delete(wanted));
    const { name, target, memoryBytes } = await ready;
    onDevice(name);
    const memory = { deviceMemory: memoryBytes, deviceLimit: limits?.[name] };
    return { ...DEFAULT_SESSION, device: name, target, ...memory, threads };
  };
}
