// Counts what comes in and goes out by topic, group and queue, under Apache's names and keys (Apache: BrokerStatsManager).
import { SCHEDULE_TOPIC, StatsColumn, StatsItem } from '@nest-rocketmq/remoting/internal';
import type { Clock, Logger, StatsSnapshot, StatsView } from '@nest-rocketmq/remoting/internal';
import { isSystemTopic } from '../metadata/names.js';
import type { AppendResult, MessageInner } from '../store/store.js';
import { DayTotals } from './day-totals.js';
import { StatsTable } from './stats-table.js';
import type { KeptItem } from './stats-table.js';

/** Most keys of one kind; each takes about 1.3 kB. */
export const MAX_STATS_KEYS = 20_000;
/** Apache counts the deliveries of delay levels under this name. */
const SCHEDULE_GROUP = 'SCHEDULE_CONSUMER';
const DEAD_LETTER = 'SEND_BACK_TO_DLQ';

export interface BrokerStatsOptions {
  clock: Clock;
  logger: Logger;
  /** The key of what is counted for the broker as a whole. */
  brokerClusterName: string;
  /** The broker's own topics beside those whose names say so. */
  systemTopics: ReadonlySet<string>;
}

export class BrokerStats {
  /** Of topics that are not the broker's own. */
  readonly putTotals: DayTotals;
  readonly gotTotals: DayTotals;
  readonly #clock: Clock;
  readonly #clusterName: string;
  readonly #systemTopics: ReadonlySet<string>;
  /** Of all topics but the broker's own. */
  readonly #usersPut: StatsItem;
  readonly #usersGot: StatsItem;
  /** Of the broker's own topics. */
  readonly #systemPut: StatsItem;
  readonly #systemGot: StatsItem;
  /** Key: topic. */
  readonly #put: StatsTable;
  /** Key: topic@group. */
  readonly #got: StatsTable;
  /** Key: queueId@topic@group; ms. */
  readonly #latency: StatsTable;
  /** Key: topic@group. */
  readonly #sentBack: StatsTable;
  /** Key: owner@topic@group@SEND_BACK_TO_DLQ; there are no owners here, for which Apache writes null. */
  readonly #dead: StatsTable;
  /** Key: topic@queueId; the schedule topic's only, as Apache has it. */
  readonly #queuePut: StatsTable;
  /** Key: topic@queueId@group; the schedule topic's only. */
  readonly #queueGot: StatsTable;

  constructor({ clock, logger, brokerClusterName, systemTopics }: BrokerStatsOptions) {
    const now = clock.now();
    const table = (kind: string): StatsTable => new StatsTable(MAX_STATS_KEYS, warnOnce(logger, kind), now);
    this.#clock = clock;
    this.#clusterName = brokerClusterName;
    this.#systemTopics = systemTopics;
    this.putTotals = new DayTotals(now);
    this.gotTotals = new DayTotals(now);
    this.#usersPut = new StatsItem(now);
    this.#usersGot = new StatsItem(now);
    this.#systemPut = new StatsItem(now);
    this.#systemGot = new StatsItem(now);
    this.#put = table('topics');
    this.#got = table('topics and groups');
    this.#latency = table('queues and groups');
    this.#sentBack = table('topics and groups that send back');
    this.#dead = table('topics and groups with dead letters');
    this.#queuePut = table('queues');
    this.#queueGot = table('queues that are delivered from');
  }

  /**
   * Messages were put into a topic: by a producer, or by the broker when their time or verdict has come.
   * @param topic that they are stored under
   * @param size of their records, bytes
   * @param now ms since the epoch
   */
  put(topic: string, queueId: number, messages: number, size: number, now: number): void {
    const item = this.#put.getOrMake(topic, now);
    item?.add(messages, size, 1, now);
    if (this.#isSystem(topic, item)) {
      this.#systemPut.add(messages, size, 1, now);
    } else {
      this.#usersPut.add(messages, size, 1, now);
      this.putTotals.add(messages, now);
    }
    if (topic === SCHEDULE_TOPIC) this.#queuePut.add(`${topic}@${queueId}`, messages, size, 1, now);
  }

  /** A delay level has delivered a message from its queue to its own topic. */
  delivered(message: MessageInner, levelQueueId: number, { size, storeTimestamp: now }: AppendResult): void {
    this.#got.add(`${SCHEDULE_TOPIC}@${SCHEDULE_GROUP}`, 1, size, 1, now);
    this.#queueGot.add(`${SCHEDULE_TOPIC}@${levelQueueId}@${SCHEDULE_GROUP}`, 1, size, 1, now);
    this.put(message.topic, message.queueId, 1, size, now);
  }

  /**
   * A pull was answered with messages.
   * @param size of their records, bytes
   * @param ms from when it was served until its answer was written
   */
  got(topic: string, group: string, queueId: number, messages: number, size: number, ms: number): void {
    const now = this.#clock.now();
    const key = `${topic}@${group}`;
    const item = this.#got.getOrMake(key, now);
    item?.add(messages, size, 1, now);
    if (this.#isSystem(topic, item)) {
      this.#systemGot.add(messages, size, 1, now);
    } else {
      this.#usersGot.add(messages, size, 1, now);
      this.gotTotals.add(messages, now);
    }
    this.#latency.add(`${queueId}@${key}`, Math.floor(ms), 0, 1, now);
  }

