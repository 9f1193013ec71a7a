/** The options about ControlNets and T2I-Adapters: each may be given once for all of them, or once for each. */
import type { Command } from 'commander';
import { PREPROCESSORS } from '../../preload/request.ts';
import { badInput } from '../engine/border/failures.ts';
import { modelRef } from './modelRef.ts';
import type { Need } from './together.ts';

export interface ControlOptions {
  readonly control?: readonly string[];
  readonly controlImage?: readonly string[];
  readonly preprocessor?: readonly string[];
  readonly preprocessorOption?: readonly string[];
  readonly controlWeight?: readonly string[];
  readonly controlStart?: readonly string[];
  readonly controlEnd?: readonly string[];
  readonly controlPriority?: readonly string[];
}

/** Each may be given once for all controls, or once for each. */
export const ONE_FOR_EACH_CONTROL = [
  'controlImage',
  'preprocessor',
  'controlWeight',
  'controlStart',
  'controlEnd',
  'controlPriority',
] as const satisfies readonly (keyof ControlOptions)[];

export const CONTROL_NEEDS: readonly Need[] = [
  { option: 'control', what: 'the ControlNet itself', by: [...ONE_FOR_EACH_CONTROL, 'preprocessorOption'] },
  { option: 'preprocessor', what: 'what takes these numbers', by: ['preprocessorOption'] },
];

export function addControlOptions(command: Command): Command {
  return command
    .option('--control <file...>', 'ControlNets and T2I-Adapters')
    .option(
      '--control-image <image...>',
      'what each of them follows; this and the next: one for each, or one for all',
    )
    .option(
      '--preprocessor <name...>',
      `makes the hint from the control image: ${PREPROCESSORS.join(', ')}, or onnx:FILE for a network of your own`,
    )
    .option('--preprocessor-option <name=number...>', 'e.g. low=50 high=150 for canny')
    .option('--control-weight <0–4...>', 'how strongly')
    .option('--control-start <0–1...>', 'from which part of the steps')
    .option('--control-end <0–1...>', 'to which part of the steps')
    .option('--control-priority <who...>', 'who wins where they disagree: balanced, prompt or control');
}

/** The controls of a request, unchecked; undefined without any. Throws bad input where a picture is missing. */
export function controlUses(options: ControlOptions): object[] | undefined {
  return options.control?.map((file, index) => controlUse(options, file, index));
}

function controlUse(options: ControlOptions, file: string, index: number): object {
  /** The value for this control: its own, or the last one given. */
  const own = <T>(values: readonly T[] | undefined): T | undefined => values?.[index] ?? values?.at(-1);
  const number = (values: readonly string[] | undefined): number | undefined => {
    const value = own(values);
    return value === undefined ? undefined : Number(value);
  };
  const image = own(options.controlImage);
  if (!image)
    throw badInput(
      `--control ${file} has no picture to follow.`,
      'Give one --control-image for each --control.',
    );
  const use = {
    model: modelRef(file),
    image: { path: image },
    preprocessor: own(options.preprocessor),
    preprocessorOptions:
      options.preprocessorOption && Object.fromEntries(options.preprocessorOption.map(namedNumber)),
    weight: number(options.controlWeight),
    startFraction: number(options.controlStart),
    endFraction: number(options.controlEnd),
    priority: own(options.controlPriority),
  };
  return Object.fromEntries(Object.entries(use).filter(([, value]) => value !== undefined));
}

/** "low=50" */
function namedNumber(text: string): readonly [name: string, value: number] {
  const [, name, value] = /^(\w+)=(-?[\d.]+)$/.exec(text) ?? [];
  if (name !== undefined) return [name, Number(value)];
  throw badInput(`--preprocessor-option ${text} is not name=number.`, 'Write e.g. low=50.');
}
