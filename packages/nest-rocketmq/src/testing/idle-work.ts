// Has the app look for what it expects in a database, whenever nothing else is under way in a test.
import type { WatchedWork } from '../backends/embedded-options.js';

/** For one wait of the test: it looks once for each thing that is expected, which may never come. */
export class IdleWork {
  readonly #looked = new Map<WatchedWork, number>();

  constructor(private readonly all: ReadonlySet<WatchedWork>) {}

  /** @returns whether something is being looked for */
  look(): boolean {
    let isLooking = false;
    for (const work of this.all) {
      const { expecting } = work;
      if (expecting <= (this.#looked.get(work) ?? 0)) continue;
      this.#looked.set(work, expecting);
      work.look();
      isLooking = true;
    }
    return isLooking;
  }
}
