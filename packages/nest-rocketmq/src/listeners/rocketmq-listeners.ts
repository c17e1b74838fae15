// Finds, groups, starts and stops all listeners of an app.
import { AsyncLocalStorage } from 'node:async_hooks';
import { InvalidOptionError } from '@nest-rocketmq/remoting/internal';
import { Inject, Injectable, Logger } from '@nestjs/common';
import { Subject } from 'rxjs';
import type { Observable } from 'rxjs';
import { ListenerContainer } from './listener-container.js';
import type { Consumption } from './listener-container.js';
import { ListenerExplorer } from '../discovery/listener-explorer.js';
import type { DiscoveredListener } from '../discovery/listener-explorer.js';
import type { RocketMQContext } from '../decorators/rocketmq-context.js';
import { Replier } from '../reply/replier.js';
import type { ReplyEvent } from '../reply/replier.js';
import { groupListeners } from './listener-groups.js';
import type { ListenerGroup } from './listener-groups.js';
import { RocketMQConnection } from '../rocketmq-connection.js';
import type { ResolvedOptions } from '../options/rocketmq.options.js';
import { ROCKETMQ_RESOLVED_OPTIONS } from '../rocketmq.tokens.js';
import { takeUnprovided } from '../decorators/unserved-listeners.js';

/**
 * All listeners of the app, to start, pause and resume them by hand. Inject it; the module creates it.
 */
@Injectable()
export class RocketMQListeners {
  readonly #logger = new Logger('RocketMQ');
  readonly #consumptions = new Subject<Consumption>();
  #inListener: AsyncLocalStorage<true> | undefined;
  #groups: ListenerGroup[] = [];
  #containers: ListenerContainer[] = [];
  /** By group: what `setConcurrency` has set. */
  readonly #concurrency = new Map<string, number>();
  #started = false;
  #adopting: Promise<void> = Promise.resolve();

  constructor(
    private readonly explorer: ListenerExplorer,
    private readonly connection: RocketMQConnection,
    private readonly replier: Replier,
    @Inject(ROCKETMQ_RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
  ) {}

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
    const { group, groupNeededOn, consumer } = this.options;
    const found = await this.explorer.messageListeners();
    this.#groups = groupListeners(found, group, groupNeededOn, consumer.consumeMode);
  }

