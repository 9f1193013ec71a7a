/** `emulsion run`: a ComfyUI workflow (API format, or a picture that carries one) in, its pictures out. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { Command, Option } from 'commander';
import { SPEEDS } from '../../preload/request.ts';
import { badInput } from '../engine/border/failures.ts';
import type { EngineResult, EngineSettings } from '../engine/border/protocol.ts';
import { encodePixels } from '../images/codec.ts';
import { parsePythonJson, pythonJson } from '../images/comfy/graph.ts';
import { writePngTexts } from '../images/metadata/pngChunks.ts';
import { readImageMetadata } from '../images/metadata/read.ts';
import { filesOf } from '../workflow/files.ts';
import { parseWorkflow } from '../workflow/graph.ts';
import { withSpeed } from '../workflow/speed.ts';
import { runOnce } from './engine.ts';
import { usableFolder, writeNew } from './output.ts';
import { locateFiles } from './workflowFiles.ts';

interface Options {
  readonly models: readonly string[];
  readonly input?: string;
  readonly out: string;
  readonly speed?: (typeof SPEEDS)[number];
  readonly json?: boolean;
  readonly memory: EngineSettings['memory'];
  readonly device: EngineSettings['device'];
  readonly threads: number;
}

type WorkflowResult = Extract<EngineResult, { kind: 'workflow' }>;

/** Larger than any graph. */
const MAX_BYTES = 16 << 20;

export function runCommand(): Command {
  return new Command('run')
    .description('run a ComfyUI workflow')
    .argument('<workflow>', 'a graph saved with "Export (API)", or a PNG or WebP that carries one')
    .option('--models <folders...>', 'where its models are: a ComfyUI or WebUI folder, or a plain one', [])
    .option('--input <folder>', 'where its pictures are; default: beside the workflow')
    .option('--out <folder>', 'where the PNG files go', 'pictures')
    .addOption(
      new Option(
        '--speed <mode>',
        'how much exactness may be given for time; default: as the graph says',
      ).choices(SPEEDS),
    )
    .option('--json', 'print files, nodes and timings as JSON')
    .addOption(
      new Option('--memory <mode>', 'memory for speed')
        .choices(['auto', 'normal', 'cached', 'low'])
        .default('auto'),
    )
    .addOption(new Option('--device <name>', 'see "emulsion devices"').default('auto'))
    .option('--threads <n>', 'threads; 0 = one per core', Number, 0)
    .action(run);
}

async function run(file: string, options: Options): Promise<void> {
  usableFolder(options.out);
  const read = await readWorkflow(file);
  const graph = options.speed === undefined ? read : withSpeed(read, options.speed);
  const uses = filesOf(parseWorkflow(graph));
  const files = locateFiles(uses, { models: options.models, input: options.input ?? dirname(file) });
  const { memory, device, threads } = options;
  const result = await runOnce({ kind: 'workflow', graph, files }, { memory, device, threads });
  if (result.kind !== 'workflow') throw new Error('the engine answered something else than a workflow');
  const saved = await saveAll(result, pythonJson(graph), options.out);
  if (options.json) {
    const { ran, notes, timings } = result;
    return console.log(JSON.stringify({ files: saved, ran, notes, timings }, null, 2));
  }
  for (const note of result.notes) console.error(note);
  for (const { file: path } of saved) console.log(path);
}

async function readWorkflow(file: string): Promise<unknown> {
  const text = /\.json$/i.test(file) ? readJson(file) : (await readImageMetadata(file)).raw['prompt'];
  if (text === undefined)
    throw badInput(`${basename(file)} carries no workflow.`, 'Save one with "Export (API)" as JSON.');
  try {
    return parsePythonJson(text);
  } catch {
    throw badInput(`${basename(file)} is no JSON.`, 'Save the workflow again with "Export (API)".');
  }
}

function readJson(file: string): string {
  try {
    const stat = statSync(file);
    if (!stat.isFile()) throw badInput(`${file} is no file.`, 'Name the workflow itself.');
    if (stat.size > MAX_BYTES) throw badInput(`${file} is too large for a workflow.`, 'Choose another file.');
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    if (code === 'ENOENT') throw badInput(`${file}: there is no such file.`, 'Check the name.');
    throw badInput(`${file} cannot be read (${code}).`, 'Check its name and permissions.');
  }
}

/** The graph goes into every file, as ComfyUI does it, so that each can be run again. */
async function saveAll(
  { images }: WorkflowResult,
  graph: string,
  folder: string,
): Promise<{ file: string; node: string }[]> {
  const saved: { file: string; node: string }[] = [];
  for (const { nodeId, prefix, temporary, image } of images) {
    const bytes = writePngTexts(await encodePixels(image, 'png'), [['prompt', graph]]);
    const file = await writeNew(() => freeName(folder, temporary ? 'preview' : safeName(prefix)), bytes);
    saved.push({ file, node: nodeId });
  }
  return saved;
}

/** A graph may come from anywhere: of its prefix the last part counts, without anything a file system dislikes. */
function safeName(prefix: string): string {
  const last = prefix.split(/[\\/]/).at(-1)!;
  return (
    last
      .replace(/[^\p{L}\p{N} _().-]/gu, '_')
      .replace(/^\.+/, '')
      .slice(0, 80) || 'ComfyUI'
  );
}

/** name_00001_.png, one more than the highest number there: ComfyUI's names. */
function freeName(folder: string, prefix: string): string {
  const numbers = readdirSync(folder)
    .filter((name) => name.startsWith(`${prefix}_`))
    .map((name) => Number(/^(\d{5,})_?\.png$/.exec(name.slice(prefix.length + 1))?.[1] ?? 0));
  let number = Math.max(0, ...numbers) + 1;
  const nameOf = (): string => join(folder, `${prefix}_${String(number).padStart(5, '0')}_.png`);
  while (existsSync(nameOf())) number++;
  return nameOf();
}
