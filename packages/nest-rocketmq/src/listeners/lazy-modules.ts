// Starts the listeners of modules that are loaded while the app runs.
import { Injectable } from '@nestjs/common';
import { LazyModuleLoader } from '@nestjs/core';
import { RocketMQConnection } from '../rocketmq-connection.js';
import { ListenerExplorer } from '../discovery/listener-explorer.js';
import { RocketMQListeners } from './rocketmq-listeners.js';
import { TransactionListeners } from '../transactions/transaction-listeners.js';

@Injectable()
export class LazyModules {
  constructor(
    private readonly loader: LazyModuleLoader,
    private readonly listeners: RocketMQListeners,
    private readonly transactions: TransactionListeners,
    private readonly connection: RocketMQConnection,
    private readonly explorer: ListenerExplorer,
  ) {}

  /** Nest calls no hook for such a module, so this wraps `load` of the app's one loader. */
  watch(): void {
    const load = this.loader.load.bind(this.loader);
    this.loader.load = async (...args: Parameters<LazyModuleLoader['load']>) => {
      const loaded = await load(...args);
      await this.connection.declareTopics();
      await this.transactions.discover();
      await this.listeners.adopt();
      this.#track();
      return loaded;
    };
    this.#track();
  }

  #track(): void {
    if (this.explorer.injects(LazyModuleLoader, LazyModules)) this.listeners.trackCalls();
  }
}
