// Keeps which groups may not read which topics (forbiddenTable of subscriptionGroup.json).
import { Permission, isObject } from '@nest-rocketmq/remoting/internal';
import type { Logger } from '@nest-rocketmq/remoting/internal';
import { usableEntries, wholeNumber } from './config-entries.js';

/** Most pairs of group and topic: each costs memory, and its group need not exist. */
export const MOST_FORBIDDEN = 100_000;

export class ForbiddenReads {
  /** Group, then topic, to bits of Permission. Other bits than that of reading are kept as they were. */
  readonly #table = new Map<string, Map<string, number>>();

  has(group: string, topic: string): boolean {
    return this.#table.size > 0 && (this.#bits(group, topic) & Permission.READ) !== 0;
  }

  /** @returns false where there are as many as may be */
  set(group: string, topic: string, forbidden: boolean): boolean {
    const before = this.#bits(group, topic);
    const bits = forbidden ? before | Permission.READ : before & ~Permission.READ;
    if (bits !== 0 && before === 0 && this.#size >= MOST_FORBIDDEN) return false;
    if (bits !== 0) this.#topicsOf(group).set(topic, bits);
    else if (this.#table.get(group)?.delete(topic) && this.#table.get(group)?.size === 0) this.#table.delete(group);
    return true;
  }

  get json(): object {
    return Object.fromEntries([...this.#table].map(([group, topics]) => [group, Object.fromEntries(topics)]));
  }

  load(saved: unknown, logger: Logger): void {
    const where = 'forbiddenTable of subscriptionGroup.json';
    const decode = (_group: string, topics: unknown): ReadonlyMap<string, number> | undefined => {
      const bitsOf = (_topic: string, bits: unknown): number | undefined => wholeNumber(bits);
      return isObject(topics) ? new Map(usableEntries(where, topics, bitsOf, logger).usable) : undefined;
    };
    for (const [group, topics] of usableEntries(where, saved, decode, logger).usable) {
      for (const [topic, bits] of topics) this.#topicsOf(group).set(topic, bits);
    }
  }

  get #size(): number {
    return [...this.#table.values()].reduce((sum, topics) => sum + topics.size, 0);
  }

  #bits(group: string, topic: string): number {
    return this.#table.get(group)?.get(topic) ?? 0;
  }

  #topicsOf(group: string): Map<string, number> {
    let topics = this.#table.get(group);
    if (!topics) this.#table.set(group, (topics = new Map()));
    return topics;
  }
}
