// Keeps what orderly pops took from each queue (consumerOrderInfo.json), and tells when a queue can be popped again.
import { isObject, objectOf } from '@nest-rocketmq/remoting/internal';
import type { Clock, Logger, TimerHandle } from '@nest-rocketmq/remoting/internal';
import { usableEntries, wholeNumber } from '../metadata/config-entries.js';
import type { ConfigFile } from '../metadata/config-file.js';
import { DebouncedSave } from '../metadata/debounced-save.js';
import { OrderInfo } from './order-info.js';
import type { OrderlyPop } from './order-info.js';

/** What was not used for so long is forgotten, as in Apache's broker: a day, ms. */
const UNUSED_MS = 86_400_000;
const SEPARATOR = '@';

export interface OrderInfosOptions {
  file: ConfigFile;
  saved: unknown;
  clock: Clock;
  logger: Logger;
  /** ms */
  flushConsumerOffsetInterval: number;
}

export class OrderInfos {
  /** By `topic@group`, then queue id. */
  readonly #table = new Map<string, Map<number, OrderInfo>>();
  readonly #timers = new Map<string, TimerHandle>();
  readonly #clock: Clock;
  readonly #save: DebouncedSave;
  /** A blocked queue can be popped again. */
  onFree: (topic: string, group: string, queueId: number) => void = () => {};

  constructor(options: OrderInfosOptions) {
    const { file, clock, logger, flushConsumerOffsetInterval: interval } = options;
    this.#clock = clock;
    this.#save = new DebouncedSave({ file, clock, logger, interval, content: () => this.#json() });
    const { table } = objectOf(options.saved);
    const decode = (key: string, queues: unknown): Map<number, OrderInfo> | undefined =>
      key.includes(SEPARATOR) && isObject(queues) ? infosOf(queues) : undefined;
    const { usable } = usableEntries('entries of consumerOrderInfo.json', table, decode, logger);
    for (const [key, queues] of usable) this.#table.set(key, queues);
  }

  get(topic: string, group: string, queueId: number): OrderInfo | undefined {
    return this.#table.get(topic + SEPARATOR + group)?.get(queueId);
  }

  /** Notes what was popped, in place of what was popped before. */
  popped(topic: string, group: string, queueId: number, pop: OrderlyPop): OrderInfo {
    const key = topic + SEPARATOR + group;
    let queues = this.#table.get(key);
    if (!queues) this.#table.set(key, (queues = new Map<number, OrderInfo>()));
    const info = new OrderInfo(pop, this.#clock.now(), queues.get(queueId));
    queues.set(queueId, info);
    this.changed(topic, group, queueId);
    return info;
  }

  /** What is known of the queue has changed. */
  changed(topic: string, group: string, queueId: number): void {
    this.#save.changed();
    const info = this.get(topic, group, queueId);
    const now = this.#clock.now();
    if (info) info.lastUse = now;
    const until = info?.blockedUntil(now);
    const key = [topic, group, queueId].join(SEPARATOR);
    this.#clock.clearTimeout(this.#timers.get(key));
    this.#timers.delete(key);
    if (until === undefined) return;
    const free = (): void => {
      this.#timers.delete(key);
      this.onFree(topic, group, queueId);
    };
    this.#timers.set(
      key,
      this.#clock.setTimeout(free, until - now, 'the end of the invisible time of popped messages'),
    );
  }

  /** The offset of the queue was reset. */
  forget(topic: string, group: string, queueId: number): void {
    if (!this.#table.get(topic + SEPARATOR + group)?.delete(queueId)) return;
    this.changed(topic, group, queueId);
  }

  stop(): Promise<void> {
    for (const timer of this.#timers.values()) this.#clock.clearTimeout(timer);
    this.#timers.clear();
    return this.#save.stop();
  }

  #json(): object {
    const oldest = this.#clock.now() - UNUSED_MS;
    for (const [key, queues] of this.#table) {
      for (const [queueId, { lastUse }] of queues) if (lastUse < oldest) queues.delete(queueId);
      if (queues.size === 0) this.#table.delete(key);
    }
    const table = [...this.#table].map(([key, queues]) => [key, Object.fromEntries(queues)] as const);
    return { table: Object.fromEntries(table) };
  }
}

function infosOf(queues: object): Map<number, OrderInfo> {
  const infos = new Map<number, OrderInfo>();
  for (const [queueId, json] of Object.entries(queues)) {
    const info = wholeNumber(queueId) === undefined ? undefined : OrderInfo.fromJSON(json);
    if (info) infos.set(Number(queueId), info);
  }
  return infos;
}
