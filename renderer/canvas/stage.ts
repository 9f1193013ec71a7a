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
import { followDocument, onRaster, type RasterView, rasterBehind, rasterView } from '../surfaces/raster.ts';
import type { Effect, LiveStroke, Target } from '../tools/tool.ts';
import { type ChromeState, chromeView } from './chromeView.ts';
import { type InkState, inkView, MASK_OPACITY } from './inkView.ts';
import { type LayerStack, layerStack } from './layerStack.ts';
import { layersView } from './layersView.ts';
import { liveStrokeView } from './liveStroke.ts';
import { listenToPointer } from './pointer.ts';
import { runningPreview } from './preview.ts';
import { shownBlend } from './reblend.ts';
import { resultView } from './resultView.ts';

/** Bitmaps and strokes are drawn at the screen's own resolution, at most twice the CSS size. */
const RATIO = Math.min(globalThis.devicePixelRatio ?? 1, 2);

Konva.pixelRatio = RATIO;
Konva.autoDrawEnabled = false;

/** Builds the canvas inside an element; returns how to take it down. */
export function mountStage(
  container: HTMLDivElement,
  frameLabel: (width: number, height: number) => string,
): () => void {
  const stage = new Konva.Stage({ container, width: 1, height: 1 });
  const stack = layerStack(stage);
  const live = liveStrokeView(RATIO);
  const ink = inkView(stack.world.ink);
  const stroke = strokeOn(stack, ink.stroke, live);
  const chrome = chromeView(stack.screen.chrome, () => stack.draw('chrome'));
  const push = pusher(container, stack, ink, chrome, frameLabel);
  const stopPointer = listenToPointer(container, effectsOn(stack, stroke, chrome), (at, cursor) => {
    const { view, brushes } = useView.getState();
    const radius = (brushes[currentTarget(useView.getState())].size / 2) * view.zoom;
    chrome.showRing(cursor === 'ring' ? at : null, radius);
    stack.draw('chrome');
  });
  const stopResize = followSize(container, (size) => {
    stage.size(size);
    live.resize(size);
    push();
  });
  const stops = [
    useDocument.subscribe(push),
    useView.subscribe((state, before) => {
      push();
      if (state.view !== before.view) stroke.settle();
    }),
    useCandidates.subscribe(push),
    useTheme.subscribe(push),
    useHint.subscribe(push),
    useQueue.subscribe((state, before) => {
      if (state.progress !== before.progress || state.steps !== before.steps) push();
    }),
    onPicture(push),
    onRaster((news) => (news === 'settled' ? stroke.settle() : push())),
    stopPointer,
    stopResize,
    () => stage.destroy(),
  ];
  void document.fonts.ready.then(push);
  return () => {
    for (const stop of stops) stop();
  };
}

/** The function that pushes the stores' state to the nodes; a Konva layer is drawn only when something in it changed. */
function pusher(
  container: HTMLElement,
  stack: LayerStack,
  ink: ReturnType<typeof inkView>,
  chrome: ReturnType<typeof chromeView>,
  frameLabel: (width: number, height: number) => string,
): () => void {
  let arrived = 0;
  const pictures = layersView(stack, () => {
    arrived++;
    push();
  });
  const result = resultView(stack.world.result, () => stack.draw('result'));
  const blend = shownBlend(() => push());
  const changed = changes();
  const colours = coloursOf(container);
  const pushPictures = (document: StudioDocument, raster: RasterView, place: readonly number[]) => {
    const { layers, activeLayer } = document;
    if (changed('pictures', layers, activeLayer, raster, picturesLoaded(), arrived, ...place))
      pictures.show(document, raster, useView.getState().view.zoom * RATIO, place);
    else pictures.showAgain();
  };
  const push = () => {
    const { document } = useDocument.getState().timeline;
    const state = useView.getState();
    const { view, stage, mode } = state;
    // Nothing is drawn that has no size yet, or that is out of sight.
    if (container.dataset['canvasReady'] === undefined || !isCanvasMode(mode)) return;
    followDocument(document, state.latentGrid && mode === 'edit');
    const raster = rasterView();
    const candidate = shownCandidate(useCandidates.getState());
    const preview = runningPreview(useQueue.getState(), document, state.scrubbed);
    const showsResult = candidate !== null || preview !== null;
    const place = [view.zoom, view.x, view.y, stage.width, stage.height];
    const moved = changed('view', ...place);
    if (moved) stack.look(view);
    if (mode === 'edit') pushPictures(document, raster, place);
    else pictures.hide();
    const blended = blend.current(candidate);
    stack.show('result', showsResult);
    if (changed('result', candidate, preview?.url, blended, picturesLoaded()) || moved) {
      result.show(candidate, preview, blended, view.zoom * RATIO);
      stack.draw('result');
    }
    const inkState = { frame: document.frame, zoom: view.zoom, ...inkOf(state, document, showsResult) };
    stack.show('ink', mode !== 'create');
    if (changed('ink', ...Object.values(inkState), raster) || moved) {
      ink.show(inkState, raster);
      stack.draw('ink');
    }
    const framed = { ...chromeOf(document, state, showsResult, frameLabel), ...colours() };
    if (changed('chrome', ...Object.values(framed))) {
      chrome.show(framed);
      stack.draw('chrome');
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

/** The running stroke right on what it changes: the active layer, the mask or the sketch. */
function strokeOn(
  { screen, draw }: LayerStack,
  ink: ReturnType<typeof inkView>['stroke'],
  live: ReturnType<typeof liveStrokeView>,
) {
  const grounds = { layer: screen.active, ...ink } satisfies Record<Target, Konva.Group>;
  let home: 'active' | 'ink' = 'ink';
  grounds.mask.add(live.node);
  return {
    show(stroke: LiveStroke, view: View): void {
      const ground = grounds[stroke.target];
      home = stroke.target === 'layer' ? 'active' : 'ink';
      if (live.node.getParent() !== ground) live.node.moveTo(ground);
      live.show(stroke, view, stroke.target === 'mask' ? MASK_OPACITY : stroke.layerOpacity);
      draw(home);
    },
    end(): void {
      live.end(rasterBehind());
      draw(home);
    },
    settle(): void {
      live.settle();
      draw(home);
    },
  };
}

/** Shows what tools ask to see: the running stroke, an outline, nothing. */
function effectsOn(
  { draw }: LayerStack,
  stroke: ReturnType<typeof strokeOn>,
  chrome: ReturnType<typeof chromeView>,
): (effect: Effect) => void {
  return (effect) => {
    const { view } = useView.getState();
    if (effect.do === 'show stroke') stroke.show(effect.live, view);
    else if (effect.do === 'show outline') {
      chrome.showOutline(effect.points, view);
      draw('chrome');
    } else if (effect.do === 'show nothing') {
      stroke.end();
      chrome.showOutline(null, view);
      draw('chrome');
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
