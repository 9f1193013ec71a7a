/** The Konva stage: hears the stores, pushes what they say to its nodes, and is never asked anything. */
import Konva from 'konva';
import { activeLayer, type StudioDocument } from '../document/document.ts';
import type { View } from '../document/geometry.ts';
import { shownCandidate, useCandidates } from '../stores/candidates.ts';
import { useDocument } from '../stores/document.ts';
import { useHint } from '../stores/hint.ts';
import { useQueue } from '../stores/queue.ts';
import { useTheme } from '../stores/theme.ts';
import { currentTarget, isCanvasMode, showWhole, useView } from '../stores/view.ts';
import { onPicture, pictureNow, picturesLoaded } from '../surfaces/pictures.ts';
import { followDocument, onRaster, rasterBehind, rasterView } from '../surfaces/raster.ts';
import type { Effect } from '../tools/tool.ts';
import { type ChromeState, chromeView } from './chromeView.ts';
import { type InkState, inkView } from './inkView.ts';
import { layersView } from './layersView.ts';
import { liveStrokeView } from './liveStroke.ts';
import { listenToPointer } from './pointer.ts';
import { runningPreview } from './preview.ts';
import { shownBlend } from './reblend.ts';
import { resultView } from './resultView.ts';

/** Bitmaps and strokes are drawn at the screen's own resolution, at most twice the CSS size. */
const RATIO = Math.min(globalThis.devicePixelRatio ?? 1, 2);
/** From this zoom on, pixels are shown as squares; a fitted picture, enlarged up to four times, is still smooth. */
const SHARP_FROM = 5;

Konva.pixelRatio = RATIO;
Konva.autoDrawEnabled = false;

type Named<Name extends string, Node> = Readonly<Record<Name, Node>>;

/** Konva layers back to front; `world` groups are in document pixels, `screen` groups in CSS pixels. */
interface Nodes {
  readonly layers: Named<'below' | 'active' | 'above' | 'result' | 'ink' | 'chrome', Konva.Layer>;
  readonly world: Named<'below' | 'active' | 'above' | 'result' | 'ink', Konva.Group>;
  readonly screen: Named<'active' | 'ink' | 'chrome', Konva.Group>;
}

/** Builds the canvas inside an element; returns how to take it down. */
export function mountStage(
  container: HTMLDivElement,
  frameLabel: (width: number, height: number) => string,
): () => void {
  const stage = new Konva.Stage({ container, width: 1, height: 1 });
  const nodes = buildNodes(stage);
  const live = liveStrokeView(RATIO);
  nodes.screen.ink.add(live.node);
  const chrome = chromeView(nodes.screen.chrome, () => nodes.layers.chrome.batchDraw());
  const push = pusher(container, nodes, chrome, frameLabel);
  const stopPointer = listenToPointer(container, effectsOn(nodes, live, chrome), (at, cursor) => {
    const { view, brushes } = useView.getState();
    const radius = (brushes[currentTarget(useView.getState())].size / 2) * view.zoom;
    chrome.showRing(cursor === 'ring' ? at : null, radius);
    nodes.layers.chrome.batchDraw();
  });
  const stopResize = followSize(container, (size) => {
    stage.size(size);
    live.resize(size);
    push();
  });
  const settle = () => {
    live.settle();
    live.node.getLayer()?.batchDraw();
  };
  const stops = [
    useDocument.subscribe(push),
    useView.subscribe((state, before) => {
      push();
      if (state.view !== before.view) settle();
    }),
    useCandidates.subscribe(push),
    useTheme.subscribe(push),
    useHint.subscribe(push),
    useQueue.subscribe((state, before) => {
      if (state.progress !== before.progress || state.steps !== before.steps) push();
    }),
    onPicture(push),
    onRaster((news) => (news === 'settled' ? settle() : push())),
    stopPointer,
    stopResize,
    () => stage.destroy(),
  ];
  void document.fonts.ready.then(push);
  return () => {
    for (const stop of stops) stop();
  };
}

