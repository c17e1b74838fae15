// Tests what npm would publish, and so what a user installs. Needs the build.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';

const PACKAGES = join(import.meta.dirname, '../../packages');
const LIBRARIES = ['remoting', 'client', 'broker', 'nest-rocketmq'];
const MOST_INSTALLED_BYTES = 4_000_000;

interface Packed {
  readonly unpackedSize: number;
  readonly files: readonly { readonly path: string }[];
}

/** What npm prints about a package that it packs, with the script that takes the comments out of the code. */
function pack(library: string): Packed {
  const args = ['pack', '--dry-run', '--json', '--foreground-scripts=false', '--loglevel=error'];
  const output = execFileSync('npm', args, { cwd: join(PACKAGES, library), encoding: 'utf8', shell: false });
  return (JSON.parse(output) as Packed[])[0]!;
}

const packed = new Map<string, Packed>();

beforeAll(() => {
  for (const library of LIBRARIES) packed.set(library, pack(library));
}, 60_000);

describe('the packed libraries', () => {
  test('are under 4 MB together once they are installed', () => {
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
});
