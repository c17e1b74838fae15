// Keeps the offsets that consumer groups have committed (consumerOffset.json).
import { isObject, objectOf } from '@nest-rocketmq/remoting/internal';
import type { Clock, JsonObject, Logger } from '@nest-rocketmq/remoting/internal';
import { usableEntries, wholeNumber } from './config-entries.js';
import type { ConfigFile } from './config-file.js';
import { DebouncedSave } from './debounced-save.js';

const SEPARATOR = '@';

export interface OffsetsOptions {
  file: ConfigFile;
  /** What the file holds: as `ConfigFile.load` gives it. */
  saved: unknown;
  clock: Clock;
  logger: Logger;
  /** Time after which a changed offset is on disk, ms. */
  flushConsumerOffsetInterval: number;
  /** `MessageStore.flush`: no offset is saved of a message that a loss of power could still take away. */
  flush: () => Promise<void>;
}

export class ConsumerOffsets {
  /** Key `topic@group`, then queue id. */
  readonly #table = new Map<string, Map<number, number>>();
  /** The topics of which each group has committed an offset. */
  readonly #topicsOf = new Map<string, Set<string>>();
  /** Offsets that were reset and that no consumer has been told yet; keys as above. */
  readonly #resets = new Map<string, Map<number, number>>();
  /** Where the last pull of each queue ended; keys as above. Not saved: a consumer pulls again. */
  readonly #pulled = new Map<string, Map<number, number>>();
  readonly #clock: Clock;
  readonly #save: DebouncedSave;
  #counter = 0;

  constructor(options: OffsetsOptions) {
    const { file, clock, logger, flush, flushConsumerOffsetInterval: interval } = options;
    this.#clock = clock;
    this.#save = new DebouncedSave({ file, clock, logger, interval, flush, content: () => this.#json() });
    this.#load(objectOf(options.saved), logger);
  }

  /** The next offset that the group will consume, or -1 when it has committed none. */
  query(group: string, topic: string, queueId: number): number {
    return this.#table.get(topic + SEPARATOR + group)?.get(queueId) ?? -1;
  }

