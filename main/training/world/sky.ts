/** The sky of a scene: gradient, sun or moon, stars and clouds. Units: the picture is 100 × 100. */

import { hash, type Rng, rng } from '../random.ts';
import { SKY_COLOURS, WHITE } from './palette.ts';
import type { Scene, Sky } from './scene.ts';
import { ellipse, hex, mix, type Rgb, rect, type Shape, shape, solid } from './shapes.ts';

/** The shapes behind everything else, down to `horizon`. */
export function drawSky({ seed, sky, light }: Scene, horizon: number): readonly Shape[] {
  const random = rng(hash('sky', seed));
  const sunX = light === 'left' ? random.between(18, 27) : random.between(73, 82);
  const backdrop = shape(rect(0, 0, 100, horizon + 6), { topToBottom: SKY_COLOURS[sky] });
  return [backdrop, ...SKY_DRAWINGS[sky](random, sunX, horizon)];
}

const SKY_DRAWINGS: Record<Sky, (random: Rng, sunX: number, horizon: number) => readonly Shape[]> = {
  day: (random, sunX) => [
    ...disc(sunX, random.between(16, 20), 8.5, hex('#ffdf4d'), 0.35),
    ...cloud(100 - sunX + random.between(-6, 6), random.between(14, 24), random.between(0.95, 1.2), WHITE),
  ],
  sunset: (random, sunX, horizon) => [
    ...streaks(random, hex('#8f3563')),
    ...disc(sunX, horizon - 3, 11, hex('#ffe071'), 0.3),
  ],
  night: (random, sunX) => [...stars(random), ...moon(sunX, random.between(17, 21))],
  dawn: (random, sunX, horizon) => [
    ...disc(sunX, horizon - random.between(12, 16), 7.5, hex('#fff6e6'), 0.4),
    ...cloud(100 - sunX + random.between(-6, 6), random.between(14, 22), 1, hex('#fde6ef')),
  ],
  overcast: (random) => [
    ...cloud(random.between(12, 24), random.between(22, 30), 1.1, hex('#d3d8dc')),
    ...cloud(random.between(74, 90), random.between(20, 28), 1.15, hex('#d3d8dc')),
    ...cloud(random.between(42, 60), random.between(9, 14), 1.35, hex('#e4e8ea')),
  ],
};

function disc(x: number, y: number, radius: number, colour: Rgb, glow: number): Shape[] {
  return [
    shape(ellipse(x, y, radius * 1.6), mix(colour, WHITE, 0.4), glow),
    solid(ellipse(x, y, radius), colour),
  ];
}

/** A crescent open to the left, in a faint halo. */
function moon(x: number, y: number): Shape[] {
  const crescent = `M${x - 2} ${y - 9}a9.2 9.2 0 1 1 -6 13.5a8.5 8.5 0 0 0 6 -13.5z`;
  return [shape(ellipse(x, y, 15), hex('#8fa3e8'), 0.18), solid(crescent, hex('#fff3c4'))];
}

/** One star in each of eight cells, so that they never crowd. */
function stars(random: Rng): Shape[] {
  const cells = Array.from({ length: 8 }, (_, i) => [12 + 25 * (i % 4), i < 4 ? 11 : 36] as const);
  const dots = cells.map(([x, y]) => {
    return ellipse(x + random.between(-7, 7), y + random.between(-6, 7), random.between(0.8, 1.3));
  });
  return [shape(dots.join(''), hex('#fdf6d8'))];
}

function cloud(x: number, y: number, scale: number, colour: Rgb): Shape[] {
  const puff = (dx: number, dy: number, r: number): string =>
    ellipse(x + dx * scale, y + dy * scale, r * scale);
  const base = rect(x - 15 * scale, y - 2 * scale, 30 * scale, 7 * scale, 3.4 * scale);
  return [solid(base + puff(-7, -2, 6) + puff(2, -5, 7.5) + puff(9, -1, 5), colour)];
}

/** Thin evening clouds, flat and long. */
function streaks(random: Rng, colour: Rgb): Shape[] {
  const streak = (y: number): string => rect(random.between(2, 45), y, random.between(34, 50), 3.4, 1.7);
  return [shape(streak(random.between(12, 18)) + streak(random.between(26, 32)), colour, 0.55)];
}
