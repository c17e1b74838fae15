// Brings back a package's built `dist`, which packing replaces for a moment. Stands apart because a clone that is not
// installed yet runs it too, and has no bundler.
import { existsSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/** Beside `dist`, so that npm packs neither. */
export const BUILT = '.dist-built';
export const PACKED = '.dist-packed';

/**
 * Does nothing where there is nothing to bring back.
 * @param {string} folder of the package
 */
export function restore(folder) {
  const [dist, built, packed] = ['dist', BUILT, PACKED].map((name) => join(folder, name));
  rmSync(packed, { recursive: true, force: true });
  if (!existsSync(built)) return;
  rmSync(dist, { recursive: true, force: true });
  renameSync(built, dist);
}
