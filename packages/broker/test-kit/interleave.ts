// Runs several processes on the same files with one file call at a time, in an order that a seed decides.
import type { FileSystem, StoreFile } from '../src/store/files/file-system.js';
import type { MemoryFileSystem } from '../src/store/files/memory-file-system.js';

/** Numbers in [0, 1) that depend on the seed alone (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Thrown by each file call of a process that has died. */
export class Died extends Error {}

/** The files as one process sees them. `beforeCall` is awaited before each call, and throws if the process has died. */
export function filesOfProcess(files: MemoryFileSystem, beforeCall: () => Promise<void>): FileSystem {
  const openStores = new Set<string>();
  const wrap = <T extends object>(target: T): T =>
    new Proxy(target, {
      get: (_target, name) => {
        if (name === 'openStores') return openStores;
        const member = target[name as keyof T];
        if (typeof member !== 'function') return member;
        const call = (args: unknown[]): unknown => (member as (...given: unknown[]) => unknown).apply(target, args);
        if (name === 'openSync') return (...args: unknown[]) => wrap(call(args) as StoreFile);
        if (String(name).endsWith('Sync')) return (...args: unknown[]) => call(args);
        return async (...args: unknown[]) => {
          await beforeCall();
          const result = await call(args);
          return name === 'open' ? wrap(result as StoreFile) : result;
        };
      },
    });
  return wrap<FileSystem>(files);
}

/** Runs all of the tasks, each of which awaits its turn before each call. */
export async function interleave(
  random: () => number,
  tasks: ((turn: () => Promise<void>) => Promise<void>)[],
): Promise<void> {
  const waiting: (() => void)[] = [];
  let running = tasks.length;
  const next = (): void => {
    if (running === 0 || waiting.length < running) return;
    const [go] = waiting.splice(Math.floor(random() * waiting.length), 1);
    go?.();
  };
  const turn = (): Promise<void> =>
    new Promise((resolve) => {
      waiting.push(resolve);
      next();
    });
  const ended = (): void => {
    running--;
    next();
  };
  await Promise.all(tasks.map((task) => task(turn).finally(ended)));
}
