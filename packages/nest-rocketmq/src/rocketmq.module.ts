// Declares the Nest module: its providers, and the forms in which it takes its options.
import { InvalidOptionError } from '@nest-rocketmq/remoting/internal';
import { ConfigurableModuleBuilder, Logger, Module } from '@nestjs/common';
import type { ConfigurableModuleAsyncOptions, DynamicModule, FactoryProvider } from '@nestjs/common';
import { DiscoveryModule, ModulesContainer } from '@nestjs/core';
import { ClusterBackend } from './backends/backend.js';
import type { RocketMQBackend } from './backends/backend.js';
import { EmbeddedBackend } from './backends/embedded-backend.js';
import { RocketMQIdempotency } from './idempotency/rocketmq-idempotency.js';
import { ListenerExplorer } from './discovery/listener-explorer.js';
import { LazyModules } from './listeners/lazy-modules.js';
import { LifecycleHooks } from './nest/lifecycle-hooks.js';
import { checkBoolean, checkKeys, inside } from './option-checks.js';
import { RocketMQFeatureModule, pullConsumerProviders } from './pull/inject-pull-consumer.js';
import type { PullConsumerOptions } from './pull/pull-consumer-options.js';
import { PullConsumers } from './pull/pull-consumers.js';
import { Receiver } from './pull/receiver.js';
import { RocketMQConnection } from './rocketmq-connection.js';
import { RocketMQLifecycle } from './rocketmq-lifecycle.js';
import { RocketMQAdmin } from './admin/rocketmq-admin.js';
import { RocketMQListeners } from './listeners/rocketmq-listeners.js';
import { Replier } from './reply/replier.js';
import { Requester } from './template/requester.js';
import { RocketMQTemplate } from './template/rocketmq-template.js';
import { NAME_SERVER_ENV, resolveOptions } from './options/rocketmq.options.js';
import type { ResolvedOptions, RocketMQModuleOptions } from './options/rocketmq.options.js';
import {
  ROCKETMQ_BACKEND,
  ROCKETMQ_OPTIONS,
  ROCKETMQ_OPTIONS_ORIGIN,
  ROCKETMQ_RESOLVED_OPTIONS,
} from './rocketmq.tokens.js';
import { refuseSecondModule } from './single-module.js';
import { TransactionListeners } from './transactions/transaction-listeners.js';

/** What the class of `forRootAsync({ useClass })` or `({ useExisting })` implements. */
export interface RocketMQOptionsFactory {
  /** Called once, when the app starts. */
  createRocketMQOptions(): RocketMQModuleOptions | Promise<RocketMQModuleOptions>;
}

interface ModuleExtras {
  /** Whether other modules can inject the template without importing this one. Default true. */
  isGlobal?: boolean;
  /** Consumers for `@InjectPullConsumer()`. Modules that are not the root's may declare their own by `forFeature`. Default: none. */
  pullConsumers?: PullConsumerOptions[];
}

/** Options of `forFeature`. */
export interface RocketMQFeatureOptions {
  /** Consumers for `@InjectPullConsumer()` in the module that imports this. */
  pullConsumers: PullConsumerOptions[];
}

/** Options of `forRootAsync`: `useFactory` with `inject`, `useClass` or `useExisting`; `imports`, `isGlobal`. */
export type RocketMQModuleAsyncOptions = ConfigurableModuleAsyncOptions<
  RocketMQModuleOptions,
  'createRocketMQOptions'
> &
  ModuleExtras;

const resolvedOptions: FactoryProvider = {
  provide: ROCKETMQ_RESOLVED_OPTIONS,
  inject: [ROCKETMQ_OPTIONS, ModulesContainer, ROCKETMQ_OPTIONS_ORIGIN],
  useFactory: (given: RocketMQModuleOptions, modules: ModulesContainer, where: string): ResolvedOptions => {
    refuseSecondModule(modules);
    return resolveOptions(given, process.env, where);
  },
};

const backend: FactoryProvider = {
  provide: ROCKETMQ_BACKEND,
  inject: [ROCKETMQ_RESOLVED_OPTIONS],
  useFactory: ({ backend: choice }: ResolvedOptions): RocketMQBackend => {
    if (choice.kind === 'custom') return choice.backend;
    if (choice.kind === 'cluster') return new ClusterBackend(choice.nameServer);
    const logger = new Logger('RocketMQ');
    if (choice.doubt) logger.warn(`starting a broker inside this process, since ${choice.doubt}. ${HOW_TO_CHOOSE}`);
    return new EmbeddedBackend(choice.embedded, logger);
  },
};

