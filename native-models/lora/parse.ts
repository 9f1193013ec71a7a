/** LoRA files of any trainer as modules: which tensors belong together, and what each of them is. Reads no data. */
import type { TensorInfo, WeightsFile } from '../weights/tensors.ts';

// biome-ignore format: one table, read across
const LYCORIS_ROLES = [
  'hada_w1_a', 'hada_w1_b', 'hada_w2_a', 'hada_w2_b', 'hada_t1', 'hada_t2',
  'lokr_w1', 'lokr_w1_a', 'lokr_w1_b', 'lokr_w2', 'lokr_w2_a', 'lokr_w2_b', 'lokr_t2',
] as const;
type LycorisRole = (typeof LYCORIS_ROLES)[number];

/**
 * What a tensor is within its module. `down`, `mid` and `up` are the factors of LoRA and LoCon, `magnitude` is DoRA's,
 * `diff` and `biasDiff` whole differences; LoHa's and LoKr's have the names that LyCORIS gives them.
 */
export type Role = 'down' | 'mid' | 'up' | 'alpha' | 'magnitude' | 'diff' | 'biasDiff' | LycorisRole;

/** One module's tensors by role. */
export type ModuleTensors = Readonly<Partial<Record<Role, TensorInfo>>>;

export interface ParsedLora {
  /** By the name that the file gives the module. */
  readonly modules: ReadonlyMap<string, ModuleTensors>;
  /** Tensors of methods that are not known here (OFT, GLoRA …), as the file names them. */
  readonly unknown: readonly string[];
}

/** Endings of tensor names; peft puts an adapter's name ("default") before ".weight". The first match wins. */
const ENDINGS: readonly (readonly [ending: RegExp, role: Role])[] = [
  [/\.lora_down\.weight$/, 'down'],
  [/\.lora_up\.weight$/, 'up'],
  [/\.lora_mid\.weight$/, 'mid'],
  [/\.lora_A(\.[^.]+)?\.weight$/, 'down'],
  [/\.lora_B(\.[^.]+)?\.weight$/, 'up'],
  [/\.lora(_linear_layer)?\.down\.weight$/, 'down'],
  [/\.lora(_linear_layer)?\.up\.weight$/, 'up'],
  [/_lora\.down\.weight$/, 'down'],
  [/_lora\.up\.weight$/, 'up'],
  [/\.alpha$/, 'alpha'],
  [/\.dora_scale$/, 'magnitude'],
  [/\.lora_magnitude_vector(\.[^.]+)?(\.weight)?$/, 'magnitude'],
  [/\.(diff|w_norm)$/, 'diff'],
  [/\.(diff_b|b_norm)$/, 'biasDiff'],
  ...LYCORIS_ROLES.map((role) => [new RegExp(`\\.${role}$`), role] as const),
];

/** diffusers of early 2023 kept LoRA in attention processors, and called the last projection "out". */
const PROCESSOR = /\.processor\.to_(q|k|v|out)$/;

/** Sorts the tensors of `file` into modules. */
export function parseLora(file: WeightsFile): ParsedLora {
  const modules = new Map<string, Partial<Record<Role, TensorInfo>>>();
  const unknown: string[] = [];
  for (const [name, info] of file.tensors) {
    const [ending, role] = ENDINGS.find(([pattern]) => pattern.test(name)) ?? [];
    if (!ending || !role) unknown.push(name);
    else {
      const module = moduleName(name.replace(ending, ''));
      const tensors = modules.get(module) ?? {};
      tensors[role] = info;
      modules.set(module, tensors);
    }
  }
  return { modules, unknown };
}

function moduleName(name: string): string {
  return name
    .replace(/^base_model\.model\./, '')
    .replace(PROCESSOR, (_, projection: string) => `.to_${projection === 'out' ? 'out.0' : projection}`);
}
