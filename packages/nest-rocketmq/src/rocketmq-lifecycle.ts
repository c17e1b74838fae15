// Owns the order in which the module's parts start and stop with the app.
import { Inject, Injectable } from '@nestjs/common';
import type { OnApplicationBootstrap, OnApplicationShutdown, OnModuleDestroy, OnModuleInit } from '@nestjs/common';
import { RocketMQConnection } from './rocketmq-connection.js';
import { RocketMQListeners } from './rocketmq-listeners.js';
import type { ResolvedOptions } from './rocketmq.options.js';
import { ROCKETMQ_RESOLVED_OPTIONS } from './rocketmq.tokens.js';

@Injectable()
export class RocketMQLifecycle implements OnModuleInit, OnApplicationBootstrap, OnModuleDestroy, OnApplicationShutdown {
  constructor(
    private readonly listeners: RocketMQListeners,
    private readonly connection: RocketMQConnection,
    @Inject(ROCKETMQ_RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
  ) {}

  async onModuleInit(): Promise<void> {
    // Wrong listeners are reported before anything is started that would have to be stopped again.
    this.listeners.discover();
    await this.connection.client();
  }

  async onApplicationBootstrap(): Promise<void> {
    if (!this.options.autoStart) return;
    try {
      await this.listeners.start();
    } catch (error) {
      // Nest calls no shutdown hook for an app that did not come up.
      await this.listeners.stop();
      await this.connection.close();
      throw error;
    }
  }

  /** The first phase of a shutdown: databases are still open (they close in onApplicationShutdown), so listeners can finish. */
  async onModuleDestroy(): Promise<void> {
    await this.listeners.stop();
  }

  /** The last phase: the HTTP server is closed by now, so nobody sends any more. */
  async onApplicationShutdown(): Promise<void> {
    await this.connection.close();
  }
}
