// Copies the built packages, so that npm packs them there: its script changes the compiled files for a moment, and others run
// those of the repository meanwhile.
import { cpSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from './paths.js';
import { temporaryFolder } from './temporary.js';

export const LIBRARIES: readonly string[] = ['remoting', 'client', 'broker', 'nest-rocketmq'];
const COPIED = ['packages', 'scripts', 'tsconfig.base.json', 'package.json'];

/** A folder like the repository's root. */
export function clonePackages(): string {
  const clone = temporaryFolder('packages');
  for (const name of COPIED)
    cpSync(join(repositoryRoot, name), join(clone, name), {
      recursive: true,
      filter: (path) => !path.includes('.dist-'),
    });
  symlinkSync(join(repositoryRoot, 'node_modules'), join(clone, 'node_modules'));
  return clone;
}