  /**
   * A consumer has given a message back.
   * @param topic that it was first sent to
   * @param stored where it went
   */
  sentBack(
    topic: string,
    group: string,
    stored: { topic: string; queueId: number; size: number; dead: boolean },
  ): void {
    const now = this.#clock.now();
    this.#sentBack.add(`${topic}@${group}`, 1, 0, 1, now);
    if (stored.dead) this.#dead.add(`null@${topic}@${group}@${DEAD_LETTER}`, 1, 0, 1, now);
    if (stored.topic !== SCHEDULE_TOPIC) return;
    // Does not count for the broker as a whole: no producer sent it.
    this.#put.add(stored.topic, 1, stored.size, 1, now);
    this.#queuePut.add(`${stored.topic}@${stored.queueId}`, 1, stored.size, 1, now);
  }

  /** Messages a second over the last minute. */
  putTps(topic: string): number {
    return tpsOf(this.#put.get(topic), this.#clock.now());
  }

  /** Messages a second over the last minute. */
  gotTps(topic: string, group: string): number {
    return tpsOf(this.#got.get(`${topic}@${group}`), this.#clock.now());
  }

  /** What VIEW_BROKER_STATS_DATA asks for; undefined when nothing is counted under this name and key. */
  view(statsName: string, statsKey: string): StatsView | undefined {
    const now = this.#clock.now();
    if (statsName.startsWith('BROKER_'))
      return statsKey === this.#clusterName ? this.#viewBroker(statsName, now) : undefined;
    const [item, column] = this.#find(statsName, statsKey) ?? [];
    return item?.view(column ?? StatsColumn.NUMS, now);
  }

  deleteTopic(topic: string): void {
    this.#put.delete(topic);
    for (const table of [this.#got, this.#sentBack, this.#queuePut, this.#queueGot]) {
      table.deleteWhere((key) => key.startsWith(`${topic}@`));
    }
    for (const table of [this.#latency, this.#dead]) table.deleteWhere((key) => key.includes(`@${topic}@`));
  }

  deleteGroup(group: string): void {
    for (const table of [this.#got, this.#sentBack, this.#latency]) {
      table.deleteWhere((key) => key.endsWith(`@${group}`));
    }
    this.#dead.deleteWhere((key) => key.endsWith(`@${group}@${DEAD_LETTER}`));
  }

  /** @param item that remembers the answer, so that a message costs no look at names */
  #isSystem(topic: string, item: KeptItem | undefined): boolean {
    const known = item?.ofSystem ?? (this.#systemTopics.has(topic) || isSystemTopic(topic));
    if (item) item.ofSystem = known;
    return known;
  }

  #viewBroker(statsName: string, now: number): StatsView | undefined {
    switch (statsName) {
      case 'BROKER_PUT_NUMS':
        return sumOf(this.#usersPut.view(StatsColumn.NUMS, now), this.#systemPut.view(StatsColumn.NUMS, now));
      case 'BROKER_GET_NUMS':
        return sumOf(this.#usersGot.view(StatsColumn.NUMS, now), this.#systemGot.view(StatsColumn.NUMS, now));
      case 'BROKER_PUT_NUMS_WITHOUT_SYSTEM_TOPIC':
        return this.#usersPut.view(StatsColumn.NUMS, now);
      case 'BROKER_GET_NUMS_WITHOUT_SYSTEM_TOPIC':
        return this.#usersGot.view(StatsColumn.NUMS, now);
      default:
        return undefined;
    }
  }

  #find(statsName: string, statsKey: string): [StatsItem | undefined, StatsColumn] | undefined {
    const { NUMS, SIZE } = StatsColumn;
    switch (statsName) {
      case 'TOPIC_PUT_NUMS':
        return [this.#put.get(statsKey), NUMS];
      case 'TOPIC_PUT_SIZE':
        return [this.#put.get(statsKey), SIZE];
      case 'GROUP_GET_NUMS':
        return [this.#got.get(statsKey), NUMS];
      case 'GROUP_GET_SIZE':
        return [this.#got.get(statsKey), SIZE];
      case 'GROUP_GET_LATENCY':
        return [this.#latency.get(statsKey), NUMS];
      case 'SNDBCK_PUT_NUMS':
        return [this.#sentBack.get(statsKey), NUMS];
      case 'SNDBCK2DLQ_TIMES':
        return [this.#dead.get(statsKey), NUMS];
      case 'QUEUE_PUT_NUMS':
        return [this.#queuePut.get(statsKey), NUMS];
      case 'QUEUE_PUT_SIZE':
        return [this.#queuePut.get(statsKey), SIZE];
      case 'QUEUE_GET_NUMS':
        return [this.#queueGot.get(statsKey), NUMS];
      case 'QUEUE_GET_SIZE':
        return [this.#queueGot.get(statsKey), SIZE];
      default:
        return undefined;
    }
  }
}

/** Adds up two views that began at the same time, with the broker. */
function sumOf(one: StatsView, other: StatsView): StatsView {
  const add = (a: StatsSnapshot, b: StatsSnapshot): StatsSnapshot => {
    const [sum, times] = [a.sum + b.sum, timesOf(a) + timesOf(b)];
    return { sum, tps: a.tps + b.tps, avgpt: times > 0 ? sum / times : 0 };
  };
  return {
    statsMinute: add(one.statsMinute, other.statsMinute),
    statsHour: add(one.statsHour, other.statsHour),
    statsDay: add(one.statsDay, other.statsDay),
  };
}

const timesOf = ({ sum, avgpt }: StatsSnapshot): number => (avgpt > 0 ? sum / avgpt : 0);

function tpsOf(item: StatsItem | undefined, now: number): number {
  return item?.view(StatsColumn.NUMS, now).statsMinute.tps ?? 0;
}

function warnOnce(logger: Logger, kind: string): () => void {
  let warned = false;
  return () => {
    if (warned) return;
    warned = true;
    logger.warn(`statistics are kept of ${MAX_STATS_KEYS} ${kind} at most: the others are not counted`);
  };
}
