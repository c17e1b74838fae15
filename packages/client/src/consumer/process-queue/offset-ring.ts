// Keeps messages in the order of their queue offsets, in a ring that is used again. A Map would make a new table every few
// messages, and each table keeps the next one, and so its messages, alive until a full garbage collection.
import type { MessageExt } from '@nest-rocketmq/remoting/internal';

const SMALLEST = 64;

/** Mostly, messages are added behind the last one and removed in the order in which they came: neither takes a search. */
export class OffsetRing {
  /** The size is a power of two. A place that is `undefined` between head and tail is that of a removed message. */
  #messages: (MessageExt | undefined)[] = [];
  #offsets = new Float64Array();
  /** Both count on without end; the place in the ring is the number modulo its size. */
  #head = 0;
  #tail = 0;
  #count = 0;

  constructor() {
    this.clear();
  }

  get count(): number {
    return this.#count;
  }

  /** Messages that it has room for. */
  get places(): number {
    return this.#messages.length;
  }

  /** The smallest offset held. */
  get first(): number | undefined {
    return this.#count === 0 ? undefined : this.#offsets[this.#head & (this.#offsets.length - 1)];
  }

  /** The largest offset held. */
  get last(): number | undefined {
    return this.#count === 0 ? undefined : this.#offsets[(this.#tail - 1) & (this.#offsets.length - 1)];
  }

  /** The message of this offset. */
  get(offset: number): MessageExt | undefined {
    const place = this.#find(offset);
    return place < 0 ? undefined : this.#messages[place];
  }

  /** @returns false when there is one of this offset already */
  add(message: MessageExt): boolean {
    const offset = message.queueOffset;
    if (this.#count === 0 || offset > this.last!) {
      if (this.#tail - this.#head === this.#messages.length) this.#fill(this.#held());
      this.#append(message);
      return true;
    }
    if (this.get(offset)) return false;
    this.#fill([...this.#held(), message].toSorted((a, b) => a.queueOffset - b.queueOffset));
    return true;
  }

  /** @returns false when there is none of this offset */
  delete(offset: number): boolean {
    const place = this.#find(offset);
    if (place < 0 || !this.#messages[place]) return false;
    this.#messages[place] = undefined;
    this.#count--;
    const mask = this.#messages.length - 1;
    while (this.#head < this.#tail && !this.#messages[this.#head & mask]) this.#head++;
    while (this.#head < this.#tail && !this.#messages[(this.#tail - 1) & mask]) this.#tail--;
    return true;
  }

  clear(): void {
    this.#fill([]);
  }

  #append(message: MessageExt): void {
    const place = this.#tail++ & (this.#messages.length - 1);
    this.#offsets[place] = message.queueOffset;
    this.#messages[place] = message;
    this.#count++;
  }

  #held(): MessageExt[] {
    const held: MessageExt[] = [];
    for (let at = this.#head; at < this.#tail; at++) {
      const message = this.#messages[at & (this.#messages.length - 1)];
      if (message) held.push(message);
    }
    return held;
  }

  /** Begins anew with these, and room for as many. The places of removed messages are gone. */
  #fill(messages: readonly MessageExt[]): void {
    let size = SMALLEST;
    while (size < messages.length * 2) size *= 2;
    this.#messages = Array.from({ length: size }, () => undefined);
    this.#offsets = new Float64Array(size);
    this.#head = this.#tail = this.#count = 0;
    for (const message of messages) this.#append(message);
  }

  /** The place of this offset, or -1. */
  #find(offset: number): number {
    const offsets = this.#offsets;
    const mask = offsets.length - 1;
    let low = this.#head;
    if (low < this.#tail && offsets[low & mask] === offset) return low & mask;
    let high = this.#tail - 1;
    while (low <= high) {
      const middle = Math.floor((low + high) / 2);
      const found = offsets[middle & mask]!;
      if (found === offset) return middle & mask;
      if (found < offset) low = middle + 1;
      else high = middle - 1;
    }
    return -1;
  }
}
