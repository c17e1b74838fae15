// Runs several tasks with one step at a time, in an order that a seed decides.

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
