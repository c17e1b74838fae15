// Owns the Nest module: which providers there are, and the forms in which it is given its options.
import { ConfigurableModuleBuilder, Logger, Module } from '@nestjs/common';
import type { ConfigurableModuleAsyncOptions, DynamicModule, FactoryProvider } from '@nestjs/common';
import { DiscoveryModule, ModulesContainer } from '@nestjs/core';
import { ClusterBackend } from './backend.js';
import type { RocketMQBackend } from './backend.js';
import { EmbeddedBackend } from './embedded-backend.js';
import { ListenerExplorer } from './listener-explorer.js';
import { RocketMQConnection } from './rocketmq-connection.js';
import { RocketMQLifecycle } from './rocketmq-lifecycle.js';
import { RocketMQListeners } from './rocketmq-listeners.js';
import { RocketMQTemplate } from './rocketmq-template.js';
import { resolveOptions } from './rocketmq.options.js';
import type { ResolvedOptions, RocketMQModuleOptions } from './rocketmq.options.js';
import { ROCKETMQ_BACKEND, ROCKETMQ_OPTIONS, ROCKETMQ_RESOLVED_OPTIONS } from './rocketmq.tokens.js';
import { refuseSecondModule } from './single-module.js';
import { TransactionListeners } from './transaction-listeners.js';

/** Implemented by the class that `forRootAsync({ useClass })` or `({ useExisting })` names. */
export interface RocketMQOptionsFactory {
  createRocketMQOptions(): RocketMQModuleOptions | Promise<RocketMQModuleOptions>;
}

interface ModuleExtras {
  /** Whether other modules see the template without importing this one. Default true. */
  isGlobal?: boolean;
}

export type RocketMQModuleAsyncOptions = ConfigurableModuleAsyncOptions<
  RocketMQModuleOptions,
  'createRocketMQOptions'
> &
  ModuleExtras;

const resolvedOptions: FactoryProvider = {
  provide: ROCKETMQ_RESOLVED_OPTIONS,
  inject: [ROCKETMQ_OPTIONS, ModulesContainer],
  useFactory: (given: RocketMQModuleOptions, modules: ModulesContainer): ResolvedOptions => {
    refuseSecondModule(modules);
    return resolveOptions(given);
  },
};

const backend: FactoryProvider = {
  provide: ROCKETMQ_BACKEND,
  inject: [ROCKETMQ_RESOLVED_OPTIONS],
  useFactory: ({ backend: choice }: ResolvedOptions): RocketMQBackend => {
    if (choice.kind === 'custom') return choice.backend;
    if (choice.kind === 'cluster') return new ClusterBackend(choice.nameServer);
    return new EmbeddedBackend(choice.embedded, new Logger('RocketMQ'));
  },
};

const { ConfigurableModuleClass } = new ConfigurableModuleBuilder<RocketMQModuleOptions>({
  optionsInjectionToken: ROCKETMQ_OPTIONS,
})
  .setClassMethodName('forRoot')
  .setFactoryMethodName('createRocketMQOptions')
  .setExtras<ModuleExtras>({ isGlobal: true }, (definition, { isGlobal }) => ({ ...definition, global: isGlobal }))
  .build();

@Module({
  imports: [DiscoveryModule],
  providers: [
    resolvedOptions,
    backend,
    ListenerExplorer,
    TransactionListeners,
    RocketMQConnection,
    RocketMQListeners,
    RocketMQLifecycle,
    RocketMQTemplate,
  ],
  exports: [RocketMQTemplate, RocketMQListeners],
})
export class RocketMQModule extends ConfigurableModuleClass {
  /**
   * Without options a broker runs inside the app and stores its messages under `.rocketmq/` in the working directory;
   * with the environment's ROCKETMQ_NAME_SERVER, or `{ nameServer: 'host:9876;host2:9876' }`, the app joins a cluster.
   */
  static override forRoot(options: RocketMQModuleOptions & ModuleExtras = {}): DynamicModule {
    return super.forRoot(options);
  }

  /** The options come from `useFactory` (with `inject`), `useClass` or `useExisting`. */
  static override forRootAsync(options: RocketMQModuleAsyncOptions): DynamicModule {
    return super.forRootAsync(options);
  }
}
