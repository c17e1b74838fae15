// Keeps the settings of the consumer groups (subscriptionGroup.json).
import {
  RequestRefusedError,
  ResponseCode,
  decodeDataVersion,
  decodeSubscriptionGroupConfig,
  objectOf,
  subscriptionGroupConfig,
} from '@nest-rocketmq/remoting/internal';
import type { Clock, DataVersion, Logger, SubscriptionGroupConfig } from '@nest-rocketmq/remoting/internal';
import { haveWholeNumbers, usableEntries } from './config-entries.js';
import type { ConfigFile } from './config-file.js';
import { ForbiddenReads, MOST_FORBIDDEN } from './forbidden-reads.js';
import { LimitExceededError, integerFault } from '../config/limits.js';
import { SYSTEM_GROUPS, isGroupName, isSystemGroup } from './names.js';
import { WriteThroughSave } from './write-through-save.js';

/** Highest numbers of a saved group. A higher one means damage. */
const MOST = { retryQueueNums: Number.MAX_SAFE_INTEGER };

export interface GroupsOptions {
  file: ConfigFile;
  /** What the file holds: as `ConfigFile.load` gives it. */
  saved: unknown;
  clock: Clock;
  logger: Logger;
  autoCreateSubscriptionGroup: boolean;
  maxSubscriptionGroups: number;
  maxTopicQueueNums: number;
}

const INT_MAX = 0x7fffffff;

/** What the numbers of a group's settings may be, but for its retry queues, which an option limits. */
const RANGES = {
  retryMaxTimes: [-1, INT_MAX],
  brokerId: [0, INT_MAX],
  whichBrokerWhenConsumeSlowly: [0, INT_MAX],
  groupSysFlag: [-INT_MAX - 1, INT_MAX],
  consumeTimeoutMinute: [0, INT_MAX],
} satisfies Partial<Record<keyof SubscriptionGroupConfig, [number, number]>>;
type NumberName = keyof typeof RANGES | 'retryQueueNums';

export class Groups {
  /** Entries of the file that could not be used. */
  leftOut = 0;
  readonly #clock: Clock;
  readonly #options: GroupsOptions;
  readonly #table = new Map<string, SubscriptionGroupConfig>();
  readonly #forbidden = new ForbiddenReads();
  readonly #save: WriteThroughSave;
  #version: DataVersion;

  constructor(options: GroupsOptions) {
    const { file, clock, logger } = options;
    this.#clock = clock;
    this.#options = options;
    this.#save = new WriteThroughSave({ file, logger, content: () => this.json });
    this.#version = { counter: 0, stateVersion: 0, timestamp: clock.now() };
    for (const group of SYSTEM_GROUPS) this.#table.set(group, subscriptionGroupConfig(group));
    this.#load(options.saved, logger);
  }

  get(group: string): SubscriptionGroupConfig | undefined {
    return this.#table.get(group);
  }

