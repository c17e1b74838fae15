// Remembers which popped messages are neither acknowledged nor visible again, to limit how many there are of each queue.
import type { Acknowledgement, Checkpoint } from './checkpoint.js';
import { originKey } from './checkpoint.js';

interface Popped {
  readonly checkpoint: Checkpoint;
  readonly acknowledged: Set<number>;
}

export const queueKey = (topic: string, group: string, queueId: number): string => `${topic}@${group}@${queueId}`;

export class InFlight {
  /** By `originKey`. */
  readonly #popped = new Map<string, Popped>();
  /** Messages by `queueKey`. */
  readonly #counts = new Map<string, number>();

  /** @param most pops to remember; of others only the log knows what was acknowledged */
  constructor(private readonly most: number) {}

  /** Messages of the queue that the group has popped since the start. */
  count(topic: string, group: string, queueId: number): number {
    return this.#counts.get(queueKey(topic, group, queueId)) ?? 0;
  }

  add(checkpoint: Checkpoint): void {
    if (this.#popped.size >= this.most) return;
    this.#popped.set(originKey(checkpoint), { checkpoint, acknowledged: new Set() });
    this.#change(checkpoint, checkpoint.offsets.length);
  }

  /**
   * Takes those of the offsets as acknowledged that are not yet.
   * @returns these, or undefined where the pop is not remembered: what was popped before the start, or never
   */
  acknowledge(ack: Acknowledgement): number[] | undefined {
    const popped = this.#popped.get(originKey(ack));
    if (!popped) return undefined;
    const { checkpoint, acknowledged } = popped;
    const fresh = ack.offsets.filter((offset) => checkpoint.offsets.includes(offset) && !acknowledged.has(offset));
    for (const offset of fresh) acknowledged.add(offset);
    this.#change(checkpoint, -fresh.length);
    return fresh;
  }

  /** The acknowledgement could not be stored. */
  undo(ack: Acknowledgement): void {
    const popped = this.#popped.get(originKey(ack));
    if (!popped) return;
    const removed = ack.offsets.filter((offset) => popped.acknowledged.delete(offset));
    this.#change(popped.checkpoint, removed.length);
  }

  /** The messages of the checkpoint are visible again, or all acknowledged, or were never handed out. */
  end(checkpoint: Checkpoint): void {
    const popped = this.#popped.get(originKey(checkpoint));
    if (!popped) return;
    this.#popped.delete(originKey(checkpoint));
    this.#change(checkpoint, popped.acknowledged.size - checkpoint.offsets.length);
  }

  #change({ topic, group, queueId }: Checkpoint, by: number): void {
    const key = queueKey(topic, group, queueId);
    const count = (this.#counts.get(key) ?? 0) + by;
    if (count > 0) this.#counts.set(key, count);
    else this.#counts.delete(key);
  }
}
