/**
 * The whole contract between the window and the studio: every call, its payloads, and the one event stream.
 * Carried by a MessagePort (Electron) or a WebSocket (`emulsion serve`); every call can be cancelled by its AbortSignal.
 * Every call fails with a code of errors.ts, a sentence, and a next step: `toStudioError(error)` reads it.
 */
import { type ContractRouterClient, eventIterator, oc } from '@orpc/contract';
import { z } from 'zod';
import { ERROR_STATUS, type ErrorCode, errorDataSchema } from './errors.ts';
import * as history from './history.ts';
import * as jobs from './jobs.ts';
import * as models from './models.ts';
import * as projects from './projects.ts';
import { imageRefSchema, PREPROCESSORS } from './request.ts';
import * as settings from './settings.ts';
import * as studio from './studio.ts';
import { loraTrainingRequestSchema } from './training.ts';

/** Largest picture taken through `images.upload`; larger files go through the streamed HTTP upload. */
export const MAX_IMAGE_BYTES = 128 * 2 ** 20;

type ErrorMap = Record<ErrorCode, { status: number; data: typeof errorDataSchema }>;
const errors = Object.fromEntries(
  Object.entries(ERROR_STATUS).map(([code, status]) => [code, { status, data: errorDataSchema }]),
) as ErrorMap;

const call = oc.errors(errors);
const done = z.object({});
const id = z.object({ id: z.int() });
const ids = z.object({ ids: z.array(z.int()).min(1).max(10_000) });
const path = z.string().min(1).max(4096);

