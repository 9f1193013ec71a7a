/** Packaging: electron-builder accepts the configuration, and everything that the app imports is packed. */
import { globSync, readFileSync } from 'node:fs';
import { builtinModules, createRequire } from 'node:module';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';

const root = join(import.meta.dirname, '..', '..');
const read = (file: string) => readFileSync(join(root, file), 'utf8');
const configuration = parse(read('electron-builder.yml'));

describe('electron-builder.yml', () => {
  it("passes electron-builder's own validation, and a wrong key does not", async () => {
    const fromBuilder = createRequire(
      createRequire(import.meta.url).resolve('electron-builder/package.json'),
    );
    const { validateConfiguration } = fromBuilder('app-builder-lib/out/util/config/config.js');
    const { DebugLogger } = fromBuilder('builder-util');
    const check = (value: unknown) => validateConfiguration(value, new DebugLogger(false));
    await expect(check(structuredClone(configuration))).resolves.not.toThrow();
    await expect(check({ ...configuration, nonsense: 1 })).rejects.toThrow(/nonsense/);
  });

  it('unpacks what is native, keeps only the own platform of onnxruntime, and ships the starter', () => {
    for (const name of ['onnxruntime-node', 'better-sqlite3', 'sharp', '@img'])
      expect(
        configuration.asarUnpack.some((pattern: string) => pattern.includes(name)),
        name,
      ).toBe(true);
    const others = { linux: ['darwin', 'win32'], mac: ['linux', 'win32'], win: ['darwin', 'linux'] };
    for (const [platform, foreign] of Object.entries(others))
      for (const name of foreign)
        expect(configuration[platform].files.join(' ')).toMatch(new RegExp(`bin/\\*/\\{[^}]*${name}`));
    expect(configuration.extraResources).toContainEqual(expect.objectContaining({ from: 'starter' }));
    expect(configuration.fileAssociations.map(({ ext }: { ext: string }) => ext)).toEqual([
      'safetensors',
      'emulsion',
    ]);
  });
});

describe('dependencies', () => {
  it('hold every package that the main process, the engine and the graphs import', () => {
    const packed = new Set(Object.keys(JSON.parse(read('package.json')).dependencies));
    const sources = globSync(['main/**/*.ts', 'native-models/**/*.ts', 'preload/**/*.ts'], { cwd: root });
    const imported = sources.flatMap((file) =>
      [...read(file).matchAll(/^(?:import|export) (?!type )[^;]*?from '([^.'][^']*)'/gm)].map(
        ([, name]) => name!,
      ),
    );
    const packages = new Set(
      imported.map((name) =>
        name
          .split('/')
          .slice(0, name.startsWith('@') ? 2 : 1)
          .join('/'),
      ),
    );
    const missing = [...packages].filter(
      (name) =>
        !packed.has(name) &&
        !name.startsWith('node:') &&
        !builtinModules.includes(name) &&
        name !== 'electron',
    );
    expect(packages.size).toBeGreaterThan(8);
    expect(missing).toEqual([]);
  });
});
