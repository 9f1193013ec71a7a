/** A scene in words: varied, natural captions for training, and one plain prompt for evaluation. */
import { hash, type Rng, rng } from '../random.ts';
import type { Colour, Ground, Kind, Place, Scene, SceneObject, Size, Sky } from './scene.ts';

/** `noun` begins a caption ("sunset over the sea"), `phrases` follow the object ("… at sunset"). */
const SKY_WORDS: Record<Sky, { readonly nouns: readonly string[]; readonly phrases: readonly string[] }> = {
  day: {
    nouns: ['a sunny day', 'a bright day', 'blue sky', 'a clear day'],
    phrases: [
      'on a sunny day',
      'by day',
      'under a blue sky',
      'in the sunshine',
      'on a bright day',
      'at noon',
    ],
  },
  sunset: {
    nouns: ['sunset', 'a red evening sky', 'a warm sunset', 'evening'],
    phrases: ['at sunset', 'in the evening', 'under an evening sky', 'at dusk', 'as the sun goes down'],
  },
  night: {
    nouns: ['night', 'a starry night', 'moonlight', 'a night sky'],
    phrases: ['at night', 'under the stars', 'in the moonlight', 'under a starry sky', 'by night'],
  },
  dawn: {
    nouns: ['dawn', 'sunrise', 'a pink morning sky', 'early morning'],
    phrases: ['at dawn', 'at sunrise', 'early in the morning', 'under a pink morning sky', 'at daybreak'],
  },
  overcast: {
    nouns: ['a grey sky', 'a cloudy day', 'grey clouds', 'an overcast day'],
    phrases: [
      'on a cloudy day',
      'under a grey sky',
      'on an overcast day',
      'under grey clouds',
      'in dull weather',
    ],
  },
};

/** `places` follow the object, `nouns` what the sky or a flying object is above. */
const GROUND_WORDS: Record<
  Ground,
  { readonly nouns: readonly string[]; readonly places: readonly string[] }
> = {
  sea: {
    nouns: ['the sea', 'the ocean', 'the water'],
    places: ['on the sea', 'on the ocean', 'on the water', 'at sea'],
  },
  hills: {
    nouns: ['green hills', 'the hills', 'the meadows'],
    places: ['in the hills', 'on a green hill', 'on the grass', 'in a meadow'],
  },
  desert: {
    nouns: ['the desert', 'sand dunes'],
    places: ['in the desert', 'on the sand', 'among sand dunes'],
  },
  snow: {
    nouns: ['the snow', 'a snowy field', 'a winter landscape'],
    places: ['in the snow', 'on a snowy field', 'in a winter landscape'],
  },
  city: {
    nouns: ['the city', 'the town', 'a city street'],
    places: ['in the city', 'on a city street', 'in town', 'on the road'],
  },
  lavender: {
    nouns: ['a lavender field', 'fields of lavender'],
    places: ['in a lavender field', 'among the lavender', 'in a field of lavender'],
  },
};

const KIND_WORDS: Record<Kind, readonly string[]> = {
  boat: ['boat', 'boat', 'sailing boat', 'sailboat'],
  house: ['house', 'house', 'cottage', 'home'],
  tree: ['tree'],
  cactus: ['cactus'],
  car: ['car', 'car', 'automobile'],
  balloon: ['balloon', 'hot air balloon', 'hot air balloon'],
  rocket: ['rocket', 'rocket', 'spaceship', 'space rocket'],
  mushroom: ['mushroom', 'mushroom', 'toadstool'],
  cat: ['cat'],
};

const PLACE_WORDS: Record<Place, readonly string[]> = {
  left: ['on the left', 'on the left side', 'to the left'],
  centre: ['in the middle', 'in the centre', 'in the center'],
  right: ['on the right', 'on the right side', 'to the right'],
};

const SIZE_WORDS: Record<Size, readonly string[]> = {
  small: ['small', 'little', 'tiny'],
  medium: [''],
  large: ['big', 'large', 'huge'],
};
const OPENINGS = ['a picture of', 'an illustration of', 'a drawing of', 'a painting of'];
const STYLE_WORDS = [
  'flat illustration',
  'simple vector art',
  'storybook illustration',
  'clean flat colours',
  'minimalist',
];
const MOUNTAIN_WORDS = [
  'with mountains behind',
  'in front of mountains',
  'with mountains in the background',
  'and snowy mountains',
];

/** "a drawing of" may precede "a red boat" or "the sea", not "at sunset" or "there is". */
const NAMES_SOMETHING = /^(a|an|the) /;

/** How often a caption leaves an attribute out; the model then learns its average. */
const OMIT = { sky: 0.08, ground: 0.08, colour: 0.06, place: 0.25, mountains: 0.2 };

/** One of many wordings of `scene`, chosen by `captionSeed`. Lower case, fewer than 40 CLIP tokens. */
export function captionOf(scene: Scene, captionSeed: number): string {
  const random = rng(hash('caption', captionSeed));
  const parts = wordParts(scene, random);
  const text = random.pick(parts.objects === '' ? EMPTY_ORDERS : ORDERS)(parts);
  const opened = random.chance(0.2) && NAMES_SOMETHING.test(text) ? `${random.pick(OPENINGS)} ${text}` : text;
  const styled = random.chance(0.1) ? `${opened}, ${random.pick(STYLE_WORDS)}` : opened;
  return tidy(styled);
}

