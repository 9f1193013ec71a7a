/** The Konva stage: hears the stores, pushes what they say to its nodes, and is never asked anything. */
import Konva from 'konva';
import type { View } from '../document/geometry.ts';
import { shownCandidate, useCandidates } from '../stores/candidates.ts';
import { useDocument } from '../stores/document.ts';
import { useQueue } from '../stores/queue.ts';
import { currentTarget, showWhole, useView } from '../stores/view.ts';
import { onPicture } from '../surfaces/pictures.ts';
import type { Effect } from '../tools/tool.ts';
import { chromeView } from './chromeView.ts';
import { inkView } from './inkView.ts';
import { layersView } from './layersView.ts';
import { liveStrokeView } from './liveStroke.ts';
import { listenToPointer } from './pointer.ts';
import { runningPreview, shownBlend } from './results.ts';
import { resultView } from './resultView.ts';

/** Bitmaps and strokes are drawn at the screen's own resolution, at most twice the CSS size. */
const RATIO = Math.min(globalThis.devicePixelRatio ?? 1, 2);
/** From this zoom on, pixels are shown as squares. */
const SHARP_FROM = 2;

Konva.pixelRatio = RATIO;
Konva.autoDrawEnabled = false;

type Named<Name extends string, Node> = Readonly<Record<Name, Node>>;

/** Konva layers back to front; `world` groups are in document pixels, `screen` groups in CSS pixels. */
interface Nodes {
  readonly layers: Named<'below' | 'active' | 'above' | 'ink' | 'chrome', Konva.Layer>;
  readonly world: Named<'below' | 'active' | 'above' | 'ink', Konva.Group>;
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
  const chrome = chromeView(nodes.screen.chrome);
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
  });
  push();
  const stops = [
    useDocument.subscribe(push),
    useView.subscribe(push),
    useCandidates.subscribe(push),
    useQueue.subscribe((state, before) => {
      if (state.progress !== before.progress || state.steps !== before.steps) push();
    }),
    onPicture(push),
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
  const layers = { below: layer(), active: layer(), above: layer(), ink: layer(), chrome: layer() };
  const world = { below: group(), active: group(), above: group(), ink: group() };
  const screen = { active: group(), ink: group(), chrome: group() };
  for (const each of Object.values(layers)) stage.add(each);
  for (const name of ['below', 'active', 'above', 'ink'] as const) layers[name].add(world[name]);
  for (const name of ['active', 'ink', 'chrome'] as const) layers[name].add(screen[name]);
  return { layers, world, screen };
}

/** The function that pushes the stores' state to the nodes. */
function pusher(
  container: HTMLElement,
  { layers, world }: Nodes,
  chrome: ReturnType<typeof chromeView>,
  frameLabel: (width: number, height: number) => string,
): () => void {
  const aboveLayers = new Konva.Group();
  const results = new Konva.Group();
  world.above.add(aboveLayers, results);
  const pictures = layersView({ below: world.below, active: world.active, above: aboveLayers });
  const result = resultView(results, () => layers.above.batchDraw());
  const ink = inkView(world.ink);
  const blend = shownBlend(ink.maskOf, () => push());
  const push = () => {
    const { document } = useDocument.getState().timeline;
    const state = useView.getState();
    const candidate = shownCandidate(useCandidates.getState());
    const preview = runningPreview(useQueue.getState(), document, state.scrubbed);
    const showsResult = candidate !== null || preview !== null;
    transform(layers, world, state.view);
    pictures.show(document, state.mode === 'edit');
    result.show(candidate, preview, blend.current(candidate));
    ink.show({
      document,
      what: inkOf(state, showsResult),
      outlineOnly: showsResult,
      latentGrid: state.latentGrid,
      view: state.view,
    });
    chrome.show({
      frame: document.frame,
      view: state.view,
      stage: state.stage,
      handles: state.tool === 'frame' && state.mode !== 'create',
      frameShown: state.mode !== 'create' || !showsResult,
      label: frameLabel(document.frame.width, document.frame.height),
      accent: token(container, '--accent'),
      shade: Number(token(container, '--shade')),
    });
    for (const layer of Object.values(layers)) layer.batchDraw();
  };
  return push;
}

const token = (element: HTMLElement, name: string): string =>
  getComputedStyle(element).getPropertyValue(name).trim();

type ViewState = ReturnType<typeof useView.getState>;
function inkOf({ mode, maskShown }: ViewState, showsResult: boolean): 'mask' | 'sketch' | 'nothing' {
  if (mode === 'sketch') return showsResult ? 'nothing' : 'sketch';
  return mode === 'edit' && maskShown ? 'mask' : 'nothing';
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
      live.hide();
      chrome.showOutline(null, view);
      for (const layer of Object.values(layers)) layer.batchDraw();
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
    if (width < 2 || height < 2) return;
    resize({ width, height });
    useView.setState({ stage: { width, height } });
    if (!fitted) showWhole(useDocument.getState().timeline.document.frame);
    fitted = true;
    container.dataset['canvasReady'] = 'true';
  });
  observer.observe(container);
  return () => observer.disconnect();
}
