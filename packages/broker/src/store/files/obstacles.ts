// Renames what stands where the store needs a file or a folder: a file where a folder should be, or the reverse.
import { dirname } from 'node:path';
import { systemCode } from '../errors.js';
import type { DirectoryEntry, FileSystem } from './file-system.js';

/** What systems say when a file is where a folder should be, or a folder where a file should be. */
const OBSTACLE_CODES = new Set(['ENOTDIR', 'EEXIST', 'EISDIR', 'ENOTEMPTY']);

export function isObstacle(error: unknown): boolean {
  return OBSTACLE_CODES.has(systemCode(error) ?? '');
}

/**
 * @param path of a file
 * @param depth how many folders above it may be renamed, too
 * @returns what was renamed, and its new name
 */
export async function renameObstacles(
  fileSystem: FileSystem,
  path: string,
  depth: number,
): Promise<[from: string, to: string][]> {
  const renamed: [string, string][] = [];
  const rename = async (name: string, isFolder: boolean): Promise<void> => {
    const entries = await fileSystem.list(dirname(name));
    const found = entryOf(entries, name);
    if (!found || found.directory === isFolder) return;
    let to = `${name}.damaged`;
    for (let i = 1; entryOf(entries, to); i++) to = `${name}.damaged.${i}`;
    await fileSystem.rename(name, to);
    renamed.push([name, to]);
  };
  const folders: string[] = [];
  for (let folder = dirname(path); folders.length < depth; folder = dirname(folder)) folders.push(folder);
  for (const folder of folders.toReversed()) await rename(folder, true);
  await rename(path, false);
  return renamed;
}

function entryOf(entries: readonly DirectoryEntry[], path: string): DirectoryEntry | undefined {
  return entries.find(({ name }) => path.endsWith(`/${name}`));
}