  /**
   * The group's settings. A group that does not exist is created with the defaults where the options allow that. It can
   * be used before it is saved: where it is missing it is created again.
   * @throws LimitExceededError where there are as many groups as may be
   */
  findOrCreate(group: string): SubscriptionGroupConfig | undefined {
    const known = this.#table.get(group);
    if (known) return known;
    if (!this.#options.autoCreateSubscriptionGroup && !isSystemGroup(group)) return undefined;
    return isGroupName(group) ? this.put(subscriptionGroupConfig(group)) : undefined;
  }

  /** Creates a group that was lost, with the default settings, even where traffic may not create groups. */
  restore(group: string): SubscriptionGroupConfig {
    return this.#set(subscriptionGroupConfig(group));
  }

  /** What is wrong with the numbers of a group's settings; undefined when nothing is. */
  faultOf(config: SubscriptionGroupConfig): string | undefined {
    for (const [name, [min, max]] of Object.entries(this.#ranges())) {
      const fault = integerFault(name, config[name as NumberName], min, max);
      if (fault !== undefined) return fault;
    }
    return undefined;
  }

  #ranges(): Record<NumberName, [min: number, max: number]> {
    return { ...RANGES, retryQueueNums: [0, this.#options.maxTopicQueueNums] };
  }

  /** @throws LimitExceededError */
  put(config: SubscriptionGroupConfig): SubscriptionGroupConfig {
    this.putAll([config]);
    return config;
  }

  /** Makes the groups or replaces their settings: all of them, or none. @throws LimitExceededError */
  putAll(configs: readonly SubscriptionGroupConfig[]): void {
    const { maxSubscriptionGroups } = this.#options;
    const made = new Set(configs.map(({ groupName }) => groupName).filter((name) => !this.#table.has(name))).size;
    if (made > 0 && this.#table.size - SYSTEM_GROUPS.length + made > maxSubscriptionGroups)
      throw new LimitExceededError('consumer groups', 'maxSubscriptionGroups', maxSubscriptionGroups);
    for (const config of configs) this.#set(config);
  }

  #set(config: SubscriptionGroupConfig): SubscriptionGroupConfig {
    this.#table.set(config.groupName, config);
    this.#changed(config.groupName);
    return config;
  }

  isReadingForbidden(group: string, topic: string): boolean {
    return this.#forbidden.has(group, topic);
  }

  /** @throws RequestRefusedError where there are as many as may be */
  forbidReading(group: string, topic: string, forbidden: boolean): void {
    if (!this.#forbidden.set(group, topic, forbidden)) {
      const remark = `groups may not read ${MOST_FORBIDDEN} topics already, which is the most: let some read again`;
      throw new RequestRefusedError(ResponseCode.INVALID_PARAMETER, remark);
    }
    this.#changed(group);
  }

  delete(group: string): void {
    if (this.#table.delete(group)) this.#changed(group);
  }

  all(): SubscriptionGroupConfig[] {
    return [...this.#table.values()];
  }

  /** All groups and their version, as in the file and in answers. */
  get json(): object {
    const subscriptionGroupTable = Object.fromEntries(this.#table);
    return { dataVersion: this.#version, forbiddenTable: this.#forbidden.json, subscriptionGroupTable };
  }

  /** As of a topic: `Topics.whenSaved`. */
  whenSaved(group: string): Promise<void> | undefined {
    return this.#save.whenSaved(group);
  }

  flush(): Promise<void> {
    return this.#save.save();
  }

  #changed(group: string): void {
    const { counter, stateVersion } = this.#version;
    this.#version = { counter: counter + 1, stateVersion, timestamp: this.#clock.now() };
    this.#save.changed(group);
  }

  #load(loaded: unknown, logger: Logger): void {
    if (loaded === undefined) return;
    const { dataVersion, subscriptionGroupTable, forbiddenTable } = objectOf(loaded);
    this.#forbidden.load(forbiddenTable, logger);
    this.#version = decodeDataVersion(dataVersion);
    const decode = (groupName: string, json: unknown): SubscriptionGroupConfig | undefined =>
      isGroupName(groupName) && haveWholeNumbers(json, MOST)
        ? decodeSubscriptionGroupConfig({ ...json, groupName })
        : undefined;
    const { usable, leftOut } = usableEntries(
      'groups of subscriptionGroup.json',
      subscriptionGroupTable,
      decode,
      logger,
    );
    for (const [group, config] of usable) this.#table.set(group, this.#bounded(config));
    this.leftOut = leftOut;
  }

  /** Replaces numbers that are not allowed by the defaults: the file may hold anything. */
  #bounded(config: SubscriptionGroupConfig): SubscriptionGroupConfig {
    const fault = this.faultOf(config);
    if (fault === undefined) return config;
    this.#options.logger.warn(`subscriptionGroup.json, group ${config.groupName}: ${fault}; the defaults are taken`);
    const defaults = subscriptionGroupConfig(config.groupName);
    const names = Object.keys(this.#ranges()) as NumberName[];
    return { ...config, ...Object.fromEntries(names.map((name) => [name, defaults[name]])) };
  }
}
