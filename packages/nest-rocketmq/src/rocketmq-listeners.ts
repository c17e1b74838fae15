// Owns all listeners of an app: found, grouped, started and stopped together.
import { Inject, Injectable, Logger } from '@nestjs/common';
import { Subject } from 'rxjs';
import type { Observable } from 'rxjs';
import { InvalidOptionError } from './errors.js';
import { ListenerContainer } from './listener-container.js';
import type { Consumption } from './listener-container.js';
import { ListenerExplorer } from './listener-explorer.js';
import { groupListeners } from './listener-groups.js';
import type { ListenerGroup } from './listener-groups.js';
import { RocketMQConnection } from './rocketmq-connection.js';
import type { ResolvedOptions } from './rocketmq.options.js';
import { ROCKETMQ_RESOLVED_OPTIONS } from './rocketmq.tokens.js';

@Injectable()
export class RocketMQListeners {
  readonly #logger = new Logger('RocketMQ');
  readonly #consumptions = new Subject<Consumption>();
  #groups: ListenerGroup[] = [];
  #containers: ListenerContainer[] = [];

  constructor(
    private readonly explorer: ListenerExplorer,
    private readonly connection: RocketMQConnection,
    @Inject(ROCKETMQ_RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
  ) {}

  /** What became of each delivery, as it becomes known. For tests and metrics; it has no part in acknowledging. */
  get consumptions(): Observable<Consumption> {
    return this.#consumptions;
  }

  /** Finds the app's listeners. @throws ListenerConflictError, InvalidListenerError or InvalidOptionError */
  discover(): void {
    this.#groups = groupListeners(this.explorer.messageListeners(), this.options.group);
  }

  /** Starts what does not listen yet. Called by the module when the app has bootstrapped, unless autoStart is false. */
  async start(): Promise<void> {
    if (this.#containers.length > 0) return;
    const client = await this.connection.client();
    const settings = {
      converter: this.options.messageConverter,
      defaults: this.options.consumer,
      clock: this.connection.clock,
      onConsumption: (consumption: Consumption) => this.#consumptions.next(consumption),
    };
    this.#containers = this.#groups.map((group) => new ListenerContainer(client, group, settings));
    await this.#startAll();
    if (this.#containers.length === 0) return;
    this.#logger.log(`listening for ${this.#containers.map(({ summary }) => summary).join('; ')}`);
  }

  /** One that cannot start stops all: a second call begins anew. */
  async #startAll(): Promise<void> {
    try {
      await Promise.all(this.#containers.map((container) => container.start()));
    } catch (error) {
      await this.stop();
      throw error;
    }
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
