// Tests what npm would publish, and so what a user installs. Needs the build.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { cleanUp } from './harness/clean-up.js';
import { LIBRARIES, clonePackages } from './harness/package-clone.js';

const ROOT = join(import.meta.dirname, '../..');
const PACKAGES = join(ROOT, 'packages');
const MOST_INSTALLED_BYTES = 6_000_000;

interface Packed {
  readonly unpackedSize: number;
  readonly files: readonly { readonly path: string }[];
}

let clone: string;
const packed = new Map<string, Packed>();

/** What npm prints about the packages that it packs, with the script that takes the comments out of the code. */
function pack(libraries: readonly string[]): Packed[] {
  const args = ['pack', '--dry-run', '--json', '--foreground-scripts=false', '--loglevel=error'];
  const folders = libraries.map((library) => `./packages/${library}`);
  const output = execFileSync('npm', [...args, ...folders], { cwd: clone, encoding: 'utf8', shell: false });
  return JSON.parse(output) as Packed[];
}

const codeIn = (folder: string): string =>
  readFileSync(join(folder, 'remoting/dist/esm/connection/connection.js'), 'utf8');

function runScript(action: 'prepare' | 'restore'): void {
  const cwd = join(clone, 'packages/remoting');
  execFileSync(process.execPath, [join(clone, 'scripts/packed-code.mjs'), action], { cwd, stdio: 'pipe' });
}

beforeAll(() => {
  clone = clonePackages();
  for (const [index, found] of pack(LIBRARIES).entries()) packed.set(LIBRARIES[index]!, found);
}, 300_000);
afterAll(cleanUp);

describe('the packed libraries', () => {
  test('are under 6 MB together once they are installed', () => {
    const bytes = [...packed.values()].reduce((sum, { unpackedSize }) => sum + unpackedSize, 0);
    expect(bytes).toBeLessThan(MOST_INSTALLED_BYTES);
  });

  test.each(LIBRARIES)('%s ships no source map without its source, and no test', (library) => {
    const paths = packed.get(library)!.files.map(({ path }) => path);
    expect(paths).toContain('dist/esm/index.js');
    expect(paths.filter((path) => path.endsWith('.map') || path.includes('.test.'))).toEqual([]);
  });

  test.each(LIBRARIES)('%s ships no compiled file whose source is gone', (library) => {
    const compiled = packed
      .get(library)!
      .files.map(({ path }) => /^dist\/(?:esm|cjs)\/(.*?)(?:\.d)?\.[jt]s$/.exec(path));
    const stale = compiled.filter((match) => match && !existsSync(join(PACKAGES, library, 'src', `${match[1]}.ts`)));
    expect(stale).toEqual([]);
  });

  test('leave the compiled files as they were', () => {
    expect(codeIn(join(clone, 'packages'))).toBe(codeIn(PACKAGES));
  });

  test('are packed from code without comments, which a restore brings back after a kill', () => {
    runScript('prepare');
    expect(codeIn(join(clone, 'packages'))).not.toMatch(/^\s*\/\//m);
    expect(() => runScript('prepare')).toThrow('another `npm pack` runs');
    runScript('restore');
    expect(codeIn(join(clone, 'packages'))).toBe(codeIn(PACKAGES));
  });
});
