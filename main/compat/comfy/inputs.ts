/** Kinds of inputs a node may have, as ComfyUI describes and reads them. */

/** How `/object_info` shows an input: its type or its choices, then what there is to know of it. */
export type InputInfo = readonly [
  type: string | readonly string[],
  config?: Readonly<Record<string, unknown>>,
];

export type Input =
  | { readonly kind: 'link'; readonly type: string }
  | {
      readonly kind: 'INT' | 'FLOAT';
      readonly default: number;
      readonly min: number;
      readonly max: number;
      readonly step: number;
    }
  | { readonly kind: 'STRING'; readonly config: Readonly<Record<string, unknown>> }
  | { readonly kind: 'BOOLEAN'; readonly default: boolean }
  | { readonly kind: 'choice'; readonly values: readonly string[]; readonly has: (name: string) => boolean }
  /** Name of an uploaded picture. */
  | { readonly kind: 'picture' };

export const link = (type: string): Input => ({ kind: 'link', type });

export const integer = (fallback: number, min: number, max: number, step = 1): Input => ({
  ...{ kind: 'INT', default: fallback, min, max, step },
});

export const decimal = (fallback: number, min: number, max: number): Input => ({
  ...{ kind: 'FLOAT', default: fallback, min, max, step: 0.01 },
});

export const flag = (fallback: boolean): Input => ({ kind: 'BOOLEAN', default: fallback });

export const words = (fallback: string): Input => ({ kind: 'STRING', config: { default: fallback } });

/** @param has what counts as one of `values`, under whatever name. */
export const choice = (values: readonly string[], has: (name: string) => boolean): Input => ({
  ...{ kind: 'choice', values, has },
});

export const oneOf = (...values: readonly string[]): Input => choice(values, (name) => values.includes(name));

export const TEXT: Input = { kind: 'STRING', config: { multiline: true, dynamicPrompts: true } };
export const PICTURE: Input = { kind: 'picture' };
/** Of a latent. */
export const SIZE: Input = integer(512, 64, 16384, 8);
/** Of a picture or mask. */
export const PIXELS: Input = integer(512, 0, 16384);

/** In ComfyUI's form. */
export function inputInfo(input: Input): InputInfo {
  switch (input.kind) {
    case 'link':
      return [input.type];
    case 'STRING':
      return ['STRING', input.config];
    case 'BOOLEAN':
      return ['BOOLEAN', { default: input.default }];
    case 'choice':
      return [input.values, {}];
    case 'picture':
      return [[], { image_upload: true }];
    default: {
      const { kind, ...config } = input;
      return [kind, config];
    }
  }
}

/** What Python makes of a value where a number is wanted; undefined where it makes none. */
export function numberOf(kind: 'INT' | 'FLOAT', value: unknown): number | undefined {
  if (typeof value === 'boolean') return Number(value);
  const isText = typeof value === 'string' && value.trim() !== '';
  const number =
    typeof value === 'number' || typeof value === 'bigint' || isText ? Number(value) : Number.NaN;
  if (!Number.isFinite(number)) return undefined;
  if (kind === 'FLOAT') return number;
  return isText && !Number.isInteger(number) ? undefined : Math.trunc(number);
}
