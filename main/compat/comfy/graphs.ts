/** From a ComfyUI API graph to a job, with the pictures it loads by name looked up among the uploaded ones. */
import { z } from 'zod';
import { type JobRequest, jobRequestSchema } from '../../../preload/jobs.ts';
import type { Services } from '../../app/services.ts';
import { withLibraryModels } from '../../history/importing.ts';
import { imagePath, storeUpload } from '../../history/uploads.ts';
import { decodePixels, encodePixels } from '../../images/codec.ts';
import { type LooseGraph, type LooseNode, linkFrom, looseGraph } from '../../images/comfy/graph.ts';
import { recallComfyGraph } from '../../images/comfy/readGraph.ts';
import { pixelsOf } from '../../images/pixels.ts';
import { modelName } from '../../images/recall/recall.ts';
import type { ReadableDb } from '../../storage/database.ts';
import { readValue, writeValue } from '../../storage/settings.ts';
import { chosenSpeed } from '../options.ts';

export type GraphJob =
  | { readonly request: JobRequest; readonly outputs: readonly string[] }
  | { readonly problem: string };

const inputKey = (name: string) => `comfyui input ${name}`;

/** Remembers an uploaded picture under the name graphs load it by. */
export function rememberInput({ db }: Services, name: string, sha256: string): void {
  writeValue(db, inputKey(name), sha256);
}

/** sha256 of an uploaded picture; ComfyUI marks some names with the folder they are from: "cat.png [input]". */
export function inputNamed({ db }: Services, name: string): string | null {
  return z
    .string()
    .nullable()
    .catch(null)
    .parse(readValue(db, inputKey(name.replace(/ \[(input|output|temp)\]$/, ''))));
}

/** What a graph asks for, or one sentence why it cannot be done here. */
export async function toJob(s: Services, graph: unknown): Promise<GraphJob> {
  const nodes = looseGraph(graph);
  if (nodes === undefined) return { problem: 'Prompt has no nodes' };
  const outputs = [...nodes]
    .filter(([, { class_type }]) => /^(Save|Preview)Image/.test(class_type))
    .map(([id]) => id);
  if (outputs.length === 0) return { problem: 'Prompt has no outputs' };
  const loaded = await withPictures(s, nodes);
  if (typeof loaded === 'string') return { problem: loaded };
  const enlarging = upscaleOf(loaded);
  const request = enlarging ?? requestOf(s, loaded);
  const parsed = jobRequestSchema.safeParse(request);
  if (parsed.success) return { request: parsed.data, outputs };
  const [issue] = parsed.error.issues;
  const known = recallComfyGraph(loaded).problems[0];
  return { problem: `${issue?.path.join('.')}: ${issue?.message}${known ? ` (${known})` : ''}` };
}

function requestOf({ db }: Services, nodes: LooseGraph): unknown {
  const recall = recallComfyGraph(nodes);
  const models = { ...recall, raw: {} };
  return {
    speed: chosenSpeed({ db }),
    ...sizeOf(db, recall.request.initImage?.sha256),
    ...withLibraryModels(db, recall.request, models),
  };
}

/** ComfyUI works at the size of the loaded picture, cut to whole latent pixels. */
function sizeOf(db: ReadableDb, sha256: string | undefined): { width: number; height: number } {
  const size = db.get<{ width: number; height: number }>(
    'SELECT width, height FROM uploads WHERE sha256 = ?',
    sha256 ?? '',
  );
  const cut = (length: number) => Math.max(64, Math.floor(length / 8) * 8);
  return { width: cut(size?.width ?? 512), height: cut(size?.height ?? 512) };
}

/** A graph that only enlarges: ImageUpscaleWithModel without a sampler. */
function upscaleOf(nodes: LooseGraph): unknown {
  const all = [...nodes.values()];
  const node = all.find(({ class_type }) => class_type === 'ImageUpscaleWithModel');
  if (node === undefined || all.some(({ inputs }) => 'latent_image' in inputs)) return undefined;
  const model = nodes.get(linkFrom(node.inputs['upscale_model'])?.[0] ?? '')?.inputs['model_name'];
  const sha256 = nodes.get(linkFrom(node.inputs['image'])?.[0] ?? '')?.emulsion['sha256'];
  return { kind: 'upscale', upscaler: { name: modelName(String(model)) }, image: { sha256 } };
}

/**
 * Graphs name pictures by file; ours are known by contents. Each loader is told its picture's sha256, and a mask taken
 * from a picture's alpha (LoadImage's second output) becomes a loader of its own. @returns a problem as text.
 */
async function withPictures(s: Services, nodes: LooseGraph): Promise<LooseGraph | string> {
  const filled = new Map<string, LooseNode>();
  for (const [id, node] of nodes) {
    const name = node.inputs['image'];
    if (
      !/^LoadImage(Mask)?$/.test(node.class_type) ||
      typeof name !== 'string' ||
      'sha256' in node.emulsion
    ) {
      filled.set(id, node);
      continue;
    }
    const sha256 = inputNamed(s, name);
    if (sha256 === null) return `LoadImage: Invalid image file: ${name.slice(0, 200)}`;
    const contents =
      node.class_type === 'LoadImageMask'
        ? await channelMask(s, sha256, String(node.inputs['channel'] ?? 'alpha'))
        : sha256;
    filled.set(id, { ...node, emulsion: { ...node.emulsion, sha256: contents } });
  }
  return withAlphaMasks(s, filled);
}

async function withAlphaMasks(s: Services, nodes: ReadonlyMap<string, LooseNode>): Promise<LooseGraph> {
  const result = new Map(nodes);
  for (const [id, node] of nodes) {
    const link = linkFrom(node.inputs['mask']);
    const loader = link?.[1] === 1 ? nodes.get(link[0]) : undefined;
    const sha256 = loader?.emulsion['sha256'];
    if (loader?.class_type !== 'LoadImage' || typeof sha256 !== 'string') continue;
    const maskId = `${id}:mask`;
    const grow = Number(node.inputs['grow_mask_by'] ?? 0);
    const mask = { sha256: await channelMask(s, sha256, 'alpha'), ...(Number.isFinite(grow) && { grow }) };
    result.set(maskId, {
      class_type: 'LoadImageMask',
      inputs: { image: String(loader.inputs['image']) },
      emulsion: mask,
    });
    result.set(id, { ...node, inputs: { ...node.inputs, mask: [maskId, 0] } });
  }
  return result;
}

const CHANNELS: Readonly<Record<string, number>> = { red: 0, green: 1, blue: 2, alpha: 3 };

/** ComfyUI's mask of a picture: the channel as it is, alpha inverted (transparent = repaint), as a grey picture. */
async function channelMask(s: Services, sha256: string, channel: string): Promise<string> {
  const { width, height, data } = await decodePixels(imagePath({ db: s.db, ...s.folder }, { sha256 }), {
    channels: 4,
  });
  const offset = CHANNELS[channel] ?? 3;
  const grey = new Uint8Array(width * height * 3);
  for (let i = 0; i < width * height; i++) {
    const value = data[i * 4 + offset]!;
    grey.fill(offset === 3 ? 255 - value : value, i * 3, i * 3 + 3);
  }
  const { image } = await storeUpload(s.places, await encodePixels(pixelsOf(grey, width, height, 3), 'png'));
  return image.sha256 ?? '';
}
