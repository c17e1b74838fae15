// Counts what comes in and goes out by topic, group and queue, under Apache's names and keys (Apache: BrokerStatsManager).
import { SCHEDULE_TOPIC, StatsColumn, StatsItem } from '@nest-rocketmq/remoting/internal';
import type { Clock, Logger, StatsView } from '@nest-rocketmq/remoting/internal';
import { isSystemTopic } from '../metadata/names.js';
import type { AppendResult, MessageInner } from '../store/store.js';
import { DayTotals } from './day-totals.js';
import { StatsTable } from './stats-table.js';
import { sumOf } from './sum-of-views.js';
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
  /** Key: topic@group. Acknowledgements of pops, and checkpoints: one for each queue that a pop takes messages from. */
  readonly #acknowledged: StatsTable;
  readonly #checkpoints: StatsTable;
  /** Of all topics. */
  readonly #allAcknowledged: StatsItem;
  readonly #allCheckpoints: StatsItem;
  /** Key: topic@queueId; the schedule topic's only, as Apache has it. */
  readonly #queuePut: StatsTable;
  /** Key: topic@queueId@group; the schedule topic's only. */
  readonly #queueGot: StatsTable;
  /** Apache's names of what is counted by keys. */
  readonly #named: ReadonlyMap<string, [StatsTable, StatsColumn]>;

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
    this.#acknowledged = table('topics and groups that acknowledge');
    this.#checkpoints = table('topics and groups that pop');
    this.#allAcknowledged = new StatsItem(now);
    this.#allCheckpoints = new StatsItem(now);
    this.#queuePut = table('queues');
    this.#queueGot = table('queues that are delivered from');
    this.#named = new Map(Object.entries(this.#tablesByName()));
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
    this.popped(topic, topic, group, messages, size);
    this.answered(topic, group, queueId, ms);
  }

  /**
   * A pop took messages from a queue.
   * @param asked the topic that it asks for
   * @param topic where they lie: there, or in its pop retry topic
   * @param size of their records, bytes
   */
  popped(asked: string, topic: string, group: string, messages: number, size: number): void {
    const now = this.#clock.now();
    const item = this.#got.getOrMake(`${topic}@${group}`, now);
    item?.add(messages, size, 1, now);
    if (this.#isSystem(asked, item)) {
      this.#systemGot.add(messages, size, 1, now);
    } else {
      this.#usersGot.add(messages, size, 1, now);
      this.gotTotals.add(messages, now);
    }
  }

  /** @param queueId -1: of any queue @param ms from when a pull or a pop was served until its answer was written */
  answered(topic: string, group: string, queueId: number, ms: number): void {
    this.#latency.add(`${queueId}@${topic}@${group}`, Math.floor(ms), 0, 1, this.#clock.now());
  }

  /** A checkpoint of popped messages was made. @param asked the topic that the pop asked for */
  checkpoint(asked: string, group: string): void {
    const now = this.#clock.now();
    this.#allCheckpoints.add(1, 0, 0, now);
    this.#checkpoints.add(`${asked}@${group}`, 1, 0, 1, now);
  }

  /** Popped messages were acknowledged, in time or not. @param topic where they lie */
  acknowledged(topic: string, group: string, messages: number): void {
    const now = this.#clock.now();
    this.#allAcknowledged.add(messages, 0, 0, now);
    this.#acknowledged.add(`${topic}@${group}`, messages, 0, 1, now);
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
    const [table, column] = this.#named.get(statsName) ?? [];
    return table?.get(statsKey)?.view(column ?? StatsColumn.NUMS, now);
  }

  deleteTopic(topic: string): void {
    this.#put.delete(topic);
    const ofPops = [this.#acknowledged, this.#checkpoints];
    for (const table of [this.#got, this.#sentBack, this.#queuePut, this.#queueGot, ...ofPops]) {
      table.deleteWhere((key) => key.startsWith(`${topic}@`));
    }
    for (const table of [this.#latency, this.#dead]) table.deleteWhere((key) => key.includes(`@${topic}@`));
  }

  deleteGroup(group: string): void {
    for (const table of [this.#got, this.#sentBack, this.#latency, this.#acknowledged, this.#checkpoints]) {
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
      case 'BROKER_ACK_NUMS':
        return this.#allAcknowledged.view(StatsColumn.NUMS, now);
      case 'BROKER_CK_NUMS':
        return this.#allCheckpoints.view(StatsColumn.NUMS, now);
      default:
        return undefined;
    }
  }

  #tablesByName(): Record<string, [StatsTable, StatsColumn]> {
    const { NUMS, SIZE } = StatsColumn;
    return {
      TOPIC_PUT_NUMS: [this.#put, NUMS],
      TOPIC_PUT_SIZE: [this.#put, SIZE],
      GROUP_GET_NUMS: [this.#got, NUMS],
      GROUP_GET_SIZE: [this.#got, SIZE],
      GROUP_GET_LATENCY: [this.#latency, NUMS],
      GROUP_ACK_NUMS: [this.#acknowledged, NUMS],
      GROUP_CK_NUMS: [this.#checkpoints, NUMS],
      SNDBCK_PUT_NUMS: [this.#sentBack, NUMS],
      SNDBCK2DLQ_TIMES: [this.#dead, NUMS],
      QUEUE_PUT_NUMS: [this.#queuePut, NUMS],
      QUEUE_PUT_SIZE: [this.#queuePut, SIZE],
      QUEUE_GET_NUMS: [this.#queueGot, NUMS],
      QUEUE_GET_SIZE: [this.#queueGot, SIZE],
    };
  }
}

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