// biome-ignore format: one table, a call a line
export const contract = {
  /** Subscribe once; yields everything that changes. */
  events: call.output(eventIterator(studio.studioEventSchema)),

  app: {
    info: call.output(studio.appInfoSchema),
    devices: call.output(studio.devicesSchema),
    /** Database, file store, engine and a tiny picture by the starter; seconds. */
    selfTest: call.output(studio.selfTestSchema),
    memory: call.output(studio.memorySchema),
    dismissNotice: call.input(id).output(done),
    /** Native dialog; `not-allowed` in a browser. Empty when the user cancelled. */
    pick: call.input(z.object({ what: z.enum(['models', 'pictures', 'folder', 'project', 'save-project']), name: z.string().max(255).default('') })).output(z.object({ paths: z.array(z.string()) })),
    /** Shows a file in the system's file manager; `not-allowed` in a browser. */
    reveal: call.input(z.object({ path })).output(done),
  },

  settings: {
    get: call.output(settings.settingsSchema),
    update: call.input(settings.settingsPatchSchema).output(settings.settingsSchema),
  },

  models: {
    list: call.input(models.modelQuerySchema).output(z.object({ items: z.array(models.modelCardSchema), total: z.int() })),
    get: call.input(id).output(models.modelDetailSchema),
    facets: call.output(models.modelFacetsSchema),
    update: call.input(z.object({ id: z.int(), patch: models.modelPatchSchema })).output(models.modelCardSchema),
    setPreview: call.input(z.object({ id: z.int(), preview: models.modelPreviewSchema })).output(models.modelCardSchema),
    folders: call.output(z.array(models.modelFolderSchema)),
    /** `auto` recognises ComfyUI (extra_model_paths.yaml too) and A1111 trees; files are used in place. */
    addFolder: call.input(z.object({ path, layout: models.folderLayoutSchema.or(z.literal('auto')).default('auto') })).output(z.array(models.modelFolderSchema)),
    /** Forgets the folder and its cards; touches no file. */
    removeFolder: call.input(id).output(done),
    /** Ends when the header scan has ended; hashes follow in the background. Without an id: all folders. */
    rescan: call.input(z.object({ folderId: z.int().optional() })).output(z.object({ added: z.int(), changed: z.int(), missing: z.int(), broken: z.int(), milliseconds: z.number() })),
    inspect: call.input(z.object({ path })).output(models.fileInspectionSchema),
    import: call.input(z.object({ path, how: z.enum(['move', 'copy', 'in-place']), type: models.modelTypeSchema.optional() })).output(models.modelCardSchema),
    /** Moves the file to the system's bin and forgets the card. */
    delete: call.input(id).output(done),
    duplicates: call.output(z.array(z.array(models.modelCardSchema))),
    /** Never used, or not since the given time (ms). */
    unused: call.input(z.object({ since: z.number() })).output(z.array(models.modelCardSchema)),
    diskUse: call.output(models.diskUseSchema),
    /** Deletes the copies of weights (float32, integers, merged LoRAs) that the engine makes again when it needs them, all or of one kind; refused while a job runs. */
    clearCache: call.input(z.object({ kind: models.copyKindSchema.optional() }).default({})).output(z.object({ bytes: z.number() })),
    writeSidecars: call.input(id).output(z.object({ files: z.array(z.string()) })),
    /** Asks Civitai by hash for name, triggers and description; only ever called by the user's click. */
    lookUp: call.input(id).output(models.modelDetailSchema),
  },

  downloads: {
    list: call.output(z.array(models.downloadSchema)),
    /** An https URL, or a Hugging Face id `owner/name` with an optional `/file`. */
    start: call.input(z.object({ source: z.string().min(1).max(4096), sha256: z.string().regex(/^[0-9a-f]{64}$/i).optional(), type: models.modelTypeSchema.optional() })).output(models.downloadSchema),
    pause: call.input(id).output(models.downloadSchema),
    resume: call.input(id).output(models.downloadSchema),
    cancel: call.input(id).output(done),
  },

  queue: {
    list: call.output(jobs.queueSchema),
    get: call.input(id).output(jobs.jobSchema),
    add: call.input(z.object({ request: jobs.jobRequestSchema, at: z.enum(['end', 'next']).default('end'), target: jobs.jobTargetSchema.nullable().default(null) })).output(jobs.jobSchema),
    /** To just before another queued job, or to the end. */
    move: call.input(z.object({ id: z.int(), before: z.int().nullable() })).output(done),
    /** A running job stops at its next step; asked a second time, the engine is killed within 2 s. */
    cancel: call.input(id).output(jobs.jobSchema),
    /** The same request again, as a new job. */
    repeat: call.input(id).output(jobs.jobSchema),
    /** Queues an interrupted, paused, failed or cancelled job itself again. */
    continue: call.input(id).output(jobs.jobSchema),
    pause: call.output(done),
    resume: call.output(done),
    /** `now`: cancel the running job and pause. `after-this`: pause when it is done. */
    stop: call.input(z.object({ when: z.enum(['now', 'after-this']) })).output(done),
    clear: call.input(z.object({ which: z.enum(['queued', 'finished']) })).output(done),
    plan: call.input(z.object({ request: jobs.jobRequestSchema })).output(jobs.planSchema),
    /** Previews of a job's steps while it runs and until 20 later jobs have run. */
    timeline: call.input(id).output(z.array(jobs.timelineStepSchema)),
    /** Jobs of a project whose pictures wait for a decision, newest first. */
    candidates: call.input(z.object({ projectId: z.int() })).output(z.array(jobs.jobSchema)),
    /** The accepted picture, or null to discard them all. */
    decide: call.input(z.object({ id: z.int(), picture: z.int().nullable() })).output(jobs.jobSchema),
  },

  history: {
    page: call.input(history.historyQuerySchema).output(history.historyPageSchema),
    get: call.input(id).output(history.pictureDetailSchema),
    facets: call.input(history.historyFilterSchema).output(history.historyFacetsSchema),
    lineage: call.input(id).output(history.lineageSchema),
    rate: call.input(ids.extend({ rating: z.int().min(0).max(5) })).output(done),
    delete: call.input(ids).output(done),
    restore: call.input(ids).output(done),
    /** Removes deleted pictures and their files for good. */
    emptyBin: call.input(z.object({ deletedBefore: z.number() })).output(z.object({ removed: z.int() })),
    boards: call.output(z.array(history.boardSchema)),
    createBoard: call.input(z.object({ name: z.string().min(1).max(200) })).output(history.boardSchema),
    renameBoard: call.input(z.object({ id: z.int(), name: z.string().min(1).max(200) })).output(done),
    deleteBoard: call.input(id).output(done),
    addToBoard: call.input(ids.extend({ boardId: z.int() })).output(done),
    removeFromBoard: call.input(ids.extend({ boardId: z.int() })).output(done),
    export: call.input(history.exportRequestSchema).output(z.object({ files: z.array(z.object({ name: z.string(), path: z.string().nullable(), url: z.string().nullable() })) })),
    /** Files and whole folders; yields progress, the last event is the sum. */
    import: call.input(z.object({ paths: z.array(path).min(1).max(10_000) })).output(eventIterator(history.importProgressSchema)),
    /** The settings inside a picture of any tool, with its models resolved by hash, then by name. */
    readSettings: call.input(z.object({ image: imageRefSchema })).output(history.foundSettingsSchema),
    /** Stores a picture that the canvas flattened, with its parents. */
    keep: call.input(z.object({ image: imageRefSchema, parents: z.array(z.int()).max(100).default([]) })).output(history.pictureSchema),
  },

  projects: {
    list: call.output(z.array(projects.projectSchema)),
    create: call.input(z.object({ name: z.string().min(1).max(200), width: z.int().min(1).max(65_536), height: z.int().min(1).max(65_536) })).output(projects.openProjectSchema),
    open: call.input(id).output(projects.openProjectSchema),
    rename: call.input(z.object({ id: z.int(), name: z.string().min(1).max(200) })).output(done),
    append: call.input(projects.appendActionsSchema).output(z.object({ cursor: z.int() })),
    /** Undo and redo: where the document now is in the log. */
    setCursor: call.input(z.object({ id: z.int(), cursor: z.int() })).output(done),
    /** The document as it is after action `seq`, so that opening need not replay everything. */
    snapshot: call.input(z.object({ id: z.int(), seq: z.int(), document: z.json(), thumbnail: imageRefSchema.nullable().default(null) })).output(done),
    delete: call.input(id).output(done),
    restore: call.input(id).output(done),
    /** One portable file with document, log and all pictures; without a path it comes back as a URL to download. */
    saveFile: call.input(z.object({ id: z.int(), path: path.optional() })).output(z.object({ path: z.string().nullable(), url: z.string().nullable() })),
    openFile: call.input(z.object({ path })).output(projects.openProjectSchema),
  },

  images: {
    /** A dropped or painted picture becomes an ImageRef by sha256. */
    upload: call.input(z.object({ file: z.instanceof(Blob).refine((blob) => blob.size <= MAX_IMAGE_BYTES, 'the picture is larger than 128 MiB') })).output(studio.storedImageSchema),
    get: call.input(z.object({ image: imageRefSchema })).output(studio.storedImageSchema),
    preprocessors: call.output(z.array(studio.preprocessorSchema)),
    /** The hint picture a ControlNet would see. */
    hint: call.input(z.object({ image: imageRefSchema, preprocessor: z.enum(PREPROCESSORS).or(z.string().regex(/^onnx:[^/\\]{1,200}$/)), options: z.record(z.string(), z.number()).default({}), width: z.int().min(8).max(16_384).optional(), height: z.int().min(8).max(16_384).optional() })).output(studio.storedImageSchema),
  },

  prompt: {
    tokens: call.input(z.object({ text: z.string().max(100_000), emphasis: z.enum(['comfy', 'a1111']).default('comfy') })).output(studio.tokenCountSchema),
  },

  training: {
    /** Queues a training job; pictures are uploaded ones or paths. */
    start: call.input(loraTrainingRequestSchema.omit({ outputDir: true, pictures: true }).extend({ pictures: z.array(z.object({ image: imageRefSchema, caption: z.string().max(2000).default('') })).min(1).max(1000) })).output(jobs.jobSchema),
    /** Stops after saving its state; queue.continue goes on from there. */
    pause: call.input(id).output(jobs.jobSchema),
    run: call.input(id).output(jobs.trainingRunSchema),
    /** Pictures of a folder with the captions beside them (`name.txt`, `name.caption`). */
    readFolder: call.input(z.object({ path })).output(z.array(z.object({ path: z.string(), caption: z.string() }))),
  },

  network: {
    /** Newest first; everything that ever left the machine. */
    log: call.input(z.object({ limit: z.int().min(1).max(1000).default(200) })).output(z.array(studio.networkEntrySchema)),
  },
} as const;

export type Contract = typeof contract;
/** What the window codes against, whichever transport carries it. */
export type StudioClient = ContractRouterClient<Contract>;
