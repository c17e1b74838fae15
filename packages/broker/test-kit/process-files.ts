// Shows files in memory to several processes, each of which may die at any call.
import type { FileSystem, StoreFile } from '../src/store/files/file-system.js';
import type { MemoryFileSystem } from '../src/store/files/memory-file-system.js';

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
