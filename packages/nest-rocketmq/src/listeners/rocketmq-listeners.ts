// Finds, groups, starts and stops all listeners of an app.
import { Inject, Injectable } from '@nestjs/common';
import type { Logger } from '@nestjs/common';
import type { RocketMQClient } from '@nest-rocketmq/client';
import { loggerOf } from '../options/cluster-logger.js';
import type { MessageQueue } from '@nest-rocketmq/remoting/internal';
import { Subject } from 'rxjs';
import type { Observable } from 'rxjs';
import { containersOf, groupNamed } from './find-group.js';
import { CallTracker } from './call-tracker.js';
import { ListenerContainer } from './listener-container.js';
import type { Consumption, ContainerSettings, ListenersUnderTest } from './container-settings.js';
import { ListenerExplorer } from '../discovery/listener-explorer.js';
import type { DiscoveredListener } from '../discovery/listener-explorer.js';
import { Replier } from '../reply/replier.js';
import type { ReplyEvent } from '../reply/replier.js';
import { statesOf } from './group-state.js';
import type { ListenerGroupState } from './group-state.js';
import { ListenerEvents } from './listener-events.js';
import type { ListenerEvent } from './listener-events.js';
import { GroupDiscovery } from './group-discovery.js';
import { subscribedGroup } from './subscribed-group.js';
import type { SubscribedGroup } from './subscribed-group.js';
import type { ListenerGroup } from './listener-groups.js';
import { RocketMQConnection } from '../rocketmq-connection.js';
import type { ResolvedOptions } from '../options/rocketmq.options.js';
import { ROCKETMQ_RESOLVED_OPTIONS } from '../rocketmq.tokens.js';
import { startContainers, stopContainers } from './start-and-stop.js';

/**
 * All listeners of the app, to start, pause and resume them by hand. Inject it; the module creates it.
 */
@Injectable()
export class RocketMQListeners {
  readonly #logger: Logger;
  readonly #consumptions = new Subject<Consumption>();
  readonly #calls = new CallTracker();
  /** Listeners that are no decorated methods. */
  readonly #discovery: GroupDiscovery;
  #groups: ListenerGroup[] = [];
  #containers: ListenerContainer[] = [];
  /** By group: what `setConcurrency` has set. */
  readonly #concurrency = new Map<string, number>();
  #started = false;
  #adopting: Promise<void> = Promise.resolve();

  /** Groups that `stop(group)` has stopped, and those that `start(group)` has not started yet, do not listen. */
  readonly #stopped = new Set<string>();
  readonly #starting = new Set<string>();
  readonly #events = new ListenerEvents();

