/** The import rules of the house, checked: arrows of docs point one way and there is no cycle. */
const rule = (name, from, to, comment) => ({
  name,
  severity: 'error',
  comment,
  from: { path: from },
  to: { path: to },
});
const ORT = 'node_modules/onnxruntime-node';
const SQLITE = 'node_modules/better-sqlite3';
const ELECTRON = 'node_modules/electron';

module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    rule(
      'native-models-is-pure',
      '^native-models',
      `^(main|renderer|preload|${ORT}|${SQLITE}|${ELECTRON})`,
      'graphs know neither the engine nor the app',
    ),
    rule(
      'graph-imports-nothing-of-ours',
      '^native-models/graph',
      '^native-models/(layers|models|weights|lora|training|compile)',
      'the IR stands alone',
    ),
    rule(
      'layers-import-graph-only',
      '^native-models/layers',
      '^native-models/(models|weights|lora|training|compile)',
      '',
    ),
    rule(
      'pipeline-is-pure',
      '^main/pipeline',
      `^(main/(engine|library|jobs|images|serve|cli|app|training)|${ORT}|${SQLITE}|${ELECTRON}|node:fs|node:child_process)`,
      'no I/O, no clock, no engine',
    ),
    rule(
      'only-the-engine-runs-sessions',
      '^(main/(pipeline|library|jobs|images|serve|app|cli)|preload|renderer|native-models)',
      ORT,
      'sessions live in main/engine and main/training',
    ),
    rule(
      'only-the-library-knows-sqlite',
      '^(main/(pipeline|engine|images|cli|training)|preload|renderer|native-models)',
      SQLITE,
      '',
    ),
    rule('images-know-no-engine', '^main/images', '^main/(engine|library|jobs|serve|app|cli|training)', ''),
    rule(
      'nobody-imports-the-services',
      '^(native-models|preload|renderer|main/(engine|pipeline|training|library|jobs|images|cli))',
      '^main/app',
      '',
    ),
    rule('nobody-imports-the-shell', '^(native-models|preload|renderer|main/(?!shell))', '^main/shell', ''),
    rule(
      'only-the-shell-knows-electron',
      '^(native-models|renderer|main/(?!shell)|preload/(?!bridge))',
      'node_modules/electron(-log|-updater)?/',
      'the studio runs without it: serve, cli, tests',
    ),
    rule(
      'preload-imports-no-implementation',
      '^preload',
      '^(main|native-models|renderer)',
      'types may come from main/engine/protocol; code may not',
    ),
    rule(
      'renderer-knows-the-contract-only',
      '^renderer',
      `^(main|native-models|${ELECTRON}|${ORT}|${SQLITE}|node:)`,
      '',
    ),
    rule(
      'document-is-pure',
      '^renderer/document',
      '^(renderer/(canvas|tools|stores|panels|ui|raster|surfaces|client)|node_modules/(react|konva|zustand))',
      '',
    ),
    rule(
      'raster-knows-the-document-only',
      '^renderer/raster',
      '^(renderer/(canvas|tools|stores|panels|ui|surfaces|commands|lifecycle|client)|node_modules/(react|konva|zustand))',
      'it runs in a worker: no page, no stores',
    ),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)(out|dist|test/golden)/' },
    moduleSystems: ['es6'],
    tsPreCompilationDeps: false,
    enhancedResolveOptions: {
      extensions: ['.ts', '.tsx', '.js'],
      conditionNames: ['import', 'node', 'default'],
    },
    parser: 'swc',
  },
};
