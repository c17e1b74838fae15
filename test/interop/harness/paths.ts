// Locates folders of the repository, for code that runs from its source (jest) and compiled (bench).
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

function findRoot(from: string): string {
  if (existsSync(join(from, 'lerna.json'))) return from;
  const parent = dirname(from);
  if (parent === from)
    throw new Error(`no lerna.json above ${import.meta.dirname}: this must run inside the repository`);
  return findRoot(parent);
}

export const repositoryRoot = findRoot(import.meta.dirname);
export const javaRoot = join(repositoryRoot, 'test/interop/java');
export const goRoot = join(repositoryRoot, 'test/interop/go');
export const ourBrokerMain = join(repositoryRoot, 'packages/broker/dist/esm/main.js');
export const reaperFile = join(repositoryRoot, 'test/interop/harness/reaper.mjs');
