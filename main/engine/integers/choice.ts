/** How a request's speed is computed here: at which width of integers, or exactly, and why. */
import type { PackedBits } from '../../../native-models/layers/scope.ts';
import type { GenerationRequest } from '../../../preload/request.ts';
import type { DeviceName, EngineSettings } from '../protocol.ts';
import { type IntegerGains, integerGains, RIGHT, WORTHWHILE } from './gain.ts';

export type Speed = GenerationRequest['speed'];

/** fast: within 1e-3 of float32. draft: within some percent. */
const WANTED: Readonly<Record<Exclude<Speed, 'exact'>, PackedBits>> = { fast: 16, draft: 8 };

export interface IntegerChoice {
  /** Absent: float32. */
  readonly bits?: PackedBits;
  /** Why a speed other than exact is computed with exact weights all the same. */
  readonly note?: string;
}

/** The note for a speed that is computed with exact weights, `because` being half a sentence. */
export function keptExact(speed: Speed, because: string): string {
  return `Speed "${speed}" keeps the weights exact: ${because}.`;
}

/** Measures this machine when nobody has yet. */
export async function chooseIntegers(
  speed: Speed,
  device: DeviceName,
  { cacheDir, threads }: EngineSettings,
): Promise<IntegerChoice> {
  if (speed === 'exact') return {};
  if (device !== 'cpu')
    return { note: `Speed "${speed}" keeps the weights exact on ${device}: integers are for the CPU.` };
  return judge(speed, await integerGains(cacheDir, threads));
}

/** Integers where they are right and faster. */
export function judge(speed: Exclude<Speed, 'exact'>, gains: IntegerGains): IntegerChoice {
  const bits = WANTED[speed];
  const { timeRatio, relativeError } = gains[bits];
  if (!(relativeError <= RIGHT[bits])) {
    const error = `${(100 * relativeError).toFixed(1)} %`;
    return { note: keptExact(speed, `${bits}-bit products are off by ${error} on this processor`) };
  }
  if (timeRatio <= WORTHWHILE) return { bits };
  const ratio = `${timeRatio.toFixed(2)} × the time of float32`;
  return { note: keptExact(speed, `${bits}-bit products take ${ratio} on this processor`) };
}
