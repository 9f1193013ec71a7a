/**
 * The objects of the little world, one function each, lit from the left.
 * Units: the origin is the middle of the base, y points down, the longer side is 100.
 */
import type { Tones } from './palette.ts';
import { INK, WHITE } from './palette.ts';
import type { Kind } from './scene.ts';
import { ellipse, hex, polygon, rect, type Shape, shape, solid } from './shapes.ts';

const WOOD = hex('#7a4a2c');
const WOOD_DARK = hex('#5b3521');
const GLASS = hex('#bfe6f7');
const CREAM = hex('#f7ead2');
const LAMP = hex('#ffd873');
const ROOF = hex('#59414e');
const TYRE = hex('#2b2d38');

export interface ObjectDrawing {
  /** Half the width, which keeps the object inside the picture. */
  readonly halfWidth: number;
  /** Half the width where it touches the ground, for the shadow; 0: it flies. */
  readonly footing: number;
  readonly shapes: (tones: Tones) => readonly Shape[];
}

export const OBJECT_DRAWINGS: Record<Kind, ObjectDrawing> = {
  boat: { halfWidth: 48, footing: 38, shapes: boat },
  house: { halfWidth: 48, footing: 44, shapes: house },
  tree: { halfWidth: 38, footing: 24, shapes: tree },
  cactus: { halfWidth: 36, footing: 20, shapes: cactus },
  car: { halfWidth: 54, footing: 50, shapes: car },
  balloon: { halfWidth: 37, footing: 0, shapes: balloon },
  rocket: { halfWidth: 30, footing: 31, shapes: rocket },
  mushroom: { halfWidth: 48, footing: 30, shapes: mushroom },
  cat: { halfWidth: 38, footing: 33, shapes: cat },
};

function boat({ base, light, dark }: Tones): Shape[] {
  return [
    solid(rect(-2, -100, 4, 76), WOOD),
    solid('M4 -97C30 -82 42 -58 43 -33L4 -33z', CREAM),
    shape('M4 -97C30 -82 42 -58 43 -33L26 -33C27 -58 18 -82 4 -97z', hex('#e2d0b4')),
    solid('M-4 -88C-8 -68 -20 -48 -38 -33L-4 -33z', light),
    solid('M-48 -27L48 -27C45 -10 36 0 24 0L-26 0C-38 0 -46 -10 -48 -27z', base),
    shape('M-40 -9L43 -9C39 -3 33 0 24 0L-26 0C-32 0 -37 -3 -40 -9z', dark),
    shape(rect(-47, -27, 94, 4), WHITE, 0.75),
  ];
}

function house({ base, dark }: Tones): Shape[] {
  return [
    solid(rect(20, -92, 12, 30), ROOF),
    solid(rect(-40, -54, 80, 54), base),
    shape(rect(18, -54, 22, 54), dark),
    solid(polygon([-48, -52], [-6, -96], [6, -96], [48, -52]), ROOF),
    solid(rect(-9, -32, 18, 32, 3), WOOD_DARK),
    solid(rect(-32, -40, 15, 15), LAMP),
    solid(rect(20, -40, 15, 15), LAMP),
  ];
}

function tree({ base, light, dark }: Tones): Shape[] {
  const crown = ellipse(0, -70, 29, 30) + ellipse(-20, -52, 18) + ellipse(20, -52, 18);
  return [
    solid('M-6 -42L6 -42L9 0L-9 0z', WOOD),
    shape('M1 -42L6 -42L9 0L3 0z', WOOD_DARK),
    solid(crown, base),
    shape('M24 -86A29 30 0 0 1 28 -68A18 18 0 0 1 20 -34L-4 -38C16 -44 26 -62 24 -86z', dark),
    shape(ellipse(-10, -78, 10, 9), light),
  ];
}

function cactus({ base, light, dark }: Tones): Shape[] {
  const trunk = 'M-13 -87A13 13 0 0 1 13 -87L13 -2Q0 2 -13 -2z';
  const leftArm = rect(-36, -72, 15, 38, 7.5) + rect(-36, -49, 30, 15, 7.5);
  const rightArm = rect(21, -84, 15, 44, 7.5) + rect(6, -55, 30, 15, 7.5);
  return [
    solid(trunk + leftArm + rightArm, base),
    shape(rect(4, -88, 5, 80, 2.5) + rect(30, -78, 4, 30, 2), dark),
    shape(rect(-8, -90, 5, 80, 2.5) + rect(-33, -67, 4, 24, 2), light),
  ];
}

