// Tests what npm would publish, and so what a user installs. Needs the build.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { cleanUp } from './harness/clean-up.js';
import { LIBRARIES, clonePackages } from './harness/package-clone.js';

const ROOT = join(import.meta.dirname, '../..');
const PACKAGES = join(ROOT, 'packages');
const MOST_INSTALLED_BYTES = 5_000_000;
/** Files of code in one format: all doors, and what they share. */
const MOST_FILES = 12;

interface Packed {
  readonly unpackedSize: number;
  readonly files: readonly { readonly path: string }[];
}

let clone: string;
const packed = new Map<string, Packed>();

/** What npm prints about the packages that it packs, with the script that bundles the code. */
function pack(libraries: readonly string[]): Packed[] {
  const args = ['pack', '--dry-run', '--json', '--foreground-scripts=false', '--loglevel=error'];
  const folders = libraries.map((library) => `./packages/${library}`);
  const output = execFileSync('npm', [...args, ...folders], { cwd: clone, encoding: 'utf8', shell: false });
  return JSON.parse(output) as Packed[];
}

/** The code of a door, of the packages in the folder. */
const codeIn = (folder: string, door = 'remoting/dist/esm/internal.js'): string =>
  readFileSync(join(folder, door), 'utf8');

function runScript(action: 'prepare' | 'restore', library = 'remoting'): void {
  const cwd = join(clone, 'packages', library);
  execFileSync(process.execPath, [join(clone, 'scripts/packed-code.mjs'), action], { cwd, stdio: 'pipe' });
}

beforeAll(() => {
  clone = clonePackages();
  for (const [index, found] of pack(LIBRARIES).entries()) packed.set(LIBRARIES[index]!, found);
}, 300_000);
afterAll(cleanUp);

describe('the packed libraries', () => {
  test('are under 5 MB together once they are installed', () => {
    const bytes = [...packed.values()].reduce((sum, { unpackedSize }) => sum + unpackedSize, 0);
    expect(bytes).toBeLessThan(MOST_INSTALLED_BYTES);
  });

  test.each(LIBRARIES)('%s ships no source map without its source, and no test', (library) => {
    const paths = packed.get(library)!.files.map(({ path }) => path);
    expect(paths).toContain('dist/esm/index.js');
    expect(paths.filter((path) => path.endsWith('.map') || path.includes('.test.'))).toEqual([]);
  });

  test.each(LIBRARIES)('%s ships a few files of code in each format, which boot faster than many', (library) => {
    const paths = packed.get(library)!.files.map(({ path }) => path);
    for (const format of ['esm', 'cjs'])
      expect(paths.filter((path) => path.startsWith(`dist/${format}/`) && path.endsWith('.js')).length).toBeLessThan(
        MOST_FILES,
      );
  });

  test.each(LIBRARIES)('%s ships no compiled file whose source is gone', (library) => {
    const compiled = packed
      .get(library)!
      .files.map(({ path }) => /^dist\/(?:esm|cjs)\/(?!chunks\/)(.*?)(?:\.d)?\.[jt]s$/.exec(path));
    const stale = compiled.filter((match) => match && !existsSync(join(PACKAGES, library, 'src', `${match[1]}.ts`)));
    expect(stale).toEqual([]);
  });

  test('leave the compiled files as they were', () => {
    expect(codeIn(join(clone, 'packages'))).toBe(codeIn(PACKAGES));
  });

  test('are packed from bundled code without comments, and a restore brings the built code back after a kill', () => {
    const folder = join(clone, 'packages');
    runScript('prepare');
    expect(codeIn(folder)).toContain('\n// connection/connection.js\n');
    expect(codeIn(folder)).not.toMatch(/\/\*\*|^\s+\/\/|sourceMappingURL/m);
    expect(() => runScript('prepare')).toThrow('another `npm pack` runs');
    runScript('restore');
    expect(codeIn(folder)).toBe(codeIn(PACKAGES));
    expect(codeIn(folder, 'remoting/dist/esm/connection/connection.js')).toContain('sourceMappingURL');
  });

  test('keep the names of functions and classes that bundling renames', () => {
    runScript('prepare');
    const code = codeIn(join(clone, 'packages'));
    runScript('restore');
    const renamed = [...code.matchAll(/^(?:async )?(?:function |var (?=.* = class))((\w+)\$\d+)\b/gm)];
    expect(renamed.length).toBeGreaterThan(1);
    const unnamed = renamed.filter(
      ([, now, before]) => ![now, 'this'].some((of) => code.includes(`__name(${of}, "${before}")`)),
    );
    expect(unnamed.map(([, now]) => now)).toEqual([]);
  });

  test('load in CommonJS in strict mode, and only CommonJS: what loads later too', () => {
    runScript('prepare', 'nest-rocketmq');
    const code = codeIn(join(clone, 'packages'), 'nest-rocketmq/dist/cjs/chunks/core.js');
    runScript('restore', 'nest-rocketmq');
    expect(code).toMatch(/^"use strict";/);
    expect(code).toContain('require("@nest-rocketmq/broker")');
    expect(code).not.toMatch(/\bimport\(/);
    // Node reads such files faster.
    expect(Buffer.from(code).length).toBe(code.length);
  });

  test("have the broker's errors apart, so that an app on a cluster loads no broker", () => {
    runScript('prepare', 'broker');
    const code = codeIn(join(clone, 'packages'), 'broker/dist/esm/store/errors.js');
    runScript('restore', 'broker');
    expect(code).toContain('class extends StoreError');
    expect(code).not.toContain('chunks/broker.js');
  });
});
