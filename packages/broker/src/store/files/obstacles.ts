// Moves aside what stands where the store needs a file or a folder: a file where a folder should be, or the reverse.
import { dirname } from 'node:path';
import { systemCode } from '../errors.js';
import type { DirectoryEntry, FileSystem } from './file-system.js';

/** What systems say when a file is where a folder should be, or a folder where a file should be. */
const IN_THE_WAY = new Set(['ENOTDIR', 'EEXIST', 'EISDIR', 'ENOTEMPTY']);

export function isInTheWay(error: unknown): boolean {
  return IN_THE_WAY.has(systemCode(error) ?? '');
}

/**
 * @param path of a file
 * @param depth how many folders above it may be moved, too
 * @returns what was moved, and where to
 */
export function moveObstacles(fileSystem: FileSystem, path: string, depth: number): [from: string, to: string][] {
  const moved: [string, string][] = [];
  const move = (name: string, isFolder: boolean): void => {
    const entries = fileSystem.list(dirname(name));
    const found = entryOf(entries, name);
    if (!found || found.directory === isFolder) return;
    let to = `${name}.damaged`;
    for (let i = 1; entryOf(entries, to); i++) to = `${name}.damaged.${i}`;
    fileSystem.rename(name, to);
    moved.push([name, to]);
  };
  const folders: string[] = [];
  for (let folder = dirname(path); folders.length < depth; folder = dirname(folder)) folders.push(folder);
  for (const folder of folders.toReversed()) move(folder, true);
  move(path, false);
  return moved;
}

function entryOf(entries: readonly DirectoryEntry[], path: string): DirectoryEntry | undefined {
  return entries.find(({ name }) => path.endsWith(`/${name}`));
}
