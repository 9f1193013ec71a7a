/** What a kind of node is: its inputs as a schema, its outputs, and what it does. */
import { z } from 'zod';
import type { ProgressReporter } from '../../engine/jobs/progress.ts';
import type { Folder } from '../files.ts';
import type { Models } from './models.ts';
import { type SocketType, type SocketValues, Wire } from './sockets.ts';

/** What nodes may use besides their inputs. */
export interface NodeContext {
  readonly models: Models;
  readonly progress: ProgressReporter;
  readonly signal: AbortSignal;
  /** Preview pictures at every step. */
  readonly previews: boolean;
  /** A remark for whoever runs the workflow. */
  readonly note: (text: string) => void;
}

/** A row of the node table. */
export interface NodeKind {
  readonly schema: z.ZodType;
  /** What it reads of a node, and of the extras our own graphs carry; anything else in a graph is passed over. */
  readonly inputs: readonly string[];
  readonly extras: readonly string[];
  readonly outputs: readonly SocketType[];
  /** Inputs that name a file, and the folder it is looked for in. The node gets its path instead of the name. */
  readonly files: Readonly<Record<string, Folder>>;
  /** `inputs` are file names resolved, links followed, extras under `emulsion`; not yet checked. */
  readonly run: (inputs: unknown, context: NodeContext) => Promise<Wire[]>;
}

type Values<Outputs extends readonly SocketType[]> = {
  readonly [Index in keyof Outputs]: SocketValues[Outputs[Index]];
};

interface Definition<Shape extends z.ZodRawShape, Outputs extends readonly SocketType[]> {
  readonly inputs: Shape;
  readonly outputs: Outputs;
  readonly files?: Readonly<Record<string, Folder>>;
  readonly run: (
    inputs: z.output<z.ZodObject<Shape>>,
    context: NodeContext,
  ) => Values<Outputs> | Promise<Values<Outputs>>;
}

/** A kind of node from its definition; an input called `emulsion` holds the extras. */
export function node<Shape extends z.ZodRawShape, const Outputs extends readonly SocketType[]>(
  definition: Definition<Shape, Outputs>,
): NodeKind {
  const schema = z.object(definition.inputs);
  const { outputs, files = {} } = definition;
  const { emulsion, ...inputs } = definition.inputs;
  return {
    schema,
    inputs: Object.keys(inputs),
    extras: emulsion instanceof z.ZodObject ? Object.keys(emulsion.shape) : [],
    outputs,
    files,
    run: async (given, context) => {
      const values: readonly SocketValues[SocketType][] = await definition.run(schema.parse(given), context);
      return outputs.map((type, slot) => new Wire(type, values[slot]));
    },
  };
}