function car({ base, light, dark }: Tones): Shape[] {
  const body =
    'M-54 -16C-55 -34 -48 -42 -35 -43C-28 -64 -18 -72 4 -72C24 -72 32 -62 38 -44C50 -42 55 -34 54 -16C54 -12 52 -10 48 -10L-48 -10C-52 -10 -54 -12 -54 -16z';
  const wheel = (x: number): Shape[] => [
    solid(ellipse(x, -13, 14), TYRE),
    shape(ellipse(x, -13, 6), hex('#d5dae2')),
  ];
  return [
    solid(body, base),
    shape('M-54 -20L54 -20C55 -13 53 -10 48 -10L-48 -10C-53 -10 -55 -13 -54 -20z', dark),
    shape('M-34 -38C-26 -39 -30 -42 28 -42L30 -37L-38 -35z', light),
    solid('M-27 -44C-21 -58 -15 -64 -2 -64L-2 -44z', GLASS),
    solid('M5 -64C19 -64 25 -57 30 -44L5 -44z', GLASS),
    shape(ellipse(-48, -29, 4, 5), LAMP),
    ...wheel(-29),
    ...wheel(29),
  ];
}

function balloon({ base, light, dark }: Tones): Shape[] {
  return [
    shape(
      polygon([-14, -28], [-12, -28], [-7, -12], [-9, -12]) +
        polygon([14, -28], [12, -28], [7, -12], [9, -12]),
      WOOD_DARK,
    ),
    solid('M-15 -26C-22 -38 -37 -46 -37 -64A37 36 0 0 1 37 -64C37 -46 22 -38 15 -26z', base),
    shape('M6 -100C34 -98 37 -76 37 -64C37 -46 22 -38 15 -26L8 -26C28 -50 28 -80 6 -100z', dark),
    shape('M-3 -100C-20 -82 -20 -46 -6 -26L6 -26C14 -46 14 -82 -3 -100z', light),
    solid(rect(-10, -14, 20, 14, 3), WOOD),
  ];
}

function rocket({ base, light, dark }: Tones): Shape[] {
  return [
    solid('M-16 -42C-28 -34 -31 -16 -30 0L-14 -12zM16 -42C28 -34 31 -16 30 0L14 -12z', dark),
    solid(polygon([-9, -14], [9, -14], [13, 0], [-13, 0]), TYRE),
    solid(
      'M0 -100C16 -84 22 -62 22 -44C22 -28 19 -16 15 -9L-15 -9C-19 -16 -22 -28 -22 -44C-22 -62 -16 -84 0 -100z',
      base,
    ),
    shape('M0 -100C16 -84 22 -62 22 -44C22 -28 19 -16 15 -9L6 -9C14 -36 14 -72 0 -100z', dark),
    shape('M-6 -82C-14 -66 -16 -46 -13 -24L-9 -24C-11 -46 -10 -64 -6 -82z', light),
    solid(ellipse(0, -56, 10.5), WHITE),
    shape(ellipse(0, -56, 7), hex('#58bfe6')),
  ];
}

function mushroom({ base, dark }: Tones): Shape[] {
  const pale = base[0] > 240 && base[2] > 240 ? hex('#c4c9da') : WHITE;
  return [
    solid('M-13 -44L13 -44C12 -26 17 -12 18 -4C12 2 -12 2 -18 -4C-17 -12 -12 -26 -13 -44z', CREAM),
    shape('M4 -44L13 -44C12 -26 17 -12 18 -4C15 -1 10 0 4 0.5C8 -14 5 -30 4 -44z', hex('#dccbab')),
    solid('M-48 -42C-50 -76 -26 -98 0 -98C26 -98 50 -76 48 -42C30 -34 -30 -34 -48 -42z', base),
    shape('M10 -97C34 -94 50 -72 48 -42C38 -38 24 -36 10 -36C34 -52 34 -80 10 -97z', dark),
    shape(ellipse(-24, -60, 9, 10) + ellipse(6, -78, 11, 9) + ellipse(24, -54, 7, 9), pale),
  ];
}

function cat({ base, light, dark }: Tones): Shape[] {
  const body = 'M-26 0C-30 -24 -18 -48 0 -50C18 -48 30 -24 26 0z';
  const head =
    'M-25 -66C-26 -80 -24 -92 -21 -100L-8 -88C-3 -90 3 -90 8 -88L21 -100C24 -92 26 -80 25 -66C24 -48 12 -42 0 -42C-12 -42 -24 -48 -25 -66z';
  return [
    solid('M18 -2C40 2 44 -22 34 -36C31 -40 26 -36 28 -32C34 -20 30 -10 16 -12z', dark),
    solid(body, base),
    shape(ellipse(0, -16, 13, 16), light),
    solid(head, base),
    shape(polygon([-19, -92], [-12, -86], [-20, -80]) + polygon([19, -92], [12, -86], [20, -80]), dark),
    shape(ellipse(-10, -68, 4, 5) + ellipse(10, -68, 4, 5), INK),
    shape(polygon([-4, -58], [4, -58], [0, -53]), hex('#e77f8e')),
  ];
}
