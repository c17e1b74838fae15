// Starts and stops the module's parts with the app, in order.
import { Inject, Injectable } from '@nestjs/common';
import type {
  BeforeApplicationShutdown,
  OnApplicationBootstrap,
  OnApplicationShutdown,
  OnModuleDestroy,
  OnModuleInit,
} from '@nestjs/common';
import { RocketMQIdempotency } from './idempotency/rocketmq-idempotency.js';
import { LazyModules } from './listeners/lazy-modules.js';
import { LifecycleHooks } from './nest/lifecycle-hooks.js';
import { PullConsumers } from './pull/pull-consumers.js';
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
    private readonly pullConsumers: PullConsumers,
    private readonly transactions: TransactionListeners,
    private readonly connection: RocketMQConnection,
    private readonly lazyModules: LazyModules,
    private readonly hooks: LifecycleHooks,
    private readonly idempotency: RocketMQIdempotency,
    @Inject(ROCKETMQ_RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
  ) {}

  /** Reports wrong listeners before anything is started. */
  async onModuleInit(): Promise<void> {
    await this.#orClose(async () => {
      await this.listeners.discover();
      await this.transactions.discover();
      this.lazyModules.watch();
      await this.hooks.call('onModuleInit');
    });
  }

  /**
   * Connects and starts to listen. Not earlier: if another provider's onModuleInit fails, Nest calls no hook that could
   * close the connection. A send in onModuleInit does start it.
   */
  async onApplicationBootstrap(): Promise<void> {
    this.listeners.warnOfUnprovided();
    await this.#orClose(async () => {
      await this.connection.client();
      await this.hooks.call('onApplicationBootstrap');
      if (!this.options.autoStart) return;
      await this.listeners.start();
      await this.pullConsumers.start();
    });
  }

  /** Stops listening in the first phase of a shutdown: databases, which close in onApplicationShutdown, are still open. */
  async onModuleDestroy(): Promise<void> {
    this.connection.closing();
    await this.#stop();
    await this.hooks.call('onModuleDestroy');
  }

  async beforeApplicationShutdown(signal?: string): Promise<void> {
    await this.hooks.call('beforeApplicationShutdown', signal);
  }

  /** Closes the connection in the last phase: the HTTP server is closed, so nobody sends any more. */
  async onApplicationShutdown(signal?: string): Promise<void> {
    await this.hooks.call('onApplicationShutdown', signal);
    await this.connection.close();
  }

  /** Closes what was started if the app does not come up: Nest then calls no shutdown hook. */
  async #orClose(start: () => Promise<void> | void): Promise<void> {
    try {
      await start();
    } catch (error) {
      this.connection.closing();
      await this.#stop();
      await this.connection.close();
      throw error;
    }
  }

  async #stop(): Promise<void> {
    await Promise.all([this.listeners.stop(), this.pullConsumers.stop()]);
    await this.idempotency.stop();
  }
}
