// Lists the files of a folder of segments, and those whose size is not the expected one.
import type { FileSystem } from './file-system.js';
import { segmentStart } from './segment.js';

export interface SegmentFolder {
  /** Where each file begins, ascending. */
  starts: number[];
  /** Files with the name of a segment that are taken for none. */
  misfits: string[];
  /** Files of another size, where that is damage. */
  damaged: { start: number; size: number }[];
}

export interface SegmentSizes {
  fileSize: number;
  /** Whether a file that is shorter is damaged, and not of a store with other sizes. One of the right size says so, too. */
  mend: boolean;
  /** Whether a longer one is damaged, too. */
  shorten: boolean;
}

/** Other names are left alone. */
export async function findSegments(
  fileSystem: FileSystem,
  directory: string,
  { fileSize, mend, shorten }: SegmentSizes,
): Promise<SegmentFolder> {
  const sizes = new Map<number, { name: string; size: number }>();
  for (const { name, directory: isFolder } of await fileSystem.list(directory)) {
    const start = isFolder ? undefined : segmentStart(name);
    if (start === undefined) continue;
    const size = (await fileSystem.stat(`${directory}/${name}`))?.size ?? 0;
    // A crash between making a file and giving it its size leaves it empty.
    if (size === 0) await fileSystem.remove(`${directory}/${name}`);
    else sizes.set(start, { name, size });
  }
  const shortIsDamaged = mend || [...sizes.values()].some(({ size }) => size === fileSize);
  const found: SegmentFolder = { starts: [], misfits: [], damaged: [] };
  for (const [start, { name, size }] of sizes) {
    const fits = size === fileSize || (size < fileSize ? shortIsDamaged : shorten);
    if (start % fileSize !== 0 || !fits) found.misfits.push(name);
    else found.starts.push(start);
    if (size !== fileSize) found.damaged.push({ start, size });
  }
  return found;
}
