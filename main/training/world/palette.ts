/** The colours of the little world: skies, grounds, objects, and how each time of day tints them. */
import type { Colour, Ground, Sky } from './scene.ts';
import { hex, mix, multiply, type Rgb } from './shapes.ts';

export const WHITE = hex('#ffffff');
export const INK = hex('#1d2440');

/** From the zenith to the horizon. */
export const SKY_COLOURS: Record<Sky, readonly Rgb[]> = {
  day: [hex('#3f9cf2'), hex('#86c8fb'), hex('#d3effc')],
  sunset: [hex('#6c2b74'), hex('#e2533f'), hex('#ffb347')],
  night: [hex('#0b1033'), hex('#18235c'), hex('#2f4288')],
  dawn: [hex('#a99be6'), hex('#f0aed0'), hex('#ffdfd3')],
  overcast: [hex('#76808c'), hex('#98a2ac'), hex('#bcc4ca')],
};

export const GROUND_COLOURS: Record<Ground, { readonly base: Rgb; readonly light: Rgb; readonly dark: Rgb }> =
  {
    sea: { base: hex('#1f78c8'), light: hex('#63b5ea'), dark: hex('#155a9f') },
    hills: { base: hex('#58ad48'), light: hex('#82c95c'), dark: hex('#3c8a3e') },
    desert: { base: hex('#e9bd76'), light: hex('#f6d79c'), dark: hex('#cf9a52') },
    snow: { base: hex('#f2f7fc'), light: hex('#ffffff'), dark: hex('#cfdfee') },
    city: { base: hex('#6b6f78'), light: hex('#a4a8b0'), dark: hex('#50545e') },
    lavender: { base: hex('#9a7bd0'), light: hex('#bda3e8'), dark: hex('#6b8f58') },
  };

export const MOUNTAIN = { base: hex('#7d88a6'), cap: hex('#f4f8fd') };

/** Each colour in the light and in its own shade: a shade mixed with grey would make yellow olive. */
const OBJECT_COLOURS: Record<Colour, { readonly base: Rgb; readonly dark: Rgb }> = {
  red: { base: hex('#dc2430'), dark: hex('#a81c35') },
  orange: { base: hex('#f98a17'), dark: hex('#d2640f') },
  yellow: { base: hex('#ffdc2b'), dark: hex('#e3ab1c') },
  green: { base: hex('#1f9d4d'), dark: hex('#167a4a') },
  blue: { base: hex('#2055dd'), dark: hex('#1d41a8') },
  purple: { base: hex('#8729b8'), dark: hex('#64228f') },
  white: { base: hex('#fafafa'), dark: hex('#d3d7e2') },
};

/** How the light of each sky colours what it falls on (factors on red, green, blue). */
const TINT: Record<Sky, Rgb> = {
  day: [1, 1, 1],
  sunset: [0.98, 0.72, 0.6],
  night: [0.42, 0.47, 0.72],
  dawn: [1.02, 0.9, 0.97],
  overcast: [0.8, 0.83, 0.86],
};

/**
 * A colour as the sky lights it. `share` is how much of the tint it takes: 1 for ground and mountains,
 * SNOW_SHARE for snow (a whole sunset would turn it to sand), OBJECT_SHARE for objects (yellow must stay yellow at night).
 */
export function underSky(colour: Rgb, sky: Sky, share = 1): Rgb {
  return multiply(colour, mix([1, 1, 1], TINT[sky], share));
}

export const SNOW_SHARE = 0.55;
export const OBJECT_SHARE = 0.2;

/** The tones of one object: its own colour in light and shade. */
export interface Tones {
  readonly base: Rgb;
  readonly light: Rgb;
  readonly dark: Rgb;
}

/** The base colour, a lighter one for lit sides, a darker one for shade. */
export function tones(colour: Colour): Tones {
  const { base, dark } = OBJECT_COLOURS[colour];
  return { base, dark, light: mix(base, WHITE, colour === 'white' ? 1 : 0.38) };
}
