// Owns all listeners of an app: found, grouped, started and stopped together.
import { InvalidOptionError } from '@nest-rocketmq/remoting/internal';
import { Inject, Injectable, Logger } from '@nestjs/common';
import { Subject } from 'rxjs';
import type { Observable } from 'rxjs';
import { ListenerContainer } from './listener-container.js';
import type { Consumption } from './listener-container.js';
import { ListenerExplorer } from '../discovery/listener-explorer.js';
import { groupListeners } from './listener-groups.js';
import type { ListenerGroup } from './listener-groups.js';
import { RocketMQConnection } from '../rocketmq-connection.js';
import type { ResolvedOptions } from '../options/rocketmq.options.js';
import { ROCKETMQ_RESOLVED_OPTIONS } from '../rocketmq.tokens.js';
import { takeUnprovided } from '../decorators/unserved-listeners.js';

@Injectable()
export class RocketMQListeners {
  readonly #logger = new Logger('RocketMQ');
  readonly #consumptions = new Subject<Consumption>();
  #groups: ListenerGroup[] = [];
  #containers: ListenerContainer[] = [];
  #started = false;
  #adopting: Promise<void> = Promise.resolve();

  constructor(
    private readonly explorer: ListenerExplorer,
    private readonly connection: RocketMQConnection,
    @Inject(ROCKETMQ_RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
  ) {}

  /** What became of each delivery, as it becomes known. For tests and metrics; it has no part in acknowledging. */
  get consumptions(): Observable<Consumption> {
    return this.#consumptions;
  }

  /** Finds the app's listeners. @throws GroupMissingError, ListenerConflictError, InvalidListenerError, InvalidOptionError */
  async discover(): Promise<void> {
    const { group, groupNeededOn } = this.options;
    this.#groups = groupListeners(await this.explorer.messageListeners(), group, groupNeededOn);
  }

  /** Starts what does not listen yet. Called by the module when the app has bootstrapped, unless autoStart is false. */
  async start(): Promise<void> {
    if (this.#started) return;
    this.#started = true;
    try {
      await this.#startContainers(this.#groups);
    } catch (error) {
      // One that cannot start stops all: a second call begins anew.
      await this.stop();
      throw error;
    }
  }

  /**
   * Takes in the listeners of a module that was loaded after the start. A consumer group that gets one more starts anew
   * with it: a consumer's subscriptions are fixed. One call after the other, as modules may be loaded at the same time.
   */
  async adopt(): Promise<void> {
    const adopting = this.#adopting.then(() => this.#takeInNew());
    this.#adopting = adopting.catch(() => undefined);
    // A listener that loads a module itself does not wait: its group could not start anew before it has ended.
    if (!this.#containers.some((container) => container.isRunningHere())) return adopting;
    adopting.catch((error: unknown) =>
      this.#logger.error(`the listeners of a module that a listener has loaded do not listen: ${String(error)}`),
    );
  }

  /** Says which classes are decorated but in no module, as far as can be known. */
  warnOfUnprovided(): void {
    const names = takeUnprovided(this.explorer.classes());
    if (names.length === 0) return;
    this.#logger.warn(
      `nobody will call the listeners of ${names.join(', ')}: no module of this app has the class among its providers ` +
        `or controllers. Add it to one. Where a request-scoped or transient factory makes it, provide it under the class.`,
    );
  }

  /** Pulls no more for the group, or for all. What was pulled already is still delivered. */
  pause(group?: string): void {
    for (const container of this.#named(group)) container.pause();
  }

  resume(group?: string): void {
    for (const container of this.#named(group)) container.resume();
  }

  /** Stops pulling and waits for running listeners, at most `shutdownTimeout`. */
  async stop(): Promise<void> {
    const containers = this.#containers;
    this.#containers = [];
    this.#started = false;
    await this.#stopContainers(containers);
    await this.#adopting;
  }

  async #takeInNew(): Promise<void> {
    const before = this.#groups;
    await this.discover();
    if (!this.#started) return;
    const changed = this.#groups.filter((group) => !before.some((earlier) => earlier.equals(group)));
    const replaced = this.#containers.filter(({ name }) => changed.some(({ group }) => group === name));
    await this.#stopContainers(replaced);
    if (!this.#started) return; // the app has closed meanwhile
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
    };
    const containers = groups.map((group) => new ListenerContainer(client, group, settings));
    this.#containers.push(...containers);
    await Promise.all(containers.map((container) => container.start()));
    if (containers.length === 0) return;
    this.#logger.log(`listening for ${containers.map(({ summary }) => summary).join('; ')}`);
  }

  async #stopContainers(containers: readonly ListenerContainer[]): Promise<void> {
    const stopped = await Promise.allSettled(
      containers.map((container) => container.stop(this.options.shutdownTimeout)),
    );
    for (const [index, result] of stopped.entries()) {
      if (result.status === 'rejected') {
        this.#logger.error(`group ${containers[index].name} did not stop cleanly: ${String(result.reason)}`);
      }
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
