// Runs asynchronous work on many items, a few at a time.

/** Resolves when all are done. Rejects with the first failure, when what was under way then has ended. */
export async function forEachLimit<T>(
  things: Iterable<T>,
  most: number,
  work: (thing: T) => Promise<void>,
): Promise<void> {
  const left = things[Symbol.iterator]();
  let failed = false;
  let failure: unknown;
  const worker = async (): Promise<void> => {
    for (let next = left.next(); !next.done && !failed; next = left.next()) {
      try {
        await work(next.value);
      } catch (error) {
        if (!failed) failure = error;
        failed = true;
      }
    }
  };
  await Promise.all(Array.from({ length: most }, worker));
  if (failed) throw failure;
}
