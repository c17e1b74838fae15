// Removes compiled files whose source is gone: the compiler leaves them behind, and npm would pack them.
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const OUTPUT = /\.(?:js|d\.ts)(?:\.map)?$/;

/** @param {string} library folder of a package with `src`, `dist/esm` and `dist/cjs` */
export function removeStaleOutput(library) {
  for (const format of ['esm', 'cjs']) {
    const output = join(library, 'dist', format);
    if (!existsSync(output)) continue;
    for (const file of readdirSync(output, { recursive: true })) {
      if (!OUTPUT.test(file)) continue;
      if (!existsSync(join(library, 'src', file.replace(OUTPUT, '.ts')))) rmSync(join(output, file));
    }
  }
}
