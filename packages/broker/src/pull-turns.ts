// Owns when a pull is served: behind the sends that came with it, and few in one turn of the event loop, so that a
// send never waits for all who read. Leaves serving to handlers/pull.ts.

/** ms of serving in one turn, which is some 15 pulls of 32 messages. Without a limit, 100 pulls at once kept sends waiting 16 ms. */
const TURN = 1;

export class PullTurns {
  readonly #waiting: (() => void)[] = [];

  /** @param serve does not throw */
  take(serve: () => void): void {
    this.#waiting.push(serve);
    if (this.#waiting.length === 1) setImmediate(this.#serve);
  }

  readonly #serve = (): void => {
    const end = performance.now() + TURN;
    let served = 0;
    do this.#waiting[served++]!();
    while (served < this.#waiting.length && performance.now() < end);
    this.#waiting.splice(0, served);
    if (this.#waiting.length > 0) setImmediate(this.#serve);
  };
}