  constructor(
    private readonly explorer: ListenerExplorer,
    /** @internal */ readonly connection: RocketMQConnection,
    private readonly replier: Replier,
    @Inject(ROCKETMQ_RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
  ) {
    this.#logger = loggerOf(options.cluster);
    this.#discovery = new GroupDiscovery(explorer, options, this.#logger);
    this.replier.events.subscribe((event) => this.#events.replied(event));
    connection.adopt(this);
  }

  /** What the testing kit works with. @internal */
  get underTest(): ListenersUnderTest {
    const { explorer, connection, options } = this;
    return { explorer, connection, options, settings: this.#settings() };
  }

  /** The testing kit's: holds a delivery back until the promise resolves. @internal */
  holdBack: ContainerSettings['holdBack'];

  /**
   * What becomes of each message (`consumed`, `failed`, `retried`, `dead-lettered`), of each answer to a request (`replied`),
   * and of the groups (`started`, `stopped`, `paused`, `resumed`). Subscribers have no influence on it.
   */
  get events(): Observable<ListenerEvent> {
    return this.#events.all;
  }

  /** The consumer groups of the app with their states, those that do not listen too. */
  list(): ListenerGroupState[] {
    return statesOf(this.#groups, this.#containers, this.options.consumer);
  }

  /** The outcome of each delivery, for tests and metrics. Subscribers have no influence on it. */
  get consumptions(): Observable<Consumption> {
    return this.#consumptions;
  }

  /** What became of each answer to a request, for metrics. Subscribers have no influence on it. */
  get replies(): Observable<ReplyEvent> {
    return this.replier.events;
  }

  /**
   * Finds the app's listeners. The module calls it in onModuleInit.
   * @throws GroupMissingError, ListenerConflictError, InvalidListenerError, InvalidOptionError
   */
  async discover(): Promise<void> {
    this.#groups = await this.#discovery.groups();
  }

  /**
   * Starts all listeners, or those of one group; does nothing for those that are started. The module calls it when the app has
   * bootstrapped, unless the option `autoStart` is false.
   * @param group a consumer group; default: all groups of the app
   * @throws NameServerUnreachableError when no name server answers
   * @throws InvalidListenerError when a broker refuses an SQL92 condition; InvalidOptionError for a group that the app does not have
   */
  async start(group?: string): Promise<void> {
    const wanted = group === undefined ? this.#groups : [groupNamed(this.#groups, group)];
    if (group === undefined) this.#stopped.clear();
    else if (!this.#started) for (const other of this.#groups) this.#stopped.add(other.group);
    if (group !== undefined) this.#stopped.delete(group);
    this.#started = true;
    this.#discovery.tellWhatIsOff();
    const before = this.#containers.length;
    try {
      await this.#startContainers(wanted.filter(({ group: name }) => !this.#isRunning(name)));
    } catch (error) {
      // If one cannot start, all of this call stop: a second call then starts from scratch.
      if (before === 0) await this.stop();
      else await this.#stopGroups(wanted);
      throw error;
    }
  }

  /**
   * Adds the listeners of modules that were loaded after the start, one module after the other. A group that gets another
   * listener is restarted: the settings of a running consumer, such as `consumeMode`, are fixed. @internal
   */
  async adopt(): Promise<void> {
    const adopting = this.#adoptNext();
    // A listener that loads a module itself must not wait: its own group can be restarted only after it has ended.
    // An app that looked the loader up by itself is not tracked. Then a listener may be the one, if any is running.
    const isInListener = this.#calls.isInCall ?? this.#containers.some(({ running }) => running > 0);
    if (!isInListener) return adopting;
    adopting.catch((error: unknown) =>
      this.#logger.error(`the listeners of a module that a listener loaded could not be started: ${String(error)}`),
    );
  }

  /** Has all groups go on behind what is there. @internal */
  async skipToEnd(end: (queue: MessageQueue) => number): Promise<void> {
    await Promise.all(this.#containers.map((container) => container.skipToEnd(end)));
  }

  /**
   * Adds listeners that are no decorated methods, such as the handlers of a microservice's patterns, now or at the start.
   * @returns takes them out again, and waits for those that run @internal
   */
  async include(listeners: readonly DiscoveredListener[]): Promise<() => Promise<void>> {
    const exclude = this.#discovery.include(listeners);
    try {
      await this.#adoptNext();
    } catch (error) {
      exclude();
      throw error;
    }
    return async () => {
      exclude();
      await this.#adoptNext();
    };
  }

  /** From now on it is known whether a listener loads a module. @internal */
  trackCalls(): void {
    this.#calls.start();
  }

  /** Warns of decorated classes that no module provides, as far as can be known. @internal */
  warnOfUnprovided(): void {
    this.#discovery.warnOfUnprovided();
  }

  /**
   * Stops pulling messages. What was pulled already is still delivered. @param group default: all
   * @throws InvalidOptionError for a group that does not listen here
   */
  pause(group?: string): void {
    for (const container of containersOf(this.#containers, group)) container.pause();
  }

  /** Pulls again after `pause`. @param group default: all @throws InvalidOptionError for a group that does not listen here */
  resume(group?: string): void {
    for (const container of containersOf(this.#containers, group)) container.resume();
  }

  /**
   * Changes how many messages of a group are handled at the same time; those under way are not touched. It holds until
   * `stop`: the next start takes the option `concurrency` again.
   * @param concurrency messages at the same time, 1 to 1000
   * @throws InvalidOptionError for a group that does not listen here, and for a number out of this range
   */
  setConcurrency(group: string, concurrency: number): void {
    for (const container of containersOf(this.#containers, group)) container.setConcurrency(concurrency);
    this.#concurrency.set(group, concurrency);
  }

  /**
   * Stops pulling, and waits for running listeners for at most the option `shutdownTimeout`. Other members of the group take
   * over its queues. The module calls it at shutdown. A listener must not await the stop of its own group: use `pause` there.
   * @param group a consumer group, until `start(group)`; default: all groups of the app
   * @throws InvalidOptionError for a group that the app does not have
   */
  async stop(group?: string): Promise<void> {
    if (group === undefined) return this.#stopAll();
    await this.#stopGroups([groupNamed(this.#groups, group)]);
  }

  async #stopGroups(groups: readonly ListenerGroup[]): Promise<void> {
    const stopping = this.#containers.filter(({ name }) => groups.some(({ group }) => group === name));
    for (const { group } of groups) {
      this.#stopped.add(group);
      this.#concurrency.delete(group);
    }
    this.#containers = this.#containers.filter((container) => !stopping.includes(container));
    await this.#stopContainers(stopping);
  }

  async #stopAll(): Promise<void> {
    const containers = this.#containers;
    this.#containers = [];
    this.#concurrency.clear();
    this.#started = false;
    await this.#stopContainers(containers);
    await this.#adopting;
    this.#calls.stop();
  }

  #adoptNext(): Promise<void> {
    const adopting = this.#adopting.then(() => this.#addNew());
    this.#adopting = adopting.catch(() => undefined);
    return adopting;
  }

  async #addNew(): Promise<void> {
    const before = this.#groups;
    await this.discover();
    if (!this.#started) return;
    const changed = this.#groups.filter((group) => !before.some((earlier) => earlier.equals(group)));
    const kept = this.#groups.filter((group) => !changed.includes(group));
    const replaced = this.#containers.filter(({ name }) => !kept.some(({ group }) => group === name));
    await this.#stopContainers(replaced);
    if (!this.#started) return; // the app was closed meanwhile
    this.#containers = this.#containers.filter((container) => !replaced.includes(container));
    await this.#startContainers(changed.filter(({ group }) => !this.#stopped.has(group)));
    const paused = replaced.filter(({ isPaused }) => isPaused).map(({ name }) => name);
    for (const container of this.#containers) if (paused.includes(container.name)) container.pause();
  }

  async #startContainers(wanted: readonly ListenerGroup[]): Promise<void> {
    for (const { group } of wanted) this.#starting.add(group);
    try {
      await this.#startAll(wanted, await this.connection.client());
    } finally {
      for (const { group } of wanted) this.#starting.delete(group);
    }
  }

  async #startAll(wanted: readonly ListenerGroup[], client: RocketMQClient): Promise<void> {
    // What was stopped meanwhile stays so.
    const groups = this.#started ? wanted.filter(({ group }) => !this.#stopped.has(group)) : [];
    const containers = groups.map((group) => new ListenerContainer(client, group, this.#settings()));
    for (const container of containers) {
      const set = this.#concurrency.get(container.name);
      if (set !== undefined) container.setConcurrency(set);
    }
    this.#containers.push(...containers);
    await startContainers(containers, this.#events, this.#logger);
  }

  #settings(): ContainerSettings {
    return {
      converter: this.options.messageConverter,
      defaults: this.options.consumer,
      clock: this.connection.clock,
      hooks: this.connection.hooks,
      onConsumption: (consumption) => this.#consumptions.next(consumption),
      answer: (listener, context, returned) => this.replier.answer(listener, context, returned),
      events: this.#events,
      track: (call) => this.#calls.track(call),
      holdBack: (context) => this.holdBack?.(context),
    };
  }

  /** What the app's listeners consume. @internal */
  subscribed(): SubscribedGroup[] {
    return this.#groups.map((group) => subscribedGroup(group, this.#containers, this.options));
  }

  #stopContainers(containers: readonly ListenerContainer[]): Promise<void> {
    return stopContainers(containers, this.options.shutdownTimeout, this.#events, this.#logger);
  }

  #isRunning(group: string): boolean {
    return this.#starting.has(group) || this.#containers.some(({ name }) => name === group);
  }
}
