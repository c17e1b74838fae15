// Queues what was appended and is not visible yet: what each record's consume queue needs, in arrays, so that a message
// costs no object.
import type { ConsumeQueue } from '../consumequeue/consume-queue.js';

const FIRST_CAPACITY = 1_024;

export class DispatchQueue {
  #capacity = FIRST_CAPACITY;
  #head = 0;
  #tail = 0;
  #queues: (ConsumeQueue | undefined)[] = Array.from({ length: FIRST_CAPACITY });
  #physicalOffsets = new Float64Array(FIRST_CAPACITY);
  #tagsCodes = new Float64Array(FIRST_CAPACITY);
  #queueOffsets = new Float64Array(FIRST_CAPACITY);
  #sizes = new Int32Array(FIRST_CAPACITY);

  get empty(): boolean {
    return this.#head === this.#tail;
  }

  push(queue: ConsumeQueue, queueOffset: number, physicalOffset: number, size: number, tagsCode: number): void {
    if (this.#tail === this.#capacity) this.#makeRoom();
    const at = this.#tail++;
    this.#queues[at] = queue;
    this.#queueOffsets[at] = queueOffset;
    this.#physicalOffsets[at] = physicalOffset;
    this.#sizes[at] = size;
    this.#tagsCodes[at] = tagsCode;
  }

  /** Gives the queues their entries for every record that begins below `upTo`. Returns where they end in the ring. */
  fillQueues(upTo: number): number {
    let at = this.#head;
    for (; at < this.#tail && this.#physicalOffsets[at]! < upTo; at++) {
      const queue = this.#queues[at];
      if (queue) queue.append(this.#physicalOffsets[at]!, this.#sizes[at]!, this.#tagsCodes[at]!);
    }
    return at;
  }

  /** Tells of the records up to `end`, and forgets them. */
  announce(
    end: number,
    arrived: ((queue: ConsumeQueue, maxOffset: number, tagsCode: number) => void) | undefined,
  ): void {
    while (this.#head < end) {
      const at = this.#head++;
      const queue = this.#queues[at];
      this.#queues[at] = undefined;
      if (queue && arrived) arrived(queue, this.#queueOffsets[at]! + 1, this.#tagsCodes[at]!);
      // A listener may append, and so move the contents.
      if (this.#head < at + 1) end -= at + 1 - this.#head;
    }
    if (this.#head === this.#tail) this.#head = this.#tail = 0;
  }

  /** Takes back every record that begins at `from` or above: their queue offsets are given out again. */
  takeBack(from: number): void {
    while (this.#tail > this.#head && this.#physicalOffsets[this.#tail - 1]! >= from) {
      const at = --this.#tail;
      const queue = this.#queues[at];
      this.#queues[at] = undefined;
      if (queue) queue.assigned = this.#queueOffsets[at]!;
    }
  }

  #makeRoom(): void {
    if (this.#head > this.#capacity / 2) {
      this.#move(0);
      return;
    }
    this.#capacity *= 2;
    this.#move(this.#capacity);
  }

  /** Moves the contents to the beginning, of new arrays if `capacity` is given. */
  #move(capacity: number): void {
    const from = this.#head;
    const to = this.#tail;
    this.#queues = this.#queues.slice(from, to);
    this.#physicalOffsets = moved(this.#physicalOffsets, from, to, capacity);
    this.#tagsCodes = moved(this.#tagsCodes, from, to, capacity);
    this.#queueOffsets = moved(this.#queueOffsets, from, to, capacity);
    this.#sizes = moved(this.#sizes, from, to, capacity);
    this.#head = 0;
    this.#tail = to - from;
  }
}

function moved<T extends Float64Array | Int32Array>(array: T, from: number, to: number, capacity: number): T {
  if (capacity === 0) {
    array.copyWithin(0, from, to);
    return array;
  }
  const larger = new (array.constructor as new (length: number) => T)(capacity);
  larger.set(array.subarray(from, to));
  return larger;
}
