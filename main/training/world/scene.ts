/** What a picture of the little world shows, as a plain value made from a seed; drawing and captions read it. */
import { hash, type Rng, rng } from '../random.ts';

export const SKIES = ['day', 'sunset', 'night', 'dawn', 'overcast'] as const;
export const GROUNDS = ['sea', 'hills', 'desert', 'snow', 'city', 'lavender'] as const;
export const BACKGROUNDS = ['none', 'mountains'] as const;
/** The kinds the starter checkpoint is trained on. */
export const KINDS = ['boat', 'house', 'tree', 'cactus', 'car', 'balloon', 'rocket', 'mushroom'] as const;
/** Kinds the base world never shows; the object LoRA teaches them. */
export const NEW_KINDS = ['cat'] as const;
export const COLOURS = ['red', 'orange', 'yellow', 'green', 'blue', 'purple', 'white'] as const;
export const PLACES = ['left', 'centre', 'right'] as const;
export const SIZES = ['small', 'medium', 'large'] as const;

export type Sky = (typeof SKIES)[number];
export type Ground = (typeof GROUNDS)[number];
export type Background = (typeof BACKGROUNDS)[number];
export type Kind = (typeof KINDS)[number] | (typeof NEW_KINDS)[number];
export type Colour = (typeof COLOURS)[number];
export type Place = (typeof PLACES)[number];
export type Size = (typeof SIZES)[number];

export interface SceneObject {
  readonly kind: Kind;
  readonly colour: Colour;
  readonly place: Place;
  readonly size: Size;
  /** Middle of the object, 0 left to 1 right. */
  readonly x: number;
  /** Longer side as a fraction of the picture's height. */
  readonly extent: number;
}

export interface Scene {
  /** Decides what has no name: the run of a hill, where a cloud hangs. Two scenes that share it differ only in their attributes. */
  readonly seed: number;
  readonly sky: Sky;
  readonly ground: Ground;
  readonly background: Background;
  /** Where the light comes from; objects are shaded and turned accordingly. */
  readonly light: 'left' | 'right';
  readonly objects: readonly SceneObject[];
}

export interface SceneOptions {
  /** The kinds to choose from; default KINDS. */
  readonly kinds?: readonly Kind[];
  /** Exactly this many objects (0–3) instead of mostly one. */
  readonly count?: number;
}

const EXTENT: Record<Size, readonly [number, number]> = {
  small: [0.36, 0.41],
  medium: [0.47, 0.54],
  large: [0.6, 0.66],
};
const X: Record<Place, number> = { left: 0.27, centre: 0.5, right: 0.73 };
/** Places for 0, 1, 2, 3 objects; with one the place is drawn. */
const PLACES_OF: readonly (readonly Place[])[] = [[], [], ['left', 'right'], ['left', 'centre', 'right']];

/** A scene from a seed (any integer; 32 bits are used): mostly one object, sometimes two, rarely three or none. */
export function sceneFromSeed(seed: number, { kinds = KINDS, count }: SceneOptions = {}): Scene {
  const random = rng(hash('scene', seed));
  const places = choosePlaces(random, count);
  const sky = random.pick(SKIES);
  const objects = placeObjects(random, kinds, places);
  const ground = chooseGround(random, objects);
  const background = ground !== 'city' && random.chance(0.25) ? 'mountains' : 'none';
  return { seed, sky, ground, background, light: chooseLight(random, places), objects };
}

/** What the evaluation asks for: four attributes that name a picture with one object. */
export interface Combination {
  readonly sky: Sky;
  readonly ground: Ground;
  readonly kind: Kind;
  readonly colour: Colour;
}

/**
 * Whether a scene shows a combination of sky × ground × kind × colour that training never sees.
 * About one in eight is held out; the rule is a fixed hash, so every build agrees on it.
 */
export function isHeldOut({ sky, ground, objects }: Pick<Scene, 'sky' | 'ground' | 'objects'>): boolean {
  return objects.some(({ kind, colour }) => isCombinationHeldOut({ sky, ground, kind, colour }));
}

/** Every combination of the base world, in a fixed order. */
export function allCombinations(): readonly Combination[] {
  return SKIES.flatMap((sky) =>
    GROUNDS.flatMap((ground) =>
      KINDS.flatMap((kind) => COLOURS.map((colour) => ({ sky, ground, kind, colour }))),
    ),
  );
}

/** Those that training never sees (about 200 of 1680). */
export function heldOutCombinations(): readonly Combination[] {
  return allCombinations().filter(isCombinationHeldOut);
}

function isCombinationHeldOut({ sky, ground, kind, colour }: Combination): boolean {
  return hash('held out', sky, ground, kind, colour) % 8 === 0;
}

function choosePlaces(random: Rng, count: number | undefined): readonly Place[] {
  const roll = random.next();
  const number = count ?? (roll < 0.03 ? 0 : roll < 0.86 ? 1 : roll < 0.98 ? 2 : 3);
  const single = random.pick(PLACES);
  return number === 1 ? [single] : PLACES_OF[number]!;
}

/** Kinds and colours within one scene differ, so that a caption can tell the objects apart. */
function placeObjects(random: Rng, kinds: readonly Kind[], places: readonly Place[]): SceneObject[] {
  const objects: SceneObject[] = [];
  for (const place of places) {
    const freeKinds = kinds.filter((kind) => objects.every((other) => other.kind !== kind));
    const freeColours = COLOURS.filter((colour) => objects.every((other) => other.colour !== colour));
    const kind = random.pick(freeKinds.length > 0 ? freeKinds : kinds);
    objects.push({ kind, colour: random.pick(freeColours), place, ...measure(random, place, places.length) });
  }
  return objects;
}

function measure(random: Rng, place: Place, count: number): Pick<SceneObject, 'size' | 'x' | 'extent'> {
  const roll = random.next();
  const size: Size = count > 1 ? 'small' : roll < 0.2 ? 'small' : roll < 0.8 ? 'medium' : 'large';
  const [low, high] = EXTENT[size];
  const extent = random.between(low, high) * (count === 3 ? 0.8 : 1);
  return { size, extent, x: X[place] + random.between(-0.03, 0.03) + spread(place, count) };
}

/** Three objects move apart so that none hides another. */
function spread(place: Place, count: number): number {
  if (count < 3 || place === 'centre') return 0;
  return place === 'left' ? -0.09 : 0.09;
}

/** Any object may stand anywhere, so that combinations are plentiful; a boat is on the sea half of the time. */
function chooseGround(random: Rng, objects: readonly SceneObject[]): Ground {
  const ground = random.pick(GROUNDS);
  return objects.some(({ kind }) => kind === 'boat') && random.chance(0.4) ? 'sea' : ground;
}

/** The light stands opposite a single object at the side, so that sun and moon stay in sight. */
function chooseLight(random: Rng, places: readonly Place[]): Scene['light'] {
  const side = random.chance(0.5) ? 'left' : 'right';
  if (places.length !== 1 || places[0] === 'centre') return side;
  return places[0] === 'left' ? 'right' : 'left';
}
