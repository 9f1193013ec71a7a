/** The ground of a scene, and the mountains behind it. Units: the picture is 100 × 100. */

import { hash, type Rng, rng } from '../random.ts';
import { GROUND_COLOURS, MOUNTAIN, SKY_COLOURS, SNOW_SHARE, underSky } from './palette.ts';
import type { Ground, Scene } from './scene.ts';
import { below, hex, mix, polygon, type Rgb, rect, type Shape, shape, solid } from './shapes.ts';

/** Where sky and ground meet, in picture units. */
export function horizonOf({ seed }: Pick<Scene, 'seed'>): number {
  return rng(hash('horizon', seed)).between(58, 63);
}

/** Everything between the sky and the objects. */
export function drawGround(scene: Scene, horizon: number): readonly Shape[] {
  const random = rng(hash('ground', scene.seed));
  const lit = (colour: Rgb): Rgb => underSky(colour, scene.sky);
  const ground = colours(scene);
  const mountains = scene.background === 'mountains' ? drawMountains(scene, horizon, lit) : [];
  return [...mountains, ...GROUND_DRAWINGS[scene.ground]({ scene, horizon, random, lit, ...ground })];
}

interface GroundArt {
  readonly scene: Scene;
  readonly horizon: number;
  readonly random: Rng;
  /** A colour as the sky lights it. */
  readonly lit: (colour: Rgb) => Rgb;
  readonly base: Rgb;
  readonly light: Rgb;
  readonly dark: Rgb;
}

const GROUND_DRAWINGS: Record<Ground, (art: GroundArt) => readonly Shape[]> = {
  sea,
  hills,
  desert,
  snow,
  city,
  lavender,
};

function colours({ ground, sky }: Scene): Pick<GroundArt, 'base' | 'light' | 'dark'> {
  const { base, light, dark } = GROUND_COLOURS[ground];
  const lit = (colour: Rgb): Rgb => underSky(colour, sky, ground === 'snow' ? SNOW_SHARE : 1);
  return { base: lit(base), light: lit(light), dark: lit(dark) };
}

/** Flat water, brighter far away, with a few long waves; a low sun glitters on it. */
function sea({ scene, horizon, random, base, light, dark }: GroundArt): Shape[] {
  const waves = [8, 17, 28].flatMap((depth, row) => {
    const shift = random.between(0, 30);
    return [0, 1, 2].map((i) =>
      rect(((i * 37 + shift + row * 17) % 110) - 10, horizon + depth, 15 + row * 3, 1.8, 0.9),
    );
  });
  return [
    solid(rect(0, horizon, 100, 100 - horizon), { topToBottom: [light, base, dark] }),
    ...glitter(scene, horizon),
    shape(waves.join(''), light, 0.75),
  ];
}

function glitter({ sky, light }: Scene, horizon: number): Shape[] {
  if (sky === 'day' || sky === 'overcast') return [];
  const x = light === 'left' ? 23 : 77;
  const bars = [2, 7, 12, 17].map((depth, i) => rect(x - 9 + i * 1.5, horizon + depth, 18 - i * 3, 2.4, 1.2));
  return [shape(bars.join(''), sky === 'night' ? hex('#cdd6ff') : hex('#ffcf7a'), 0.8)];
}

/** Two rolling lines of green. */
function hills({ horizon, random, base, light, dark }: GroundArt): Shape[] {
  const far = wave(random, horizon - 3, 7);
  const near = wave(random, horizon + 13, 5);
  return [
    solid(below(far, 100), { topToBottom: [mix(base, dark, 0.8), dark] }),
    solid(below(near, 100), { topToBottom: [light, base] }),
  ];
}

