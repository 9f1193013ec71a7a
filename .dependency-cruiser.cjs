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
/** What the window talks to, over the contract or over HTTP, and the rooms of SQLite behind it. */
const SERVICES = 'storage|library|history|projects|jobs|network|files';
const FRONTS = 'app|serve|compat|cli|shell';
/** The rooms of main/engine, the lowest first, and those that each may import. */
const ENGINE_ROOMS = {
  border: [],
  runtime: ['border'],
  devices: ['border', 'runtime'],
  weights: ['border'],
  networks: ['border', 'runtime', 'devices', 'weights'],
  conditions: ['border', 'runtime', 'weights', 'networks'],
  loading: ['border', 'runtime', 'devices', 'weights', 'networks', 'conditions'],
  jobs: ['border', 'runtime', 'devices', 'weights', 'networks', 'conditions', 'loading'],
};

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
      '^native-models/(?!graph/)',
      'the IR stands alone',
    ),
    rule('layers-import-graph-only', '^native-models/layers', '^native-models/(?!(graph|layers)/)', ''),
    rule('models-know-no-weights', '^native-models/models', '^native-models/(?!(graph|layers|models)/)', ''),
    rule(
      'weights-build-no-graphs',
      '^native-models/(weights|torch)',
      '^native-models/(inspect|lora|training|compile|models/(?!configs|parameters))',
      'they give parameters to whatever asks by name',
    ),
    rule(
      'files-are-told-apart-without-graphs',
      '^native-models/inspect',
      '^native-models/(graph|layers|lora|training|compile|models/(?!configs))',
      'names and shapes say what a file is',
    ),
    rule(
      'pipeline-is-pure',
      '^main/pipeline',
      `^(main/(?!pipeline/)|native-models/(?!models/configs)|${ORT}|${SQLITE}|${ELECTRON}|(node:)?(fs|child_process))`,
      'no I/O, no clock, no engine',
    ),
    rule('images-know-no-engine', '^main/images', '^main/(?!(images|pipeline)/)', ''),
    rule(
      'the-engine-is-handed-its-files',
      '^main/(engine|workflow|training)',
      `^main/(${SERVICES}|${FRONTS})/`,
      'paths and settings come with the job; nothing that matters lives in its process',
    ),
    ...Object.entries(ENGINE_ROOMS).map(([room, below]) =>
      rule(
        `engine-${room}-looks-down-only`,
        `^main/engine/${room}/`,
        `^main/engine/(?!(${[room, ...below].join('|')})/)`,
        'the rooms of the engine are layers',
      ),
    ),
    rule(
      'nobody-imports-the-engines-process',
      '^(native-models|preload|renderer|main/(?!engine/(process|work)\\.ts))',
      '^main/engine/(process|work)\\.ts',
      'it is started, not imported',
    ),
    rule(
      'the-engines-border-is-light',
      '^main/engine/border/',
      `^(native-models|main/(?!engine/border/)|${ORT})`,
      'the parent loads it: what is said, and its own side',
    ),
    rule('the-engines-weights-run-nothing', '^main/engine/weights/', ORT, ''),
    rule(
      'the-parent-knows-the-engines-border',
      `^main/(${SERVICES}|${FRONTS})/`,
      '^main/engine/(?!(border/|devices/memory\\.ts|weights/cacheFolder\\.ts))',
      'beside two rules both sides go by: what fits into memory, what the cache folder may hold',
    ),
    rule(
      'nobody-imports-the-starters-trainers',
      '^(native-models|preload|renderer|main/(?!training/starter/))',
      '^main/training/starter/',
      '',
    ),
    rule('the-little-world-stands-alone', '^main/training/world', '^main/(?!training/(world/|random))', ''),
    rule(
      'services-know-no-front',
      `^main/(${SERVICES})`,
      `^main/(workflow|training|${FRONTS})/`,
      'jobs reach the engine through its client',
    ),
    rule('storage-stands-alone', '^main/storage', '^main/(?!storage/)', ''),
    rule(
      'services-know-no-transport',
      '^main/app',
      '^main/(serve|compat|cli|workflow|training)/',
      'the contract, not how it is carried',
    ),
    rule(
      'the-shell-opens-no-port',
      '^main/shell',
      '^main/(serve|compat|cli)/',
      'what window and browser share lies in main/app and main/files',
    ),
    rule(
      'the-server-is-started-by-others',
      '^main/serve',
      '^main/(cli|shell)/',
      'it carries the contract and main/compat',
    ),
    rule(
      'compat-is-carried-by-the-server',
      '^main/compat',
      '^main/(serve|cli|shell)/',
      'foreign interfaces over the services, whoever answers the port',
    ),
    rule(
      'commands-know-no-services',
      '^main/cli',
      '^main/app/',
      '`emulsion serve` starts them through main/serve',
    ),
    rule(
      'only-the-engine-runs-sessions',
      '^(main/(?!(engine|training)/)|preload|renderer|native-models)',
      ORT,
      'sessions live in main/engine and main/training',
    ),
    rule('only-the-storage-opens-sqlite', '^(main/(?!storage/)|preload|renderer|native-models)', SQLITE, ''),
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
      'types may come from main/engine/border/protocol; code may not',
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
      '^(renderer/(?!document/)|node_modules/(react|konva|zustand))',
      '',
    ),
    rule(
      'raster-knows-the-document-only',
      '^renderer/raster',
      '^(renderer/(?!(document|raster)/)|node_modules/(react|konva|zustand))',
      'it runs in a worker: no page, no stores',
    ),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(out|dist|test/golden)/' },
    moduleSystems: ['es6'],
    tsPreCompilationDeps: false,
    enhancedResolveOptions: {
      extensions: ['.ts', '.tsx', '.js'],
      conditionNames: ['import', 'node', 'default'],
    },
    parser: 'swc',
  },
};