function buildNodes(stage: Konva.Stage): Nodes {
  const layer = () => new Konva.Layer({ listening: false });
  const group = () => new Konva.Group();
  const layers = {
    below: layer(),
    active: layer(),
    above: layer(),
    // By itself: a preview at every step is not to draw the document's layers anew.
    result: layer(),
    ink: layer(),
    chrome: layer(),
  };
  const world = { below: group(), active: group(), above: group(), result: group(), ink: group() };
  const screen = { active: group(), ink: group(), chrome: group() };
  for (const each of Object.values(layers)) stage.add(each);
  for (const name of ['below', 'active', 'above', 'result', 'ink'] as const) layers[name].add(world[name]);
  for (const name of ['active', 'ink', 'chrome'] as const) layers[name].add(screen[name]);
  return { layers, world, screen };
}

/** The function that pushes the stores' state to the nodes; a Konva layer is drawn only when something in it changed. */
function pusher(
  container: HTMLElement,
  { layers, world }: Nodes,
  chrome: ReturnType<typeof chromeView>,
  frameLabel: (width: number, height: number) => string,
): () => void {
  const pictures = layersView(world);
  const result = resultView(world.result, () => layers.result.batchDraw());
  const ink = inkView(world.ink);
  const blend = shownBlend(() => push());
  const changed = changes();
  const colours = coloursOf(container);
  const push = () => {
    const { document } = useDocument.getState().timeline;
    const state = useView.getState();
    const { view, mode } = state;
    // Nothing is drawn that has no size yet, or that is out of sight.
    if (container.dataset['canvasReady'] === undefined || !isCanvasMode(mode)) return;
    followDocument(document, state.latentGrid && mode === 'edit');
    const raster = rasterView();
    const candidate = shownCandidate(useCandidates.getState());
    const preview = runningPreview(useQueue.getState(), document, state.scrubbed);
    const showsResult = candidate !== null || preview !== null;
    const moved = changed('view', view, state.stage);
    if (moved) transform(layers, world, view);
    if (changed('pictures', document.layers, document.activeLayer, mode, raster, picturesLoaded()) || moved) {
      const anew = pictures.show(document, raster, view.zoom * RATIO, mode === 'edit');
      for (const name of moved ? (['below', 'active', 'above'] as const) : anew) layers[name].batchDraw();
    }
    const blended = blend.current(candidate);
    if (changed('result', candidate, preview?.url, blended, picturesLoaded()) || moved) {
      result.show(candidate, preview, blended);
      layers.result.batchDraw();
    }
    const inkState = { frame: document.frame, zoom: view.zoom, ...inkOf(state, document, showsResult) };
    if (changed('ink', ...Object.values(inkState), raster) || moved) {
      ink.show(inkState, raster);
      layers.ink.batchDraw();
    }
    const framed = { ...chromeOf(document, state, showsResult, frameLabel), ...colours() };
    if (changed('chrome', ...Object.values(framed))) {
      chrome.show(framed);
      layers.chrome.batchDraw();
    }
  };
  return push;
}

/** Remembers under a name what was seen last; true when anything of it is new. */
function changes(): (name: string, ...values: readonly unknown[]) => boolean {
  const seen = new Map<string, readonly unknown[]>();
  return (name, ...values) => {
    const before = seen.get(name);
    seen.set(name, values);
    return before === undefined || values.some((value, i) => value !== before[i]);
  };
}

function chromeOf(
  document: StudioDocument,
  { view, stage, tool, mode }: ViewState,
  showsResult: boolean,
  frameLabel: (width: number, height: number) => string,
): Omit<ChromeState, 'accent' | 'shade'> {
  const { frame, bounds } = document;
  const layer = mode === 'edit' && tool === 'move' ? activeLayer(document) : null;
  return {
    frame,
    bounds,
    view,
    stage,
    layer: layer?.visible === true ? layer : null,
    frameQuiet: mode === 'create',
    handles: tool === 'frame' && mode !== 'create',
    frameShown: mode !== 'create' || !showsResult,
    label: frameLabel(frame.width, frame.height),
  };
}

