/** Which layers of a network are worth computing in 8-bit integers, and which would pay for it with the picture. */

/** A network whose layers can be packed. The text encoder runs once a picture and steers all of it: it stays exact. */
export type PackedPart = 'unet' | 'controlnet' | 'vaeDecoder';

/** Fewer inputs or outputs than this gain nothing. */
const SMALLEST_SIDE = 16;

/**
 * Layers that stay in float32: the first and the last, whatever sees one row per picture (time, labels), and what reads
 * the residual stream as it is, with all its outliers, where that is little work: the 1×1 skips, and the decoder's
 * enlargements (a quarter of its work, and nearly all of its error: 48 dB with them packed).
 */
const EXACT: Readonly<Record<PackedPart, RegExp>> = {
  unet: /^(input_blocks\.0\.0|out\.2|time_embed\..*|label_emb\..*|.*\.(emb_layers\.1|skip_connection))$/,
  controlnet:
    /^(input_blocks\.0\.0|input_hint_block\..*|time_embed\..*|label_emb\..*|.*\.(emb_layers\.1|skip_connection))$/,
  vaeDecoder:
    /^(encoder\..*|quant_conv|post_quant_conv|decoder\.conv_(in|out)|.*\.nin_shortcut|.*\.upsample\.conv)$/,
};

/**
 * The convolutions of so many output blocks, counted from the last, stay in float32 too: nothing that comes after them
 * averages their errors away. Measured on the starter at the noise of real walks (2026-11-28, `node
 * test/bench/sensitivity.ts`): of the error that all layers at 8 bits make in the first step, the two convolutions of the
 * last block make 60 %, those of the block before 18 %. They are 6 % of SD 1.5's work, and take little more time than at
 * 8 bits by fewer products (winogradLayers.ts).
 */
const EXACT_LAST_BLOCKS = 2;

/** Paths of the layers to pack, in the order of `tensors`; weights are [out, in] or [out, in, kh, kw]. */
export function integerLayers(
  part: PackedPart,
  tensors: ReadonlyMap<string, { readonly shape: readonly number[] }>,
): string[] {
  const isLast = lastConvolutions(tensors);
  return [...tensors].flatMap(([name, { shape }]) => {
    const path = name.endsWith('.weight') ? name.slice(0, -'.weight'.length) : '';
    const isMatrix = shape.length === 2 || shape.length === 4;
    const isLarge = isMatrix && Math.min(shape[0]!, shape[1]!) >= SMALLEST_SIDE;
    return path !== '' && isLarge && !EXACT[part].test(path) && !isLast(path) ? [path] : [];
  });
}

/** Tells the convolutions of the last residual blocks of a U-Net; other networks have none. */
function lastConvolutions(tensors: ReadonlyMap<string, unknown>): (path: string) => boolean {
  const blockOf = (name: string): number => Number(/^output_blocks\.(\d+)\./.exec(name)?.[1] ?? -1);
  const last = Math.max(...[...tensors.keys()].map(blockOf));
  return (path) =>
    /\.0\.(in|out)_layers\.\d+$/.test(path) && blockOf(path) > Math.max(-1, last - EXACT_LAST_BLOCKS);
}
