// Counts what a process holds open, and collects what must not happen in it.

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** What the process holds, garbage not counted. */
function heldMemory(): NodeJS.MemoryUsage {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  collect();
  return process.memoryUsage();
}

/** Bytes of the heap that are in use. */
export const usedHeap = (): number => heldMemory().heapUsed;

/** Bytes of buffers that are in use. */
export const usedBuffers = (): number => heldMemory().arrayBuffers;

/** Sockets and listening servers. */
export function openSockets(): number {
  return process.getActiveResourcesInfo().filter((name) => /^(TCP|Pipe)/.test(name)).length;
}

/** The kernel tells of the other end a moment after it was closed: on a busy machine, after many turns of the event loop. ms */
const CLOSED_AFTER_MS = 20_000;

/** Waits until no more sockets are open than so many, for a while. @returns how many are */
export async function openSocketsAbove(most: number): Promise<number> {
  const end = performance.now() + CLOSED_AFTER_MS;
  while (openSockets() > most && performance.now() < end) await new Promise(setImmediate);
  return Math.max(0, openSockets() - most);
}

/** Timers of Node's own. */
export function openTimers(): number {
  return process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
}

/** Collects rejections that nobody handles, and warnings of too many listeners. */
export class Misdeeds {
  readonly found: string[] = [];
  readonly #onRejection = (reason: unknown): void => void this.found.push(`unhandled rejection: ${String(reason)}`);
  readonly #onWarning = (warning: Error): void => {
    if (warning.name === 'MaxListenersExceededWarning') this.found.push(warning.message);
  };

  constructor() {
    process.on('unhandledRejection', this.#onRejection);
    process.on('warning', this.#onWarning);
  }

  stop(): void {
    process.off('unhandledRejection', this.#onRejection);
    process.off('warning', this.#onWarning);
  }
}
