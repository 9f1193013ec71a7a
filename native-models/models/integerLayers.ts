/** Which layers of a network are worth computing in 8-bit integers, and which would pay for it with the picture. */

/** A network whose layers can be packed. The text encoder runs once a picture and steers all of it: it stays exact. */
export type PackedPart = 'unet' | 'controlnet' | 'vaeDecoder';

/** Fewer inputs or outputs than this gain nothing. */
const SMALLEST_SIDE = 16;

/** Layers that stay in float32: the first and the last, and whatever only sees one row per picture (time, labels). */
const EXACT: Readonly<Record<PackedPart, RegExp>> = {
  unet: /^(input_blocks\.0\.0|out\.2|time_embed\..*|label_emb\..*|.*\.emb_layers\.1)$/,
  controlnet: /^(input_blocks\.0\.0|input_hint_block\..*|time_embed\..*|label_emb\..*|.*\.emb_layers\.1)$/,
  vaeDecoder: /^(encoder\..*|quant_conv|post_quant_conv|decoder\.conv_in|decoder\.conv_out)$/,
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
