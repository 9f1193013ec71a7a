/** The mask's float pixels, kept in step with its operations, and the picture of it that lies on the canvas. */
import { latentCells } from '../document/blend.ts';
import { MASK_COLOUR, tinted } from '../document/colour.ts';
import { contours } from '../document/contour.ts';
import { blankCoverage, type Coverage } from '../document/coverage.ts';
import { type Rect, sameRect, wholePixels } from '../document/geometry.ts';
import {
  applyOperation,
  cropCoverage,
  type Mask,
  type MaskOperation,
  restoreCoverage,
} from '../document/mask.ts';
import { soften } from '../document/morphology.ts';
import { follower } from './follower.ts';
import type { MaskPicture } from './protocol.ts';
import { bitmapOf } from './surfaces.ts';

/** Growing, feathering and the outline are shown on at most so many pixels. */
const PREVIEW_PIXELS = 1_200_000;

/** Float mask of an area that follows the document's operations. */
export function maskRaster() {
  let raw: Coverage = blankCoverage({ x: 0, y: 0, width: 1, height: 1 });
  const following = follower<MaskOperation, readonly Coverage[]>({
    reset: () => raw.data.fill(0),
    weight: (before) => before.reduce((sum, { data }) => sum + data.length, 0),
    apply: (operation) => applyOperation(raw, operation),
    restore: (before) => restoreCoverage(raw, [...before].reverse()),
  });
  return {
    /** Shows the mask over `area`; returns its raw pixels (not grown, not feathered). */
    follow(operations: readonly MaskOperation[], area: Rect): Coverage {
      const whole = wholePixels(area);
      if (!sameRect(whole, raw.area)) {
        raw = blankCoverage(whole);
        following.forget();
      }
      following.show(operations);
      return raw;
    },
  };
}

/** The grown and feathered mask as the canvas shows it; `frame` asks for its latent cells as well. */
export function maskPicture(raw: Coverage, mask: Omit<Mask, 'operations'>, frame: Rect | null): MaskPicture {
  const scale = Math.max(1, Math.ceil(Math.sqrt(raw.data.length / PREVIEW_PIXELS)));
  const small = scale === 1 ? raw : shrink(raw, scale);
  const soft = soften(small, { grow: mask.grow / scale, feather: mask.feather / scale });
  const { x, y } = raw.area;
  const { width, height } = soft.area;
  const placed = (value: number, i: number) => value * scale + (i % 2 === 0 ? x : y);
  return {
    type: 'mask',
    picture: bitmapOf(tinted(soft, MASK_COLOUR)),
    area: { x, y, width: width * scale, height: height * scale },
    outlines: contours(soft).map((line) => line.map(placed)),
    cells: frame === null ? null : latentCells(soften(cropCoverage(raw, frame), mask)),
  };
}

/** Every `step`-th pixel: enough for a preview. The area keeps its place and counts in preview pixels. */
function shrink({ area, data }: Coverage, step: number): Coverage {
  const width = Math.ceil(area.width / step);
  const height = Math.ceil(area.height / step);
  const small = new Float32Array(width * height);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) small[y * width + x] = data[y * step * area.width + x * step]!;
  return { area: { x: area.x, y: area.y, width, height }, data: small };
}
