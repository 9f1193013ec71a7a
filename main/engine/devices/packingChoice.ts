/** How a request's speed is computed here: with which packed weights, or exactly, and why. */
import type { Packing } from '../../../native-models/layers/scope.ts';
import type { GenerationRequest } from '../../../preload/request.ts';
import type { DeviceName, EngineSettings } from '../border/protocol.ts';
import { type PackingGains, packingGains, RIGHT, WORTHWHILE } from './packingGain.ts';

/** How much error a request allows for speed. */
export type Speed = GenerationRequest['speed'];

/** fast: within 1e-3 of float32. draft: within some percent, or as fast is where 8-bit integers gain nothing. */
const CANDIDATES: Readonly<Record<Exclude<Speed, 'exact'>, readonly Packing[]>> = {
  fast: [16, 'winograd'],
  draft: [8, 'winograd'],
};

/** How weights are packed for a request. */
export interface PackingChoice {
  /** Absent: float32. */
  readonly packing?: Packing;
  /** Why a speed other than exact is computed with exact weights all the same. */
  readonly note?: string;
}

/** The note for a speed that is computed with exact weights, `because` being half a sentence. */
export function keptExact(speed: Speed, because: string): string {
  return `Speed "${speed}" keeps the weights exact: ${because}.`;
}

/** Measures this machine when nobody has yet. */
export async function choosePacking(
  speed: Speed,
  device: DeviceName,
  { cacheDir, threads }: EngineSettings,
): Promise<PackingChoice> {
  if (speed === 'exact') return {};
  if (device !== 'cpu')
    return { note: `Speed "${speed}" keeps the weights exact on ${device}: other products are for the CPU.` };
  return judge(speed, await packingGains(cacheDir, threads));
}

/** The fastest of those that are right, where it is faster than float32. */
export function judge(speed: Exclude<Speed, 'exact'>, gains: PackingGains): PackingChoice {
  const candidates = CANDIDATES[speed];
  const right = candidates.filter((packing) => gains[packing].relativeError <= RIGHT[packing]);
  const [packing] = right.toSorted((a, b) => gains[a].timeRatio - gains[b].timeRatio);
  if (packing === undefined) {
    const errors = candidates.map((candidate) => gains[candidate].relativeError);
    const error = `${(100 * Math.min(...errors)).toFixed(1)} %`;
    return { note: keptExact(speed, `faster products are off by ${error} on this processor`) };
  }
  const { timeRatio } = gains[packing];
  if (timeRatio <= WORTHWHILE) return { packing };
  const ratio = `${timeRatio.toFixed(2)} × the time of float32`;
  return { note: keptExact(speed, `its products take ${ratio} on this processor`) };
}
