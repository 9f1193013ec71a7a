/**
 * Packaging: electron-builder accepts the configuration and packs this platform's app for real, around a stand-in for
 * Electron's binary. What it packed must hold everything the app imports and nothing else, and its engine must run.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire, isBuiltin } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { EngineClient } from '../../main/engine/border/client.ts';
import { launchEngine } from '../../main/engine/border/launch.ts';

const root = join(import.meta.dirname, '..', '..');
const read = (file: string) => readFileSync(join(root, file), 'utf8');
const configuration = parse(read('electron-builder.yml'));
const fromBuilder = createRequire(createRequire(import.meta.url).resolve('electron-builder/package.json'));

describe('electron-builder.yml', () => {
  it("passes electron-builder's own validation, and a wrong key does not", async () => {
    const { validateConfiguration } = fromBuilder('app-builder-lib/out/util/config/config.js');
    const { DebugLogger } = fromBuilder('builder-util');
    const check = (value: unknown) => validateConfiguration(value, new DebugLogger(false));
    await expect(check(structuredClone(configuration))).resolves.not.toThrow();
    await expect(check({ ...configuration, nonsense: 1 })).rejects.toThrow(/nonsense/);
  });

  it('builds AppImage, deb, dmg and nsis, each on its own kind of machine, and opens models and projects', () => {
    const { linux, mac, win, fileAssociations } = configuration;
    expect([...linux.target, ...mac.target, ...win.target]).toEqual(['AppImage', 'deb', 'dmg', 'nsis']);
    const workflow = parse(read('.github/workflows/desktop.yml'));
    expect(workflow.jobs.app.strategy.matrix.os).toHaveLength(5);
    const commands = workflow.jobs.app.steps.map(({ run }: { run?: string }) => run ?? '').join('\n');
    expect(commands).toMatch(/playwright test -c test\/e2e electron/);
    expect(commands).toMatch(/electron-builder --publish never/);
    expect(fileAssociations.map(({ ext }: { ext: string }) => ext)).toEqual(['safetensors', 'emulsion']);
  });

  it("keeps patterns out of the platforms: a platform's own list would pack the whole checkout", () => {
    for (const platform of ['linux', 'mac', 'win'])
      expect(configuration[platform]).not.toHaveProperty('files');
  });
});

// A stand-in for Electron.app or electron.exe would be another test; the file lists are the same on every platform.
describe.skipIf(process.platform !== 'linux')('the packed app (packed on Linux only)', () => {
  const work = mkdtempSync(join(tmpdir(), 'emulsion-pack-'));
  const built = join(root, 'node_modules', '.cache', 'emulsion', 'app');
  const resources = join(
    work,
    'dist',
    `linux${process.arch === 'x64' ? '' : `-${process.arch}`}-unpacked`,
    'resources',
  );
  let packed: readonly string[] = [];
  const has = (pattern: RegExp) => packed.some((file) => pattern.test(file));

  beforeAll(async () => {
    const tool = (name: string, ...args: string[]) =>
      execFileSync(join(root, 'node_modules', '.bin', name), args, { cwd: root, stdio: 'pipe' });
    tool('electron-vite', 'build', '--outDir', built);
    const { build, Platform } = fromBuilder('./out/index.js');
    // In a file: an object would be merged with electron-builder.yml, and its lists doubled.
    const config = join(work, 'electron-builder.yml');
    const files = configuration.files.filter((each: string) => each !== 'out/**');
    const changed = {
      ...configuration,
      electronDist: standIn(join(work, 'electron')),
      directories: { ...configuration.directories, output: join(work, 'dist') },
      files: [{ from: built, to: 'out' }, ...files],
    };
    writeFileSync(config, stringify(changed));
    await build({ projectDir: root, targets: Platform.LINUX.createTarget('dir'), publish: 'never', config });
    const asar = fromBuilder('@electron/asar');
    const archive = join(resources, 'app.asar');
    packed = asar.listPackage(archive).map((file: string) => file.slice(1).replaceAll('\\', '/'));
    asar.extractAll(archive, join(work, 'app'));
  }, 600_000);

  afterAll(() => rmSync(work, { recursive: true, force: true }));

  it('holds the three programs, the window and nothing of the checkout', () => {
    for (const file of [
      'main/main.js',
      'main/engine.js',
      'main/shardWorker.js',
      'preload/bridge.cjs',
      'renderer/index.html',
    ])
      expect(packed).toContain(`out/${file}`);
    const tops = new Set(packed.map((file) => file.split('/')[0]));
    const { author, homepage } = JSON.parse(readFileSync(join(work, 'app', 'package.json'), 'utf8'));
    expect({ author, homepage }).toEqual(configuration.extraMetadata);
    expect([...tops].sort()).toEqual(['node_modules', 'out', 'package.json']);
    expect(has(/node_modules\/(react|konva|vite|typescript|@playwright)\//)).toBe(false);
  });

  it('resolves every import of its programs, and every file they name beside themselves', () => {
    const app = join(work, 'app');
    const programs = globSync('out/{main,preload}/**/*.{js,cjs}', { cwd: app });
    expect(programs.length).toBeGreaterThan(3);
    const named: string[] = [];
    const missing = programs.flatMap((program) => {
      const source = readFileSync(join(app, program), 'utf8');
      const resolve = createRequire(join(app, program)).resolve;
      const imports = [...source.matchAll(/^import\s(?:[^"']*\sfrom\s)?"([^."][^"]*)";$/gm)];
      const required = [...source.matchAll(/\brequire\(["']([^."'][^"']*)["']\)/g)];
      const names = [...imports, ...required].map(([, name]) => name!);
      named.push(...names);
      const absent = names.filter(
        (name) => !isBuiltin(name) && name !== 'electron' && !resolves(resolve, name),
      );
      const beside = [...source.matchAll(/new URL\("(\.[^"]+)", import\.meta\.url\)/g)]
        .map(([, name]) => join(app, program, '..', name!))
        .filter((file) => !existsSync(file));
      return [...absent, ...beside].map((name) => `${program}: ${name}`);
    });
    expect(missing).toEqual([]);
    // The engine finds the threads of its training by the place of its own part.
    const startsThreads = programs.filter((program) =>
      readFileSync(join(app, program), 'utf8').includes('"./shardWorker.js"'),
    );
    expect(startsThreads.map((program) => dirname(program))).toEqual([join('out', 'main')]);
    expect(named).toEqual(
      expect.arrayContaining(['electron', 'better-sqlite3', 'onnxruntime-node', 'sharp']),
    );
  });

  it('keeps the native modules beside the archive, for this platform alone', () => {
    const own = `${process.platform}/${process.arch}`;
    const native = globSync('app.asar.unpacked/**/*.node', { cwd: resources });
    expect(
      native.map((file) => file.split('/node_modules/')[1]!.split('/').slice(0, 2).join('/')).sort(),
    ).toEqual([
      `@img/sharp-${process.platform}-${process.arch}`,
      'better-sqlite3/prebuilds',
      'onnxruntime-node/bin',
    ]);
    expect(
      packed.filter((file) => /\.(node|so|dylib|dll)(\.\d+)*$/.test(file) && /darwin|win32|musl/.test(file)),
    ).toEqual([]);
    expect(has(new RegExp(`onnxruntime-node/bin/[^/]+/${own}/libonnxruntime`))).toBe(true);
  });

  it('brings the starter models, outside the archive', () => {
    expect(existsSync(join(resources, 'starter', 'little-world.safetensors'))).toBe(true);
    expect(existsSync(join(resources, 'starter', 'CARD.md'))).toBe(true);
  });

  it('runs its engine on its starter', async () => {
    const engine = new EngineClient(() => launchEngine(join(work, 'app', 'out', 'main', 'engine.js')), {
      ...{ memory: 'normal', device: 'cpu', threads: 0, previews: false, cacheDir: join(work, 'cache') },
    });
    const model = join(resources, 'starter', 'little-world.safetensors');
    const result = await engine.run({ kind: 'embed', model, images: [], texts: ['a red boat'] });
    await engine.dispose();
    expect(result).toMatchObject({ kind: 'embeddings', texts: [expect.any(Float32Array)] });
  });
});

function resolves(resolve: NodeJS.RequireResolve, name: string): boolean {
  try {
    resolve(name);
    return true;
  } catch {
    return false;
  }
}

/** A folder that electron-builder takes for an unpacked Electron; nothing in it runs. */
function standIn(folder: string): string {
  mkdirSync(join(folder, 'resources'), { recursive: true });
  mkdirSync(join(folder, 'locales'));
  for (const name of ['electron', 'LICENSE', 'LICENSES.chromium.html', 'version', 'icudtl.dat'])
    writeFileSync(join(folder, name), name, { mode: 0o755 });
  return folder;
}
