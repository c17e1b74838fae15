// Counts what a process holds open, and collects what must not happen in it.

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Bytes of the heap that are in use, garbage not counted. */
export function usedHeap(): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  collect();
  return process.memoryUsage().heapUsed;
}

/** Sockets and listening servers. */
export function openSockets(): number {
  return process.getActiveResourcesInfo().filter((name) => /^(TCP|Pipe)/.test(name)).length;
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