const HOW_TO_CHOOSE = `If you want that, set { embedded: {} }. To join a cluster set nameServer, or ${NAME_SERVER_ENV}.`;

const { ConfigurableModuleClass } = new ConfigurableModuleBuilder<RocketMQModuleOptions>({
  optionsInjectionToken: ROCKETMQ_OPTIONS,
})
  .setClassMethodName('forRoot')
  .setFactoryMethodName('createRocketMQOptions')
  .setExtras<ModuleExtras>({ isGlobal: true, pullConsumers: [] }, (definition, { isGlobal, pullConsumers = [] }) =>
    withPullConsumers({ ...definition, global: isGlobal }, pullConsumers, FOR_ROOT),
  )
  .build();

/**
 * The module that an app imports once, in its root module: `RocketMQModule.forRoot(…)` or `forRootAsync(…)`. It provides
 * `RocketMQTemplate`, which sends, `RocketMQListeners` and `RocketMQAdmin`, and starts the decorated listeners of the app.
 */
@Module({
  imports: [DiscoveryModule],
  providers: [
    resolvedOptions,
    backend,
    LifecycleHooks,
    RocketMQIdempotency,
    ListenerExplorer,
    TransactionListeners,
    RocketMQConnection,
    Replier,
    Requester,
    PullConsumers,
    Receiver,
    RocketMQListeners,
    RocketMQAdmin,
    LazyModules,
    RocketMQLifecycle,
    RocketMQTemplate,
  ],
  exports: [RocketMQTemplate, RocketMQListeners, RocketMQAdmin, PullConsumers, RocketMQIdempotency],
})
export class RocketMQModule extends ConfigurableModuleClass {
  /**
   * Without options a broker runs inside the app and stores its messages under `.rocketmq/` in the working directory;
   * with the environment variable ROCKETMQ_NAME_SERVER or `{ nameServer: 'host:9876;host2:9876' }` the app joins a cluster.
   * @throws InvalidOptionError when `options` is no object; wrong options are reported when the app starts
   */
  static override forRoot(options: RocketMQModuleOptions & ModuleExtras = {}): DynamicModule {
    checkObject(FOR_ROOT, options, "an object such as { nameServer: 'host:9876' }, or nothing");
    return withOrigin(FOR_ROOT, super.forRoot(options));
  }

  /**
   * Takes the options from `useFactory` (with `inject`), `useClass` or `useExisting`.
   * @throws InvalidOptionError without any of the three
   */
  static override forRootAsync(options: RocketMQModuleAsyncOptions): DynamicModule {
    const forms = [options?.useFactory, options?.useClass, options?.useExisting];
    checkObject(
      FOR_ROOT_ASYNC,
      forms.some(Boolean) ? options : undefined,
      'one of useFactory, useClass and useExisting',
    );
    return withOrigin(FOR_ROOT_ASYNC, super.forRootAsync(options));
  }

  /**
   * Declares what only the importing module needs. `forRoot` or `forRootAsync` must be global for it, as it is by default.
   * @throws InvalidOptionError for options that are no list; wrong ones within are reported when the app starts
   */
  static forFeature(options: RocketMQFeatureOptions): DynamicModule {
    inside(FOR_FEATURE, undefined, () => checkKeys('options', options, ['pullConsumers']));
    return withPullConsumers({ module: RocketMQFeatureModule }, options.pullConsumers, FOR_FEATURE);
  }
}

const FOR_ROOT = 'RocketMQModule.forRoot';
const FOR_FEATURE = 'RocketMQModule.forFeature';
const FOR_ROOT_ASYNC = 'RocketMQModule.forRootAsync';

/** Checked here: the errors of Nest's builder do not mention options. */
function checkObject(where: string, options: unknown, allowed: string): void {
  inside(where, undefined, () => {
    if (typeof options !== 'object' || options === null || Array.isArray(options)) {
      throw new InvalidOptionError('options', options, allowed);
    }
    const { isGlobal = true } = options as ModuleExtras;
    checkBoolean('isGlobal', isGlobal);
  });
}

function withPullConsumers(
  module: DynamicModule,
  pullConsumers: readonly PullConsumerOptions[],
  where: string,
): DynamicModule {
  const providers = pullConsumerProviders(pullConsumers, where);
  return {
    ...module,
    providers: [...(module.providers ?? []), ...providers],
    exports: [...(module.exports ?? []), ...providers.map(({ provide }) => provide)],
  };
}

function withOrigin(where: string, module: DynamicModule): DynamicModule {
  const origin = { provide: ROCKETMQ_OPTIONS_ORIGIN, useValue: where };
  return { ...module, providers: [...(module.providers ?? []), origin] };
}
