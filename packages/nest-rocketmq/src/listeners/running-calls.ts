// Keeps the listener calls under way. Places are used again: a Set would make a new table whenever it becomes empty, and each
// table keeps the next one, and so its messages, alive until a full garbage collection.

export class RunningCalls<Call extends object | string> {
  readonly #places: (Call | undefined)[] = [];
  readonly #free: number[] = [];

  get count(): number {
    return this.#places.length - this.#free.length;
  }

  /** @returns the call's place, for `end` */
  begin(call: Call): number {
    const place = this.#free.pop();
    if (place === undefined) return this.#places.push(call) - 1;
    this.#places[place] = call;
    return place;
  }

  /** To be called once for each place. */
  end(place: number): void {
    this.#places[place] = undefined;
    this.#free.push(place);
  }

  get all(): Call[] {
    return this.#places.filter((call) => call !== undefined);
  }
}