/** Left-out attributes leave double spaces and stray commas behind. */
function tidy(text: string): string {
  return text
    .replace(/\s+/g, ' ')
    .replace(/( ?,)+/g, ',')
    .replace(/^[\s,]+|[\s,]+$/g, '');
}

/** The plainest wording of sky, ground, colours and kinds, with sizes and places on request: "a red boat on the sea at sunset". */
export function canonicalPrompt(
  scene: Scene,
  { places = false }: { readonly places?: boolean } = {},
): string {
  const { sky, ground, objects } = scene;
  if (objects.length === 0) return `${SKY_WORDS[sky].nouns[0]} over ${GROUND_WORDS[ground].nouns[0]}`;
  const names = objects.map((object) => {
    const words = [
      places ? SIZE_WORDS[object.size][0]! : '',
      object.colour,
      object.kind,
      places ? PLACE_WORDS[object.place][0]! : '',
    ];
    return withArticle(words.filter(Boolean).join(' '));
  });
  const where = objects.every(flies)
    ? `over ${GROUND_WORDS[ground].nouns[0]}`
    : GROUND_WORDS[ground].places[0];
  return `${names.join(' and ')} ${where} ${SKY_WORDS[sky].phrases[0]}`;
}

/** What a caption is put together from; '' where the attribute is left out. */
interface Parts {
  readonly objects: string;
  /** "on the sea", "over the sea" for what flies. */
  readonly where: string;
  readonly ground: string;
  /** "at sunset" */
  readonly when: string;
  /** "sunset" */
  readonly sky: string;
  readonly mountains: string;
}

const ORDERS: readonly ((parts: Parts) => string)[] = [
  ({ objects, where, mountains, when }) => `${objects} ${where} ${mountains} ${when}`,
  ({ objects, where, mountains, when }) => `${objects} ${where} ${mountains} ${when}`,
  ({ objects, where, mountains, when }) => `${when}, ${objects} ${where} ${mountains}`,
  ({ objects, where, mountains, sky }) => `${objects} ${where} ${mountains}, ${sky}`,
  ({ objects, ground, mountains, sky }) => `${join(sky, 'over', ground)} with ${objects} ${mountains}`,
  ({ objects, ground, mountains, when }) => `${ground} ${when} with ${objects} ${mountains}`,
  ({ objects, where, mountains, when }) => `there is ${objects} ${where} ${when} ${mountains}`,
  ({ objects, ground, mountains, sky }) =>
    [objects, ground, mountains.replace(/^(with|and|in front of) /, ''), sky].filter(Boolean).join(', '),
];

const EMPTY_ORDERS: readonly ((parts: Parts) => string)[] = [
  ({ ground, mountains, when }) => `${ground} ${mountains} ${when}`,
  ({ ground, mountains, sky }) => `${join(sky, 'over', ground)} ${mountains}`,
  ({ ground, mountains, sky }) => `${join('an empty landscape', 'of', ground)} ${mountains}, ${sky}`,
];

function wordParts({ sky, ground, background, objects }: Scene, random: Rng): Parts {
  const keep = (attribute: keyof typeof OMIT): boolean =>
    objects.length === 0 || !random.chance(OMIT[attribute]);
  const [hasSky, hasGround] = [keep('sky'), keep('ground')];
  const groundNoun = random.pick(GROUND_WORDS[ground].nouns);
  const inTheAir = objects.length > 0 && objects.every(flies);
  return {
    objects: joinNames(objects.map((object) => nameOf(object, random))),
    where: !hasGround
      ? ''
      : inTheAir
        ? `${random.pick(['over', 'above'])} ${groundNoun}`
        : random.pick(GROUND_WORDS[ground].places),
    ground: hasGround ? groundNoun : '',
    when: hasSky ? random.pick(SKY_WORDS[sky].phrases) : '',
    sky: hasSky ? random.pick(SKY_WORDS[sky].nouns) : '',
    mountains: background === 'mountains' && keep('mountains') ? random.pick(MOUNTAIN_WORDS) : '',
  };
}

/** "a small red boat on the left" */
function nameOf({ kind, colour, place, size }: SceneObject, random: Rng): string {
  const shown: Colour | '' = random.chance(OMIT.colour) ? '' : colour;
  const name = [random.pick(SIZE_WORDS[size]), shown, random.pick(KIND_WORDS[kind])]
    .filter(Boolean)
    .join(' ');
  return random.chance(OMIT.place)
    ? withArticle(name)
    : `${withArticle(name)} ${random.pick(PLACE_WORDS[place])}`;
}

function flies({ kind }: SceneObject): boolean {
  return kind === 'balloon';
}

function joinNames(names: readonly string[]): string {
  return names.length < 2 ? (names[0] ?? '') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}

function join(left: string, word: string, right: string): string {
  return left && right ? `${left} ${word} ${right}` : left || right || 'a landscape';
}

function withArticle(name: string): string {
  return `${/^[aeiou]/.test(name) ? 'an' : 'a'} ${name}`;
}
