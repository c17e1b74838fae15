// Queues those who wait until what they appended is committed or refused.

export interface CommitWaiter {
  /** Where what it waits for ends in the commit log. */
  readonly end: number;
  /** Called once. @param failure why it was refused; undefined if it is stored as promised */
  settle(failure: Error | undefined): void;
}

export class CommitWaiters {
  /** In the order of the log, or nearly: one that has to wait for the one before it is settled by the next commit. */
  #waiting: CommitWaiter[] = [];

  add(waiter: CommitWaiter): void {
    this.#waiting.push(waiter);
  }

  /** @param failure why everything behind `upTo` is refused. @throws what the first waiter throws, after calling all */
  settle(upTo: number, failure?: Error): void {
    const waiting = this.#waiting;
    let count = 0;
    for (let next = waiting[0]; next && (failure || next.end <= upTo); next = waiting[count]) count++;
    if (count === 0) return;
    // Before they are called: one that fails must not be called again with the next commit.
    this.#waiting = waiting.slice(count);
    const errors: unknown[] = [];
    for (const waiter of waiting.slice(0, count)) {
      try {
        waiter.settle(waiter.end <= upTo ? undefined : failure);
      } catch (cause) {
        errors.push(cause);
      }
    }
    if (errors.length > 0) throw errors[0];
  }
}
