// The order in which the module's parts start and stop with the app.
import { Inject, Injectable } from '@nestjs/common';
import type {
  BeforeApplicationShutdown,
  OnApplicationBootstrap,
  OnApplicationShutdown,
  OnModuleDestroy,
  OnModuleInit,
} from '@nestjs/common';
import { LazyModules } from './listeners/lazy-modules.js';
import { LifecycleHooks } from './nest/lifecycle-hooks.js';
import { RocketMQConnection } from './rocketmq-connection.js';
import { RocketMQListeners } from './listeners/rocketmq-listeners.js';
import type { ResolvedOptions } from './options/rocketmq.options.js';
import { ROCKETMQ_RESOLVED_OPTIONS } from './rocketmq.tokens.js';
import { TransactionListeners } from './transactions/transaction-listeners.js';

@Injectable()
export class RocketMQLifecycle
  implements OnModuleInit, OnApplicationBootstrap, OnModuleDestroy, BeforeApplicationShutdown, OnApplicationShutdown
{
  constructor(
    private readonly listeners: RocketMQListeners,
    private readonly transactions: TransactionListeners,
    private readonly connection: RocketMQConnection,
    private readonly lazyModules: LazyModules,
    private readonly hooks: LifecycleHooks,
    @Inject(ROCKETMQ_RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
  ) {}

  /** Wrong listeners are reported before anything is started that would have to be stopped again. */
  async onModuleInit(): Promise<void> {
    await this.#orClose(async () => {
      await this.listeners.discover();
      await this.transactions.discover();
      this.lazyModules.watch();
      await this.hooks.call('onModuleInit');
    });
  }

  /**
   * Not before: should another provider's onModuleInit fail, there is nothing to close, and Nest would call no hook to
   * close it. Who sends in onModuleInit starts the connection by that.
   */
  async onApplicationBootstrap(): Promise<void> {
    this.listeners.warnOfUnprovided();
    await this.#orClose(async () => {
      await this.connection.client();
      await this.hooks.call('onApplicationBootstrap');
      if (this.options.autoStart) await this.listeners.start();
    });
  }

  /** The first phase of a shutdown: databases are still open (they close in onApplicationShutdown), so listeners can finish. */
  async onModuleDestroy(): Promise<void> {
    this.connection.closing();
    await this.listeners.stop();
    await this.hooks.call('onModuleDestroy');
  }

  async beforeApplicationShutdown(signal?: string): Promise<void> {
    await this.hooks.call('beforeApplicationShutdown', signal);
  }

  /** The last phase: the HTTP server is closed by now, so nobody sends any more. */
  async onApplicationShutdown(signal?: string): Promise<void> {
    await this.hooks.call('onApplicationShutdown', signal);
    await this.connection.close();
  }

  /** Nest calls no shutdown hook for an app that did not come up: what was started for it is closed here. */
  async #orClose(start: () => Promise<void> | void): Promise<void> {
    try {
      await start();
    } catch (error) {
      this.connection.closing();
      await this.listeners.stop();
      await this.connection.close();
      throw error;
    }
  }
}
