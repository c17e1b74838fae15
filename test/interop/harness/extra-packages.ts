// Installs packages that are too large for a development dependency in a folder of their own.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { repositoryRoot } from './paths.js';

export interface ExtraPackages {
  readonly folder: string;
  /** Loads one of them, or a file of the folder. */
  readonly load: NodeJS.Require;
}

/**
 * Once for a clone: the folder is kept until the dependencies are installed anew.
 * @param name of the folder; it says which versions @param packages 'name@version'
 * @param finish what is left to do in a new folder
 */
export function extraPackages(
  name: string,
  packages: readonly string[],
  finish: (folder: string) => void = () => undefined,
): ExtraPackages {
  const folder = join(repositoryRoot, 'node_modules/.cache', name);
  const load = createRequire(join(folder, 'package.json'));
  const done = join(folder, 'installed');
  if (existsSync(done)) return { folder, load };
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'extra-packages', private: true }));
  const args = ['install', '--no-audit', '--no-fund', '--loglevel=error', ...packages];
  execFileSync('npm', args, { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] });
  finish(folder);
  writeFileSync(done, '');
  return { folder, load };
}
