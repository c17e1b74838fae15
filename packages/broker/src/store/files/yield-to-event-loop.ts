// Yields to the event loop during long work: an application that embeds the broker shares its thread.

/** ms of work at a time. */
const SLICE = 5;

/** Resolves when it is this work's turn again; undefined while its time is not up. */
export type Pause = () => Promise<void> | undefined;

/** Measured with the machine's clock: a clock that is turned by hand stands still. */
export function yieldToEventLoop(): Pause {
  let last = performance.now();
  return () => {
    if (performance.now() - last < SLICE) return undefined;
    return new Promise((resolve) =>
      setImmediate(() => {
        last = performance.now();
        resolve();
      }),
    );
  };
}