/** Two dunes, the nearer one with a dark lee side. */
function desert({ horizon, random, base, light, dark }: GroundArt): Shape[] {
  const crest = random.between(30, 70);
  const top = horizon + random.between(9, 12);
  return [
    solid(below(wave(random, horizon - 1, 5), 100), { topToBottom: [base, dark] }),
    solid(
      below(
        [
          [-5, top + 12],
          [crest, top],
          [105, top + 15],
        ],
        100,
      ),
      { topToBottom: [light, base] },
    ),
    shape(
      `M${crest} ${top}C${crest + 30} ${top} 75 ${top + 15} 105 ${top + 15}L105 ${top + 22}C70 ${top + 22} ${crest + 8} ${top + 20} ${crest} ${top}z`,
      dark,
      0.75,
    ),
  ];
}

/** White with blue folds. */
function snow({ horizon, random, base, light, dark }: GroundArt): Shape[] {
  return [
    solid(below(wave(random, horizon - 1, 4), 100), { topToBottom: [dark, base] }),
    solid(below(wave(random, horizon + 13, 5), 100), { topToBottom: [light, mix(base, dark, 0.35)] }),
  ];
}

/** A row of towers in the haze, and a street with a broken line. */
function city({ scene, horizon, random, lit, base, light, dark }: GroundArt): Shape[] {
  const haze = mix(lit(hex('#5a6480')), SKY_COLOURS[scene.sky][1]!, 0.25);
  const towers: string[] = [];
  for (let x = -4; x < 100; ) {
    const width = random.between(11, 17);
    const height = random.between(9, 29);
    towers.push(
      polygon(
        [x, horizon],
        [x, horizon - height],
        [x + width - 1.5, horizon - height],
        [x + width - 1.5, horizon],
      ),
    );
    x += width;
  }
  const dashes = [-6, 24, 54, 84].map((x) => rect(x, 91, 17, 2.6));
  return [
    solid(towers.join(''), haze),
    shape(rect(0, horizon - 2.5, 100, 5), mix(haze, dark, 0.6)),
    solid(rect(0, horizon, 100, 100 - horizon), light),
    solid(rect(0, horizon + 9, 100, 91 - horizon), { topToBottom: [base, dark] }),
    shape(dashes.join(''), lit(hex('#f3f1e6'))),
  ];
}

/** Rows of lavender that meet at the horizon. */
function lavender({ horizon, random, base, light, dark }: GroundArt): Shape[] {
  const vanish = random.between(38, 62);
  const furrows = [-4, -3, -2, -1, 0, 1, 2, 3].map((row) => {
    const x = vanish + (row + 0.25) * 33;
    return polygon([vanish + row * 5, horizon], [vanish + row * 5 + 1.3, horizon], [x + 15, 100], [x, 100]);
  });
  return [
    solid(rect(0, horizon, 100, 100 - horizon), { topToBottom: [light, base] }),
    shape(furrows.join(''), dark, 0.85),
  ];
}

function drawMountains({ seed, sky }: Scene, horizon: number, lit: (colour: Rgb) => Rgb): Shape[] {
  const random = rng(hash('mountains', seed));
  const rock = mix(lit(MOUNTAIN.base), SKY_COLOURS[sky][2]!, 0.18);
  return [16, 50, 85].flatMap((middle) => {
    const [x, height, half] = [
      middle + random.between(-6, 6),
      random.between(19, 27),
      random.between(24, 29),
    ];
    const top = horizon - height;
    const cap = 0.34;
    const [left, right, base] = [x - half * cap, x + half * cap, top + height * cap];
    return [
      solid(polygon([x - half, horizon + 6], [x, top], [x + half, horizon + 6]), rock),
      shape(
        polygon(
          [x, top],
          [left, base],
          [x - half * 0.1, base - 2.5],
          [x + half * 0.12, base + 2],
          [right, base],
        ),
        lit(MOUNTAIN.cap),
      ),
    ];
  });
}

/** Five points of a rolling line across the picture. */
function wave(random: Rng, y: number, swing: number): [number, number][] {
  return [-5, 22, 50, 78, 105].map((x, i) => [x, y + (i % 2 === 0 ? 1 : -1) * random.between(0, swing)]);
}
