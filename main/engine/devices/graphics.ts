/** The graphics card as the system describes it: its name and its memory. */
import { totalmem } from 'node:os';
import { graphics, type Systeminformation } from 'systeminformation';

/** A graphics card, as people know it. */
export interface GraphicsCard {
  readonly name: string;
  /** Bytes that a network may count on; undefined where the system does not tell. */
  readonly memoryBytes: number | undefined;
}

/** How much of the machine's memory a GPU that shares it is given (Apple's and integrated ones). */
const SHARED = 0.6;
const MIB = 2 ** 20;

/** The card with the most memory; undefined where the system knows of none. */
export async function graphicsCard(): Promise<GraphicsCard | undefined> {
  const { controllers } = await graphics();
  return largestCard(controllers, totalmem());
}

/** The same from what was found; `total` is the machine's memory in bytes. */
export function largestCard(
  controllers: readonly Partial<Systeminformation.GraphicsControllerData>[],
  total: number,
): GraphicsCard | undefined {
  const cards = controllers.map((controller) => ({
    name: [controller.vendor, controller.model].filter(Boolean).join(' ') || 'an unnamed graphics card',
    memoryBytes: memoryOf(controller, total),
  }));
  return cards.toSorted((a, b) => (b.memoryBytes ?? 0) - (a.memoryBytes ?? 0))[0];
}

/** NVIDIA's driver knows best; other systems report the card's own memory, or that it shares the machine's. */
function memoryOf(
  { memoryTotal, vram, vramDynamic, vendor }: Partial<Systeminformation.GraphicsControllerData>,
  total: number,
): number | undefined {
  if (memoryTotal) return memoryTotal * MIB;
  if (vramDynamic || /apple/i.test(vendor ?? '')) return total * SHARED;
  return vram ? vram * MIB : undefined;
}
