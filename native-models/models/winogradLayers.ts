/** Which convolutions of a network are worth computing by fewer products (layers/winograd.ts). */
import { winogradTile } from '../layers/winograd.ts';
import type { PackedPart } from './integerLayers.ts';

/** From this level on a picture of 512² has 8² places or fewer: preparing them costs more than the products saved. */
const FEW_PLACES = 3;

/** Not with stride 1, or run once a picture. */
const OTHERS: Readonly<Record<PackedPart, RegExp>> = {
  unet: /\.op$/,
  controlnet: /\.op$|^input_hint_block\./,
  vaeDecoder: /^encoder\./,
};

/** Paths of the layers to prepare, in the order of `tensors`. */
export function winogradLayers(
  part: PackedPart,
  tensors: ReadonlyMap<string, { readonly shape: readonly number[] }>,
): string[] {
  const levelOf = part === 'vaeDecoder' ? () => 0 : unetLevels(tensors);
  return [...tensors].flatMap(([name, { shape }]) => {
    const [outChannels, inChannels, height, width] = shape as [number, number, number?, number?];
    if (!name.endsWith('.weight') || height !== 3 || width !== 3) return [];
    const path = name.slice(0, -'.weight'.length);
    const isMeant = !OTHERS[part].test(path) && levelOf(path) < FEW_PLACES;
    return isMeant && winogradTile([outChannels, inChannels]) ? [path] : [];
  });
}

/** How often the latent has been halved where a layer of a U-Net or ControlNet works; told from where its downsamplers are. */
function unetLevels(tensors: ReadonlyMap<string, unknown>): (path: string) => number {
  const names = [...tensors.keys()];
  const halving = names.flatMap((name) => /^input_blocks\.(\d+)\.0\.op\.weight$/.exec(name)?.[1] ?? []);
  const levelOfInput = (block: number): number => halving.filter((at) => Number(at) <= block).length;
  const inputs = names.map((name) => Number(/^input_blocks\.(\d+)\./.exec(name)?.[1] ?? 0));
  const last = Math.max(...inputs);
  return (path) => {
    const [room, block = '0', part = '0'] = path.split('.');
    if (room === 'input_blocks') return levelOfInput(Number(block));
    if (room !== 'output_blocks') return halving.length;
    // Its mirror image; the convolution of an upsampler already works on what it enlarged.
    const level = levelOfInput(last - Number(block));
    return Number(part) > 0 && path.endsWith('.conv') ? level - 1 : level;
  };
}
