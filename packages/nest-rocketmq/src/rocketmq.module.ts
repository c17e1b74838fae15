// Declares the Nest module: its providers, and the forms in which it takes its options.
import { InvalidOptionError } from '@nest-rocketmq/remoting/internal';
import { ConfigurableModuleBuilder, Module } from '@nestjs/common';
import type { ConfigurableModuleAsyncOptions, DynamicModule } from '@nestjs/common';
import { clusterModule, withOrigin } from './cluster-module.js';
import { RocketMQCoreModule } from './clusters/core-module.js';
import { featureModule } from './features/feature-module.js';
import type { RocketMQFeatureOptions } from './features/feature-module.js';
import { checkBoolean, inside } from './option-checks.js';
import type { RocketMQModuleOptions } from './options/rocketmq.options.js';
import type { DeclaredPullConsumer } from './pull/pull-consumer-options.js';
import { DEFAULT_CLUSTER, ROCKETMQ_OPTIONS } from './rocketmq.tokens.js';

/** What the class of `forRootAsync({ useClass })` or `({ useExisting })` implements. */
export interface RocketMQOptionsFactory {
  /** Called once, when the app starts. */
  createRocketMQOptions(): RocketMQModuleOptions | Promise<RocketMQModuleOptions>;
}

interface ModuleExtras {
  /** Whether other modules can inject the template without importing this one. Default true. */
  isGlobal?: boolean;
  /**
   * The name of the cluster, where an app has several: for `@InjectRocketMQTemplate(name)`, and the option `cluster` of
   * listeners. Default: none, for one cluster of the app.
   */
  name?: string;
  /** Consumers for `@InjectPullConsumer()`. Modules that are not the root's may declare their own by `forFeature`. Default: none. */
  pullConsumers?: DeclaredPullConsumer[];
}

/** Options of `forRootAsync`: `useFactory` with `inject`, `useClass` or `useExisting`; `imports`, `isGlobal`, `name`. */
export type RocketMQModuleAsyncOptions = ConfigurableModuleAsyncOptions<
  RocketMQModuleOptions,
  'createRocketMQOptions'
> &
  ModuleExtras;

const { ConfigurableModuleClass } = new ConfigurableModuleBuilder<RocketMQModuleOptions>({
  optionsInjectionToken: ROCKETMQ_OPTIONS,
})
  .setClassMethodName('forRoot')
  .setFactoryMethodName('createRocketMQOptions')
  .setExtras<ModuleExtras>(
    { isGlobal: true, pullConsumers: [], name: DEFAULT_CLUSTER },
    (definition, { isGlobal, pullConsumers = [], name = DEFAULT_CLUSTER }) =>
      clusterModule({ ...definition, global: isGlobal }, name, pullConsumers),
  )
  .build();

/**
 * The module that an app imports in its root module, once for each cluster: `RocketMQModule.forRoot(…)` or `forRootAsync(…)`. It
 * provides `RocketMQTemplate`, which sends, `RocketMQListeners` and `RocketMQAdmin`, and starts the decorated listeners of the
 * app. Those of a cluster with a `name` are injected by `@InjectRocketMQTemplate(name)` and the like.
 */
@Module({ imports: [RocketMQCoreModule] })
export class RocketMQModule extends ConfigurableModuleClass {
  /**
   * Without options a broker runs inside the app and stores its messages under `.rocketmq/` in the working directory;
   * with the environment variable ROCKETMQ_NAME_SERVER or `{ nameServer: 'host:9876;host2:9876' }` the app joins a cluster.
   * @throws InvalidOptionError when `options` is no object; wrong options are reported when the app starts
   */
  static override forRoot(options: RocketMQModuleOptions & ModuleExtras = {}): DynamicModule {
    checkObject(FOR_ROOT, options, "an object such as { nameServer: 'host:9876' }, or nothing");
    return withOrigin(FOR_ROOT, options.name, super.forRoot(options));
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
    return withOrigin(FOR_ROOT_ASYNC, options.name, super.forRootAsync(options));
  }

  /**
   * Declares the topics, templates and pull consumers of the importing module.
   * @throws InvalidOptionError for options that are no list; wrong ones within are reported when the app starts
   */
  static forFeature(options: RocketMQFeatureOptions): DynamicModule {
    return featureModule(options);
  }
}

const FOR_ROOT = 'RocketMQModule.forRoot';
const FOR_ROOT_ASYNC = 'RocketMQModule.forRootAsync';

/** It may be a part of a folder's name. */
const NAME = /^[a-zA-Z0-9_-]{1,64}$/;

/** Checked here: the errors of Nest's builder do not mention options. */
function checkObject(where: string, options: unknown, allowed: string): void {
  inside(where, undefined, () => {
    if (typeof options !== 'object' || options === null || Array.isArray(options)) {
      throw new InvalidOptionError('options', options, allowed);
    }
    const { isGlobal = true, name = DEFAULT_CLUSTER } = options as ModuleExtras;
    checkBoolean('isGlobal', isGlobal);
    if (typeof name === 'string' && NAME.test(name)) return;
    throw new InvalidOptionError('name', name, 'a name of letters, digits, - and _, of at most 64 characters');
  });
}
