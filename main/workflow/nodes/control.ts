/** Nodes around ControlNets. */
import { z } from 'zod';
import { badInput } from '../../engine/border/failures.ts';
import { hintByOurs } from '../../engine/conditions/hints.ts';
import { isPreprocessor } from '../../images/hints/preprocessors.ts';
import type { Pixels } from '../../images/pixels.ts';
import { node } from '../parts/node.ts';
import { type ConditioningValue, type ControlUse, decimal, socket } from '../parts/sockets.ts';

const image = socket('IMAGE');
const conditioning = socket('CONDITIONING');
const control_net = socket('CONTROL_NET');
const strength = decimal(0, 10);
const percent = decimal(0, 1);
const options = z.record(z.string(), z.number());

export const CONTROL = {
  Canny: node({
    inputs: {
      image,
      low_threshold: decimal(0, 1),
      high_threshold: decimal(0, 1),
      emulsion: z.object({ l2: z.number().optional() }),
    },
    outputs: ['IMAGE'],
    run: ({ image: pictures, low_threshold, high_threshold, emulsion: { l2 } }) => {
      // OpenCV's thresholds are gradients of bytes.
      const threshold = (share: number): number => Math.max(1, Math.round(share * 255));
      const chosen = {
        low: threshold(low_threshold),
        high: threshold(high_threshold),
        ...(l2 !== undefined && { l2 }),
      };
      return [pictures.map((picture) => hint(picture, 'canny', chosen))];
    },
  }),
  ControlNetApply: node({
    inputs: { conditioning, control_net, image, strength },
    outputs: ['CONDITIONING'],
    run: (inputs) => {
      const use: ControlUse = {
        path: inputs.control_net.path,
        image: inputs.image[0]!,
        weight: inputs.strength,
        startFraction: 0,
        endFraction: 1,
        priority: 'balanced',
        onBothSides: true,
      };
      return [controlled(inputs.conditioning, use)];
    },
  }),
  ControlNetApplyAdvanced: node({
    inputs: {
      positive: conditioning,
      negative: conditioning,
      control_net,
      image,
      strength,
      start_percent: percent,
      end_percent: percent,
      emulsion: z.object({
        preprocessor: z.string().default('none'),
        options: options.default({}),
        priority: z.enum(['balanced', 'prompt', 'control']).default('balanced'),
      }),
    },
    outputs: ['CONDITIONING', 'CONDITIONING'],
    run: ({ positive, negative, control_net: { path }, image: pictures, emulsion, ...inputs }) => {
      const use: ControlUse = {
        path,
        image: hint(pictures[0]!, emulsion.preprocessor, emulsion.options),
        weight: inputs.strength,
        startFraction: inputs.start_percent,
        endFraction: inputs.end_percent,
        priority: emulsion.priority,
        onBothSides: false,
      };
      return [controlled(positive, use), controlled(negative, use)];
    },
  }),
};

function controlled(value: ConditioningValue, use: ControlUse): ConditioningValue {
  return use.weight === 0 ? value : { ...value, controls: [...value.controls, use] };
}

function hint(picture: Pixels, name: string, chosen: Readonly<Record<string, number>>): Pixels {
  if (!isPreprocessor(name))
    throw badInput(
      `The preprocessor "${name}" is not part of the studio.`,
      'Load its picture with LoadImage.',
    );
  return hintByOurs(picture, name, chosen);
}