/** The theme's colours, asked for once a theme: each question makes the browser compute every style that has changed. */
function coloursOf(element: HTMLElement): () => Pick<ChromeState, 'accent' | 'shade'> {
  let known: { readonly theme: string; readonly colours: Pick<ChromeState, 'accent' | 'shade'> } | null =
    null;
  return () => {
    const { theme } = useTheme.getState();
    if (known?.theme !== theme) {
      const styles = getComputedStyle(element);
      const token = (name: string) => styles.getPropertyValue(name).trim();
      known = { theme, colours: { accent: token('--accent'), shade: Number(token('--shade')) } };
    }
    return known.colours;
  };
}

type ViewState = ReturnType<typeof useView.getState>;

/** What of mask and sketch shows: the sketch is a page of its own, and lies over the picture where it takes part in editing. */
function inkOf(
  { mode, maskShown, latentGrid }: ViewState,
  { draft }: StudioDocument,
  showsResult: boolean,
): Omit<InkState, 'frame' | 'zoom'> {
  const mask = mode === 'edit' && maskShown;
  const { control, useSketch } = draft;
  const joins = mode === 'edit' && useSketch && control.model !== null && control.source === 'sketch';
  const page = mode === 'sketch' && !showsResult;
  const photo = control.source === 'picture';
  const { picture } = useHint.getState();
  return {
    mask,
    outlineOnly: showsResult,
    latentGrid,
    sketch: page ? 'page' : joins && !showsResult ? 'overlay' : 'hidden',
    hint: photo && picture !== null ? pictureNow(picture.image) : null,
  };
}

function transform(layers: Nodes['layers'], world: Nodes['world'], view: View): void {
  for (const group of Object.values(world))
    group.setAttrs({ x: view.x, y: view.y, scaleX: view.zoom, scaleY: view.zoom });
  for (const layer of Object.values(layers)) layer.imageSmoothingEnabled(view.zoom < SHARP_FROM);
}

/** Shows what tools ask to see: the running stroke, an outline, nothing. */
function effectsOn(
  { layers, screen }: Nodes,
  live: ReturnType<typeof liveStrokeView>,
  chrome: ReturnType<typeof chromeView>,
): (effect: Effect) => void {
  return (effect) => {
    const { view } = useView.getState();
    if (effect.do === 'show stroke') {
      const home = effect.live.target === 'layer' ? 'active' : 'ink';
      if (live.node.getParent() !== screen[home]) live.node.moveTo(screen[home]);
      live.show(effect.live, view);
      layers[home].batchDraw();
    } else if (effect.do === 'show outline') {
      chrome.showOutline(effect.points, view);
      layers.chrome.batchDraw();
    } else if (effect.do === 'show nothing') {
      live.end(rasterBehind());
      live.node.getLayer()?.batchDraw();
      chrome.showOutline(null, view);
      layers.chrome.batchDraw();
    }
  };
}

/** Follows the element's size; shows the whole frame once, when there is room for the first time. */
function followSize(
  container: HTMLElement,
  resize: (size: { width: number; height: number }) => void,
): () => void {
  let fitted = false;
  const observer = new ResizeObserver(([entry]) => {
    const { width = 0, height = 0 } = entry?.contentRect ?? {};
    const known = useView.getState().stage;
    // Out of sight it has no size, and back in sight the one it had.
    if (width < 2 || height < 2 || (fitted && known.width === width && known.height === height)) return;
    useView.setState({ stage: { width, height } });
    container.dataset['canvasReady'] = 'true';
    resize({ width, height });
    if (!fitted) showWhole(useDocument.getState().timeline.document.frame);
    fitted = true;
  });
  observer.observe(container);
  return () => observer.disconnect();
}
