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

  /** @param failure why everything behind `upTo` is refused */
  settle(upTo: number, failure?: Error): void {
    const waiting = this.#waiting;
    let done = 0;
    for (let next = waiting[0]; next && next.end <= upTo; next = waiting[done]) {
      done++;
      next.settle(undefined);
    }
    if (failure) {
      this.#waiting = [];
      for (const waiter of waiting.slice(done)) waiter.settle(waiter.end <= upTo ? undefined : failure);
    } else if (done > 0) waiting.splice(0, done);
  }
}
