// Keeps the topics and creates them (topics.json).
import {
  AUTO_CREATE_TOPIC_KEY,
  HALF_TOPIC,
  OFFSET_MOVED_EVENT,
  OP_HALF_TOPIC,
  Permission,
  SCHEDULE_TOPIC,
  SELF_TEST_TOPIC,
  TIMER_TOPIC,
  decodeDataVersion,
  decodeTopicConfig,
  isDLQTopic,
  isRetryTopic,
  objectOf,
  replyTopic,
  reviveTopic,
  topicConfig,
} from '@nest-rocketmq/remoting/internal';
import type { Clock, DataVersion, Logger, TopicConfig, TopicTable } from '@nest-rocketmq/remoting/internal';
import { TOPIC_ATTRIBUTES, attributesFault } from './attributes.js';
import { haveWholeNumbers, usableEntries } from './config-entries.js';
import type { ConfigFile } from './config-file.js';
import { LimitExceededError, requireAtMost } from '../config/limits.js';
import { BENCHMARK_TOPIC, TRACE_TOPIC, topicNameFault } from './names.js';
import { WriteThroughSave } from './write-through-save.js';

const READ_WRITE = Permission.READ | Permission.WRITE;

/** What the numbers of a saved topic can be: the rest is damage. */
const MOST = { readQueueNums: 65_536, writeQueueNums: 65_536, perm: 15 };

const SCHEDULE_QUEUES = 18;
const BENCHMARK_QUEUES = 1024;
const CLUSTER_TOPIC_QUEUES = 16;
/** As many as Apache's brokers have by default. */
export const REVIVE_QUEUES = 8;

export interface TopicsOptions {
  file: ConfigFile;
  /** What the file holds: as `ConfigFile.load` gives it. */
  saved: unknown;
  clock: Clock;
  logger: Logger;
  brokerName: string;
  brokerClusterName: string;
  autoCreateTopicEnable: boolean;
  defaultTopicQueueNums: number;
  traceTopicEnable: boolean;
  msgTraceTopicName?: string;
  maxTopics: number;
  maxSubscriptionGroups: number;
  maxTopicQueueNums: number;
}

/** Most queues that a topic is opened with: Apache has no limit, and what is stored in them must be served. */
export const MOST_LOADED_QUEUES = 65_535;

export class Topics {
  readonly #clock: Clock;
  readonly #table = new Map<string, TopicConfig>();
  /** Topics of groups, for their retries and dead letters. */
  #ofGroups = 0;
  readonly #options: TopicsOptions;
  readonly #save: WriteThroughSave;
  #version: DataVersion;
  /** The topics that no user made: tools leave them out of what they export. */
  readonly systemTopicNames: readonly string[];
  /** Entries of the file that could not be used. */
  leftOut = 0;
  readonly #listeners: ((changed: TopicConfig) => void)[] = [];

  constructor(options: TopicsOptions) {
    const { file, clock, logger } = options;
    this.#options = options;
    this.#clock = clock;
    this.#save = new WriteThroughSave({ file, logger, content: () => this.#json() });
    this.#version = { counter: 0, stateVersion: 0, timestamp: clock.now() };
    const ours = systemTopics(options);
    this.systemTopicNames = ours.map((config) => config.topicName);
    for (const config of ours) this.#table.set(config.topicName, config);
    this.#load(options.saved, logger);
    if (!options.autoCreateTopicEnable) this.#table.delete(AUTO_CREATE_TOPIC_KEY);
  }

  get(topic: string): TopicConfig | undefined {
    return this.#table.get(topic);
  }

