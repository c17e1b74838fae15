// Waits until a broker has written the offsets of a group.
import { readFileSync, watch } from 'node:fs';
import { join } from 'node:path';

const PATIENCE_MS = 60_000;

/**
 * Offsets are written every half second, so a kill has to wait for them: losing them is allowed, and is no test.
 * @param text that consumerOffset.json has to hold: the name of the group, and more
 */
export function offsetsOnDisk(store: string, text: string | RegExp): Promise<void> {
  const folder = join(store, 'config');
  return new Promise((resolve, reject) => {
    const look = (): void => {
      const written = readFileSync(join(folder, 'consumerOffset.json'), { encoding: 'utf8', flag: 'a+' });
      if (typeof text === 'string' ? !written.includes(text) : !text.test(written)) return;
      watcher.close();
      clearTimeout(limit);
      resolve();
    };
    const watcher = watch(folder, look);
    const limit = setTimeout(() => {
      watcher.close();
      reject(new Error(`${folder}/consumerOffset.json does not hold ${String(text)} after ${PATIENCE_MS} ms`));
    }, PATIENCE_MS);
    look();
  });
}
