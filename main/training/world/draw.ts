/** Scene → shapes → SVG → pixels, at any size: the picture, its line drawing, and a second style. */
import sharp from 'sharp';
import { drawGround, horizonOf } from './grounds.ts';
import { OBJECT_DRAWINGS } from './objects.ts';
import { INK, OBJECT_SHARE, tones, underSky } from './palette.ts';
import type { Scene, SceneObject } from './scene.ts';
import { ellipse, hex, type Layer, mix, type Paint, type Rgb, type Shape, shape } from './shapes.ts';
import { drawSky } from './sky.ts';

/**
 * `flat`: the world as it is. `woodcut`: one dark ink printed on cream paper, for the style LoRA.
 * `edges`: white contours on black without hidden lines, the hint image a scribble ControlNet sees.
 */
export const STYLES = ['flat', 'woodcut', 'edges'] as const;
export type Style = (typeof STYLES)[number];

/** The words that call the second style in a prompt. */
export const WOODCUT_TRIGGER = 'woodcut print';

/** Interleaved RGB bytes, `size` × `size`. */
export interface Pixels {
  readonly data: Uint8Array<ArrayBuffer>;
  readonly size: number;
}

const PAPER = hex('#f4e8cf');
const WOODCUT_INK = hex('#1f2f4a');

/** Renders a scene at `size` pixels a side. The same scene at two sizes is the same picture. */
export async function drawScene(scene: Scene, size: number, style: Style = 'flat'): Promise<Pixels> {
  const { data } = await sharp(Buffer.from(sceneSvg(scene, size, style)))
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { data: new Uint8Array(data), size };
}

/** The scene as an SVG text of `size` pixels a side. */
export function sceneSvg(scene: Scene, size: number, style: Style = 'flat'): string {
  const definitions: string[] = [];
  const body = layersOf(scene)
    .map((layer) => layerSvg(layer, style, definitions))
    .join('');
  const paper = style === 'edges' ? '<rect width="100" height="100"/>' : '';
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${size}" height="${size}" viewBox="0 0 100 100"><defs>${definitions.join('')}</defs>${paper}${body}</svg>`;
}

/** Back to front: sky, ground, then objects, the larger (nearer) ones last. */
function layersOf(scene: Scene): Layer[] {
  const horizon = horizonOf(scene);
  const objects = scene.objects.toSorted((a, b) => a.extent - b.extent);
  return [
    { shapes: drawSky(scene, horizon) },
    { shapes: drawGround(scene, horizon) },
    ...objects.flatMap((object) => objectLayers(scene, object)),
  ];
}

function objectLayers(scene: Scene, { kind, colour, x, extent }: SceneObject): Layer[] {
  const { halfWidth, footing, shapes } = OBJECT_DRAWINGS[kind];
  const flies = footing === 0;
  const base = flies ? 10 + 100 * extent : 74 + 24 * extent;
  const [half, foot] = [halfWidth * extent, footing * extent];
  const middle = Math.min(Math.max(100 * x, half + 2), 98 - half);
  const lit = shapes(tones(colour)).map((part) => ({
    ...part,
    paint: mapPaint(part.paint, (rgb) => underSky(rgb, scene.sky, OBJECT_SHARE)),
  }));
  const object: Layer = {
    shapes: lit,
    at: { x: middle, y: base, scale: extent, flip: scene.light === 'right' },
  };
  return flies
    ? [object]
    : [{ shapes: contact(scene, middle, base, foot) }, object, ...bow(scene, middle, base, foot)];
}

/** The shadow that sets an object on its ground, on the side away from the light. */
function contact({ ground, light }: Scene, x: number, y: number, foot: number): Shape[] {
  const shift = (light === 'left' ? 0.2 : -0.2) * foot;
  return [shape(ellipse(x + shift, y, foot * 1.15, 2.8), INK, ground === 'snow' ? 0.2 : 0.3)];
}

/** On the sea a line of foam hides the waterline. */
function bow({ ground, sky }: Scene, x: number, y: number, foot: number): Layer[] {
  if (ground !== 'sea') return [];
  const foam = sky === 'night' ? hex('#8ea9e2') : hex('#d9f0fb');
  return [{ shapes: [shape(ellipse(x, y + 0.6, foot * 1.1, 1.7), foam, 0.85)] }];
}

function layerSvg({ shapes, at }: Layer, style: Style, definitions: string[]): string {
  const scale = at?.scale ?? 1;
  const body = shapes.map((part) => shapeSvg(part, style, scale, definitions)).join('');
  if (!at) return body;
  return `<g transform="translate(${at.x.toFixed(2)} ${at.y.toFixed(2)}) scale(${(at.flip ? -scale : scale).toFixed(4)} ${scale.toFixed(4)})">${body}</g>`;
}

function shapeSvg(
  { d, paint, opacity = 1, contour = false }: Shape,
  style: Style,
  scale: number,
  definitions: string[],
): string {
  if (style === 'edges') return contour ? outlined(d, '#000', '#fff', 2.2 / scale) : '';
  const fill = paintSvg(style === 'woodcut' ? mapPaint(paint, print) : paint, definitions);
  if (style === 'woodcut' && contour) return outlined(d, fill, css(WOODCUT_INK), 1.8 / scale);
  return `<path d="${d}" fill="${fill}"${opacity < 1 ? ` opacity="${opacity}"` : ''}/>`;
}

/** The stroke lies under the fill, so that parts of one shape merge and only their common outline shows. */
function outlined(d: string, fill: string, stroke: string, width: number): string {
  return `<path d="${d}" fill="${fill}" stroke="${stroke}" stroke-width="${width.toFixed(2)}" stroke-linejoin="round" paint-order="stroke"/>`;
}

function paintSvg(paint: Paint, definitions: string[]): string {
  if (!('topToBottom' in paint)) return css(paint);
  const id = `p${definitions.length}`;
  const last = paint.topToBottom.length - 1;
  const stops = paint.topToBottom
    .map((rgb, i) => `<stop offset="${i / last}" stop-color="${css(rgb)}"/>`)
    .join('');
  definitions.push(`<linearGradient id="${id}" x1="0" y1="0" x2="0" y2="1">${stops}</linearGradient>`);
  return `url(#${id})`;
}

function mapPaint(paint: Paint, change: (rgb: Rgb) => Rgb): Paint {
  return 'topToBottom' in paint ? { topToBottom: paint.topToBottom.map(change) } : change(paint);
}

/** One ink: the darker the colour (Rec. 709 luma, stretched), the more of it. */
function print([r, g, b]: Rgb): Rgb {
  const luma = (0.2126 * r + 0.7152 * g + 0.0722 * b) / 255;
  return mix(WOODCUT_INK, PAPER, Math.min(1, Math.max(0, (luma - 0.12) * 1.7)));
}

function css([r, g, b]: Rgb): string {
  return `#${[r, g, b].map((value) => Math.round(value).toString(16).padStart(2, '0')).join('')}`;
}
