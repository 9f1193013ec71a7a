/** Which layers of a network are worth computing in 8-bit integers, and which would pay for it with the picture. */

/** A network whose layers can be packed. The text encoder runs once a picture and steers all of it: it stays exact. */
export type PackedPart = 'unet' | 'controlnet' | 'vaeDecoder';

/** Fewer inputs or outputs than this gain nothing. */
const SMALLEST_SIDE = 16;

/**
 * Layers that stay in float32: the first and the last, whatever sees one row per picture (time, labels), and the 1×1
 * skips, which carry the residual stream with all its outliers straight on. Measured on the starter (2026-11-28, `node
 * test/bench/sensitivity.ts`): alone at 8 bits, two skips err by 9e-3 and 7e-3, the next worst layer by 5e-3, the median
 * one by 2e-4; all packed but the skips err by 1.5e-2 instead of 1.9e-2, for a few percent of the work.
 */
const EXACT: Readonly<Record<PackedPart, RegExp>> = {
  unet: /^(input_blocks\.0\.0|out\.2|time_embed\..*|label_emb\..*|.*\.(emb_layers\.1|skip_connection))$/,
  controlnet:
    /^(input_blocks\.0\.0|input_hint_block\..*|time_embed\..*|label_emb\..*|.*\.(emb_layers\.1|skip_connection))$/,
  vaeDecoder: /^(encoder\..*|quant_conv|post_quant_conv|decoder\.conv_(in|out)|.*\.nin_shortcut)$/,
};

/** Paths of the layers to pack, in the order of `tensors`; weights are [out, in] or [out, in, kh, kw]. */
export function integerLayers(
  part: PackedPart,
  tensors: ReadonlyMap<string, { readonly shape: readonly number[] }>,
): string[] {
  return [...tensors].flatMap(([name, { shape }]) => {
    const path = name.endsWith('.weight') ? name.slice(0, -'.weight'.length) : '';
    const isMatrix = shape.length === 2 || shape.length === 4;
    const isLarge = isMatrix && Math.min(shape[0]!, shape[1]!) >= SMALLEST_SIDE;
    return path !== '' && isLarge && !EXACT[part].test(path) ? [path] : [];
  });
}