  /** All topics and their version, as they are told to others. */
  get table(): TopicTable {
    return { dataVersion: this.#version, topicConfigTable: this.#table };
  }

  /** Calls back with each topic that is made or changed. */
  onChanged(listener: (changed: TopicConfig) => void): void {
    this.#listeners.push(listener);
  }

  /**
   * The topic a message is sent to, made by the rule of the default topic when it is not there yet.
   * @param queues how many queues the producer asks for; the default topic's number is the ceiling
   * @throws LimitExceededError where there are as many topics as may be
   */
  findOrCreate(topic: string, defaultTopic: string, queues: number): TopicConfig | undefined {
    const known = this.#table.get(topic);
    if (known) return known;
    if (isRetryTopic(topic)) {
      // Its group is looked at later.
      this.#requireRoom(topic);
      return this.create(topic, 1);
    }
    const model = this.#table.get(defaultTopic);
    if (!model || !(model.perm & Permission.INHERIT) || topicNameFault(topic)) return undefined;
    const count = Math.max(1, Math.min(queues, model.writeQueueNums));
    return this.put({
      ...plainTopic(topic, count, model.perm & ~Permission.INHERIT),
      topicFilterType: model.topicFilterType,
    });
  }

  /**
   * A topic of this name, made with `queues` queues when it is not there yet: for the broker itself, and for the retries
   * and dead letters of a group that there is. As groups are limited it needs no limit, and what failed must find its place.
   */
  create(topic: string, queues: number, perm: number = READ_WRITE): TopicConfig {
    return this.#table.get(topic) ?? this.#store(plainTopic(topic, queues, perm));
  }

  /** Makes the topic or replaces what it was. @throws LimitExceededError */
  put(config: TopicConfig): TopicConfig {
    this.putAll([config]);
    return config;
  }

  /** Makes the topics or replaces what they were: all of them, or none. @throws LimitExceededError */
  putAll(configs: readonly TopicConfig[]): void {
    const { maxTopicQueueNums: most } = this.#options;
    for (const { readQueueNums, writeQueueNums } of configs)
      requireAtMost(Math.max(readQueueNums, writeQueueNums), most, 'maxTopicQueueNums', 'queues of a topic');
    const names = new Set(configs.map(({ topicName }) => topicName));
    this.#requireRoom(...[...names].filter((name) => !this.#table.has(name)));
    for (const config of configs) this.#store(config);
  }

  #store(config: TopicConfig): TopicConfig {
    this.#add(config);
    this.#changed(config.topicName);
    for (const listener of this.#listeners) listener(config);
    return config;
  }

  delete(topic: string): boolean {
    if (!this.#table.delete(topic)) return false;
    if (isOfGroup(topic)) this.#ofGroups--;
    this.#changed(topic);
    return true;
  }

  /**
   * Undefined where the topic, or that it is deleted, survives a loss of power; else resolves when it does: before that
   * nothing is promised to anybody about it. Rejects where the disk does not take it, and tries again when asked again.
   */
  whenSaved(topic: string): Promise<void> | undefined {
    return this.#save.whenSaved(topic);
  }

  /** Writes all topics to the file, as Apache does at a clean stop. */
  flush(): Promise<void> {
    return this.#save.save();
  }

  #add(config: TopicConfig): void {
    if (isOfGroup(config.topicName) && !this.#table.has(config.topicName)) this.#ofGroups++;
    this.#table.set(config.topicName, config);
  }

  /** @throws LimitExceededError where the topic is not there and may not be created */
  requireRoomFor(topic: string): void {
    if (!this.#table.has(topic)) this.#requireRoom(topic);
  }

  /** Whoever makes them, messages or an administrator, counts alike. */
  #requireRoom(...topics: readonly string[]): void {
    const { maxTopics, maxSubscriptionGroups } = this.#options;
    const ofGroups = topics.filter(isOfGroup).length;
    const others = topics.length - ofGroups;
    if (others > 0 && this.#table.size - this.#ofGroups - this.systemTopicNames.length + others > maxTopics)
      throw new LimitExceededError('topics', 'maxTopics', maxTopics);
    if (ofGroups > 0 && this.#ofGroups + ofGroups > 2 * maxSubscriptionGroups)
      throw new LimitExceededError('retry and dead-letter topics', 'maxSubscriptionGroups', maxSubscriptionGroups);
  }

  #json(): object {
    return { dataVersion: this.#version, topicConfigTable: Object.fromEntries(this.#table) };
  }

  #changed(topic: string): void {
    const { counter, stateVersion } = this.#version;
    this.#version = { counter: counter + 1, stateVersion, timestamp: this.#clock.now() };
    this.#save.changed(topic);
  }

  #load(saved: unknown, logger: Logger): void {
    if (saved === undefined) return;
    const { dataVersion, topicConfigTable } = objectOf(saved);
    this.#version = decodeDataVersion(dataVersion);
    const decode = (topicName: string, json: unknown): TopicConfig | undefined =>
      topicNameFault(topicName) === undefined && haveWholeNumbers(json, MOST)
        ? decodeTopicConfig({ ...json, topicName })
        : undefined;
    const { usable, leftOut } = usableEntries('topics of topics.json', topicConfigTable, decode, logger);
    for (const [topic, config] of usable) {
      const fault = attributesFault(TOPIC_ATTRIBUTES, config.attributes);
      if (fault !== undefined) logger.warn(`topic ${topic} is kept as a plain topic: ${fault}`);
      this.#add(this.#bounded(config));
    }
    this.leftOut = leftOut;
  }

  /** A number in the file may be anything. What is cut is told, and saved so with the next change. */
  #bounded(config: TopicConfig): TopicConfig {
    const { maxTopicQueueNums, logger } = this.#options;
    const { topicName, readQueueNums, writeQueueNums } = config;
    const most = Math.max(readQueueNums, writeQueueNums);
    if (isCount(readQueueNums) && isCount(writeQueueNums) && most <= maxTopicQueueNums) return config;
    const bounded = { ...config, readQueueNums: loaded(readQueueNums), writeQueueNums: loaded(writeQueueNums) };
    const numbers = `readQueueNums ${readQueueNums} and writeQueueNums ${writeQueueNums}`;
    const taken = `${bounded.readQueueNums} and ${bounded.writeQueueNums} are taken`;
    logger.warn(`topics.json gives topic ${topicName} ${numbers}, maxTopicQueueNums is ${maxTopicQueueNums}: ${taken}`);
    return bounded;
  }
}

const isOfGroup = (topic: string): boolean => isRetryTopic(topic) || isDLQTopic(topic);
const isCount = (given: number): boolean => Number.isInteger(given) && given >= 0;
const loaded = (queues: number): number => (isCount(queues) ? Math.min(queues, MOST_LOADED_QUEUES) : 1);

/** A topic with as many queues to read as to write. */
export function plainTopic(topicName: string, queues: number, perm: number = READ_WRITE): TopicConfig {
  return topicConfig(topicName, { readQueueNums: queues, writeQueueNums: queues, perm });
}

function systemTopics(options: TopicsOptions): TopicConfig[] {
  const { brokerName, brokerClusterName: cluster } = options;
  const inherited = READ_WRITE | Permission.INHERIT;
  return [
    plainTopic(AUTO_CREATE_TOPIC_KEY, options.defaultTopicQueueNums, inherited),
    plainTopic(SELF_TEST_TOPIC, 1),
    plainTopic(BENCHMARK_TOPIC, BENCHMARK_QUEUES),
    plainTopic(cluster, CLUSTER_TOPIC_QUEUES, inherited),
    plainTopic(brokerName, 1, inherited),
    plainTopic(OFFSET_MOVED_EVENT, 1),
    plainTopic(SCHEDULE_TOPIC, SCHEDULE_QUEUES),
    plainTopic(TIMER_TOPIC, 1),
    ...(options.traceTopicEnable ? [plainTopic(options.msgTraceTopicName ?? TRACE_TOPIC, 1)] : []),
    plainTopic(replyTopic(cluster), 1),
    plainTopic(reviveTopic(cluster), REVIVE_QUEUES),
    plainTopic(HALF_TOPIC, 1),
    plainTopic(OP_HALF_TOPIC, 1),
  ];
}
