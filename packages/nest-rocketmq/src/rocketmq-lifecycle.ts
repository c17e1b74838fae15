// Starts and stops a cluster's parts with the app, in order, and together with the app's other clusters.
import { Inject, Injectable } from '@nestjs/common';
import type {
  BeforeApplicationShutdown,
  OnApplicationBootstrap,
  OnApplicationShutdown,
  OnModuleDestroy,
  OnModuleInit,
} from '@nestjs/common';
import { RocketMQClusters } from './clusters/rocketmq-clusters.js';
import type { ClusterLifecycle } from './clusters/rocketmq-clusters.js';
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
  readonly #cluster: ClusterLifecycle;

  constructor(
    private readonly clusters: RocketMQClusters,
    private readonly listeners: RocketMQListeners,
    private readonly pullConsumers: PullConsumers,
    private readonly transactions: TransactionListeners,
    private readonly connection: RocketMQConnection,
    private readonly lazyModules: LazyModules,
    private readonly hooks: LifecycleHooks,
    private readonly idempotency: RocketMQIdempotency,
    @Inject(ROCKETMQ_RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
  ) {
    this.#cluster = this.#lifecycle();
    clusters.add(this.#cluster);
  }

  onModuleInit(): Promise<void> {
    return this.clusters.discover();
  }

  /**
   * Connects and starts to listen. Not earlier: if another provider's onModuleInit fails, Nest calls no hook that could
   * close the connection. A send in onModuleInit does start it.
   */
  onApplicationBootstrap(): Promise<void> {
    return this.clusters.start();
  }

  /** Stops listening in the first phase of a shutdown: databases, which close in onApplicationShutdown, are still open. */
  onModuleDestroy(): Promise<void> {
    return this.clusters.drain();
  }

  beforeApplicationShutdown(signal?: string): Promise<void> {
    return this.clusters.shutDown(signal);
  }

  /** Closes the connection in the last phase: the HTTP server is closed, so nobody sends any more. */
  onApplicationShutdown(signal?: string): Promise<void> {
    return this.clusters.close(signal);
  }

  #lifecycle(): ClusterLifecycle {
    const { listeners, hooks, connection, options } = this;
    return {
      name: options.cluster.name,
      discover: async () => {
        connection.discovering();
        await listeners.discover();
        await this.transactions.discover();
        this.lazyModules.watch();
        await hooks.call('onModuleInit');
      },
      warn: () => listeners.warnOfUnprovided(),
      connect: async () => {
        await connection.client();
      },
      listen: async () => {
        await hooks.call('onApplicationBootstrap');
        if (!options.autoStart) return;
        await listeners.start();
        await this.pullConsumers.start();
      },
      drain: async () => {
        await this.#drain();
        await hooks.call('onModuleDestroy');
      },
      shutDown: (signal) => hooks.call('beforeApplicationShutdown', signal),
      close: async (signal) => {
        await hooks.call('onApplicationShutdown', signal);
        await connection.close();
      },
      abort: async () => {
        await this.#drain();
        await connection.close();
      },
    };
  }

  async #drain(): Promise<void> {
    this.connection.closing();
    await Promise.all([this.listeners.stop(), this.pullConsumers.stop()]);
    await this.idempotency.stop();
  }
}
