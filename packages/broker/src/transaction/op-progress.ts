// Keeps up to where the op messages are done with: all halves that they name are before the first that is open.

/** Op messages that are kept one by one. One half that stays open for days keeps all that come behind it. */
export const MOST_OPS = 10_000;

interface Op {
  queueOffset: number;
  /** The highest half that it names. */
  last: number;
}

export class OpProgress {
  /** Oldest first. Beyond MOST_OPS the newest stands for all that came since. */
  readonly #ops: Op[] = [];
  #next: number;

  /** @param next offset of the first op message that is not done with */
  constructor(next: number) {
    this.#next = next;
  }

  /** Offset of the first op message that is not done with. */
  get next(): number {
    return this.#next;
  }

  /** How many op messages are kept. */
  get count(): number {
    return this.#ops.length;
  }

  /** An op message is at `queueOffset`, and names these halves. */
  note(queueOffset: number, halves: readonly number[]): void {
    const last = halves.reduce((highest, half) => Math.max(highest, half), -1);
    const newest = this.#ops.at(-1);
    if (newest && this.#ops.length >= MOST_OPS) {
      newest.queueOffset = Math.max(newest.queueOffset, queueOffset);
      newest.last = Math.max(newest.last, last);
    } else this.#ops.push({ queueOffset, last });
  }

  /** All halves before `settled` are decided. */
  settle(settled: number): void {
    let done = 0;
    for (const { queueOffset, last } of this.#ops) {
      if (last >= settled) break;
      this.#next = queueOffset + 1;
      done++;
    }
    if (done > 0) this.#ops.splice(0, done);
  }
}