  /** Commits an offset. Ignored until a consumer was told of a reset: it would be the old place. */
  commit(group: string, topic: string, queueId: number, offset: number): void {
    const key = topic + SEPARATOR + group;
    if (this.#resets.get(key)?.has(queueId)) return;
    this.#set(key, queueId, offset);
  }

  /** Resets an offset. The consumer is told at its next pull. */
  reset(group: string, topic: string, queueId: number, offset: number): void {
    const key = topic + SEPARATOR + group;
    let resets = this.#resets.get(key);
    if (!resets) this.#resets.set(key, (resets = new Map()));
    resets.set(queueId, offset);
    this.#pulled.get(key)?.delete(queueId);
    this.#set(key, queueId, offset);
  }

  /** The offset that the queue was reset to, returned once; undefined when there is none. */
  takeReset(group: string, topic: string, queueId: number): number | undefined {
    if (this.#resets.size === 0) return undefined;
    const key = topic + SEPARATOR + group;
    const resets = this.#resets.get(key);
    const offset = resets?.get(queueId);
    resets?.delete(queueId);
    if (resets?.size === 0) this.#resets.delete(key);
    return offset;
  }

  /** The group has pulled the messages before `offset`. */
  pulled(group: string, topic: string, queueId: number, offset: number): void {
    const key = topic + SEPARATOR + group;
    let queues = this.#pulled.get(key);
    if (!queues) this.#pulled.set(key, (queues = new Map()));
    queues.set(queueId, offset);
  }

  /** The next offset that the group will pull; -1 when it has pulled and committed none. */
  pullOffset(group: string, topic: string, queueId: number): number {
    const pulled = this.#pulled.get(topic + SEPARATOR + group)?.get(queueId) ?? -1;
    return Math.max(pulled, this.query(group, topic, queueId));
  }

  /** Forgets what a deleted group has pulled. */
  forgetPulls(group: string): void {
    for (const key of this.#pulled.keys()) if (key.endsWith(SEPARATOR + group)) this.#pulled.delete(key);
  }

  /** Queue id to offset, of one group at one topic. */
  ofGroup(group: string, topic: string): ReadonlyMap<number, number> {
    return this.#table.get(topic + SEPARATOR + group) ?? new Map<number, number>();
  }

  /** The topics of which the group has committed an offset. */
  topicsOf(group: string): string[] {
    return [...(this.#topicsOf.get(group) ?? [])];
  }

  /** The groups that have committed an offset of the topic. */
  groupsOf(topic: string): string[] {
    return this.#pairs().flatMap(([owned, group]) => (owned === topic ? [group] : []));
  }

  deleteTopic(topic: string): void {
    this.#deleteWhere((owned) => owned === topic);
    for (const key of this.#pulled.keys()) if (key.startsWith(topic + SEPARATOR)) this.#pulled.delete(key);
  }

  deleteGroup(group: string): void {
    this.#deleteWhere((_topic, owner) => owner === group);
    this.forgetPulls(group);
  }

  /** Queue id and offset of each queue, by topic and group. */
  *all(): Iterable<{ topic: string; group: string; queues: ReadonlyMap<number, number> }> {
    for (const [topic, group] of this.#pairs()) yield { topic, group, queues: this.ofGroup(group, topic) };
  }

  /**
   * Lowers offsets beyond the end of their queue: the next messages would be skipped.
   * @returns the queues whose offset was lowered, for the log
   */
  lowerTo(end: (topic: string, queueId: number) => number): string[] {
    const lowered: string[] = [];
    for (const { topic, group, queues } of this.all()) {
      for (const [queueId, offset] of queues) {
        const most = end(topic, queueId);
        if (offset <= most) continue;
        this.#set(topic + SEPARATOR + group, queueId, most);
        lowered.push(`${topic} ${queueId} of ${group} from ${offset} to ${most}`);
      }
    }
    return lowered;
  }

  /** Writes what there is now, in the background. */
  saveSoon(): void {
    this.#save.soon();
  }

  /** Writes what has changed, and never again. */
  stop(): Promise<void> {
    return this.#save.stop();
  }

  #set(key: string, queueId: number, offset: number): void {
    let queues = this.#table.get(key);
    if (!queues) this.#add(key, (queues = new Map()));
    if (queues.get(queueId) === offset) return;
    queues.set(queueId, offset);
    this.#save.changed();
  }

  #add(key: string, queues: Map<number, number>): void {
    this.#table.set(key, queues);
    const [topic, group] = partsOf(key);
    const topics = this.#topicsOf.get(group);
    if (topics) topics.add(topic);
    else this.#topicsOf.set(group, new Set([topic]));
  }

  #json(): object {
    const dataVersion = { counter: ++this.#counter, stateVersion: 0, timestamp: this.#clock.now() };
    const queues = [...this.#table].map(([key, offsets]) => [key, Object.fromEntries(offsets)] as const);
    return { dataVersion, offsetTable: Object.fromEntries(queues) };
  }

  #pairs(): [topic: string, group: string][] {
    return [...this.#table.keys()].map(partsOf);
  }

  #deleteWhere(matches: (topic: string, group: string) => boolean): void {
    for (const [topic, group] of this.#pairs()) {
      if (!matches(topic, group)) continue;
      this.#table.delete(topic + SEPARATOR + group);
      const topics = this.#topicsOf.get(group);
      topics?.delete(topic);
      if (topics?.size === 0) this.#topicsOf.delete(group);
      this.#resets.delete(topic + SEPARATOR + group);
      this.#save.changed();
    }
  }

  #load(saved: JsonObject, logger: Logger): void {
    const decode = (key: string, queues: unknown): Map<number, number> | undefined =>
      key.includes(SEPARATOR) && isObject(queues) ? new Map(placesOf(key, queues, logger)) : undefined;
    const { usable } = usableEntries('offsets of consumerOffset.json', saved['offsetTable'], decode, logger);
    for (const [key, queues] of usable) this.#add(key, queues);
  }
}

/** Queue id and offset. */
function placesOf(key: string, queues: unknown, logger: Logger): [queueId: number, offset: number][] {
  const decode = (queueId: string, offset: unknown): number | undefined =>
    wholeNumber(queueId) === undefined ? undefined : wholeNumber(offset);
  const { usable } = usableEntries(`queues of ${key} in consumerOffset.json`, queues, decode, logger);
  return usable.map(([queueId, offset]) => [Number(queueId), offset]);
}

function partsOf(key: string): [topic: string, group: string] {
  const at = key.indexOf(SEPARATOR);
  return [key.slice(0, at), key.slice(at + 1)];
}
