// Finds the requests that wait for their answers by their opaque. A Map would make a new table every few requests, and each
// table keeps the next one, and so requests that were answered long ago, alive until a full garbage collection.

/** An entry of one table at most. */
export interface PendingEntry<Self> {
  readonly opaque: number;
  /** The next one in the same place of the table. */
  next: Self | undefined;
}

const SMALLEST = 64;

export class PendingTable<Entry extends PendingEntry<Entry>> {
  /** The size is a power of two. Opaques count up, so that hardly two share a place. */
  #places: (Entry | undefined)[] = emptyPlaces<Entry>(SMALLEST);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  get(opaque: number): Entry | undefined {
    let entry = this.#places[opaque & (this.#places.length - 1)];
    while (entry && entry.opaque !== opaque) entry = entry.next;
    return entry;
  }

  /** @param entry whose opaque no other one here has */
  add(entry: Entry): void {
    if (this.#count === this.#places.length) this.#grow();
    this.#put(entry);
    this.#count++;
  }

  /** Does nothing if it is not here. */
  delete(entry: Entry): void {
    const place = entry.opaque & (this.#places.length - 1);
    let before: Entry | undefined;
    let each = this.#places[place];
    for (; each && each !== entry; each = each.next) before = each;
    if (!each) return;
    if (before) before.next = entry.next;
    else this.#places[place] = entry.next;
    entry.next = undefined;
    this.#count--;
  }

  /** Takes all of them out, the oldest opaque first. */
  takeAll(): Entry[] {
    const all: Entry[] = [];
    for (let entry of this.#places) for (; entry; entry = entry.next) all.push(entry);
    for (const entry of all) entry.next = undefined;
    this.#places = emptyPlaces<Entry>(SMALLEST);
    this.#count = 0;
    return all.toSorted((a, b) => a.opaque - b.opaque);
  }

  #put(entry: Entry): void {
    const place = entry.opaque & (this.#places.length - 1);
    entry.next = this.#places[place];
    this.#places[place] = entry;
  }

  #grow(): void {
    const size = this.#places.length * 2;
    const all = this.takeAll();
    this.#places = emptyPlaces<Entry>(size);
    for (const entry of all) this.#put(entry);
    this.#count = all.length;
  }
}

function emptyPlaces<Entry>(size: number): (Entry | undefined)[] {
  return Array.from({ length: size }, () => undefined);
}