  /**
   * Starts all listeners; does nothing if they are started. The module calls it when the app has bootstrapped, unless the
   * option `autoStart` is false.
   * @throws NameServerUnreachableError when no name server answers
   * @throws InvalidListenerError when a broker refuses an SQL92 condition
   */
  async start(): Promise<void> {
    if (this.#started) return;
    this.#started = true;
    try {
      await this.#startContainers(this.#groups);
    } catch (error) {
      // If one cannot start, all stop: a second call then starts from scratch.
      await this.stop();
      throw error;
    }
  }

  /**
   * Adds the listeners of modules that were loaded after the start. A group that gets another listener is restarted: the
   * listener may bring settings besides a topic, such as `consumeMode`, and those of a running consumer are fixed. Calls run
   * one after the other, since several modules may load at the same time.
   * @internal
   */
  async adopt(): Promise<void> {
    const adopting = this.#adopting.then(() => this.#addNew());
    this.#adopting = adopting.catch(() => undefined);
    // A listener that loads a module itself must not wait: its own group can be restarted only after it has ended.
    if (!this.#mayBeInListener) return adopting;
    adopting.catch((error: unknown) =>
      this.#logger.error(`the listeners of a module that a listener loaded could not be started: ${String(error)}`),
    );
  }

  /**
   * From now on it is known whether a listener loads a module. Not before it is needed: with an async storage, Node makes
   * every promise of the process dearer.
   * @internal
   */
  trackCalls(): void {
    this.#inListener ??= new AsyncLocalStorage();
  }

  /** Warns of decorated classes that no module provides, as far as can be known. @internal */
  warnOfUnprovided(): void {
    const names = takeUnprovided(this.explorer.classes());
    if (names.length === 0) return;
    this.#logger.warn(
      `nobody will call the listeners of ${names.join(', ')}: no module of this app has the class among its providers ` +
        `or controllers. Add it to one. If a request-scoped or transient factory makes it, the class must be its token.`,
    );
  }

  /**
   * Stops pulling messages. What was pulled already is still delivered.
   * @param group a consumer group; default: all groups of the app
   * @throws InvalidOptionError for a group that does not listen here
   */
  pause(group?: string): void {
    for (const container of this.#named(group)) container.pause();
  }

  /** Pulls again after `pause`. @param group default: all @throws InvalidOptionError for a group that does not listen here */
  resume(group?: string): void {
    for (const container of this.#named(group)) container.resume();
  }

  /**
   * Changes how many messages of a group are handled at the same time; those under way are not touched. It holds until
   * `stop`: the next start takes the option `concurrency` again.
   * @param group a consumer group
   * @param concurrency 1 to 1000
   * @throws InvalidOptionError for a group that does not listen here, and for a number out of this range
   */
  setConcurrency(group: string, concurrency: number): void {
    for (const container of this.#named(group)) container.setConcurrency(concurrency);
    this.#concurrency.set(group, concurrency);
  }

  /** Stops pulling, and waits for running listeners for at most the option `shutdownTimeout`. The module calls it at shutdown. */
  async stop(): Promise<void> {
    const containers = this.#containers;
    this.#containers = [];
    this.#concurrency.clear();
    this.#started = false;
    await this.#stopContainers(containers);
    await this.#adopting;
    // Until it is disabled, Node passes a storage on with every promise of the process, even if nothing refers to it any more.
    this.#inListener?.disable();
  }

  /** An app that looked the loader up by itself is not tracked. Then a listener may be the one, if any is running. */
  get #mayBeInListener(): boolean {
    return this.#inListener
      ? this.#inListener.getStore() === true
      : this.#containers.some(({ running }) => running > 0);
  }

  async #addNew(): Promise<void> {
    const before = this.#groups;
    await this.discover();
    if (!this.#started) return;
    const changed = this.#groups.filter((group) => !before.some((earlier) => earlier.equals(group)));
    const replaced = this.#containers.filter(({ name }) => changed.some(({ group }) => group === name));
    await this.#stopContainers(replaced);
    if (!this.#started) return; // the app was closed meanwhile
    this.#containers = this.#containers.filter((container) => !replaced.includes(container));
    await this.#startContainers(changed);
  }

  async #startContainers(groups: readonly ListenerGroup[]): Promise<void> {
    const client = await this.connection.client();
    const settings = {
      converter: this.options.messageConverter,
      defaults: this.options.consumer,
      clock: this.connection.clock,
      onConsumption: (consumption: Consumption) => this.#consumptions.next(consumption),
      answer: (listener: DiscoveredListener, context: RocketMQContext, returned: unknown) =>
        this.replier.answer(listener, context, returned),
      track: <T>(call: () => T): T => (this.#inListener ? this.#inListener.run(true, call) : call()),
    };
    const containers = groups.map((group) => new ListenerContainer(client, group, settings));
    for (const container of containers) {
      const set = this.#concurrency.get(container.name);
      if (set !== undefined) container.setConcurrency(set);
    }
    this.#containers.push(...containers);
    await Promise.all(containers.map((container) => container.start()));
    if (containers.length === 0) return;
    this.#logger.log(`listening for ${containers.map(({ summary }) => summary).join('; ')}`);
  }

  async #stopContainers(containers: readonly ListenerContainer[]): Promise<void> {
    await Promise.all(containers.map((container) => this.#stopContainer(container)));
  }

  /** An error in one group must not keep the others from stopping. */
  async #stopContainer(container: ListenerContainer): Promise<void> {
    try {
      await container.stop(this.options.shutdownTimeout);
    } catch (error) {
      this.#logger.error(`group ${container.name} did not stop cleanly: ${String(error)}`);
    }
  }

  #named(group: string | undefined): ListenerContainer[] {
    if (group === undefined) return this.#containers;
    const found = this.#containers.filter((container) => container.name === group);
    if (found.length > 0) return found;
    const running = this.#containers.map((container) => container.name).join(', ') || 'none';
    throw new InvalidOptionError('group', group, `a consumer group that listens in this app: ${running}`);
  }
}
