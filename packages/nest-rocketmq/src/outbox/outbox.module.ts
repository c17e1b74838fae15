// Declares the Nest module of the outbox.
import { ConfigurableModuleBuilder, Module } from '@nestjs/common';
import type {
  ConfigurableModuleAsyncOptions,
  DynamicModule,
  FactoryProvider,
  InjectionToken,
  Type,
} from '@nestjs/common';
import { clusterProviders } from '../clusters/cluster-providers.js';
import { withToken } from '../clusters/with-token.js';
import { DEFAULT_CLUSTER } from '../rocketmq.tokens.js';
import { getRocketMQOutboxToken } from './inject-outbox.js';
import { OutboxLifecycle } from './outbox-lifecycle.js';
import { checkOutboxOptions } from './outbox-options.js';
import type { CheckedOutboxOptions, RocketMQOutboxOptions } from './outbox-options.js';
import {
  OUTBOX_CLUSTER,
  OUTBOX_OPTIONS,
  ROCKETMQ_OUTBOX_OPTIONS,
  checkedOptionsToken,
  getRocketMQOutboxOptionsToken,
} from './outbox.tokens.js';
import { RocketMQOutbox } from './rocketmq-outbox.js';
import { defaultTableOf } from './shared-table.js';

/** What the class of `forRootAsync({ useClass })` or `({ useExisting })` implements. */
export interface RocketMQOutboxOptionsFactory {
  /** Called once, when the app starts. */
  createRocketMQOutboxOptions(): RocketMQOutboxOptions | Promise<RocketMQOutboxOptions>;
}

interface ModuleExtras {
  /** Whether other modules can inject the outbox without importing this one. Default true. */
  isGlobal?: boolean;
  /**
   * Where the outbox sends to: `name` of the cluster's forRoot. Each cluster has an outbox of its own, `@InjectRocketMQOutbox(name)`,
   * and a table of its own, by default 'rocketmq_outbox_<name>'. Default: the cluster without a name.
   */
  cluster?: string;
}

/** Options of `forRootAsync`: `useFactory` with `inject`, `useClass` or `useExisting`; `imports`, `isGlobal`, `cluster`. */
export type RocketMQOutboxAsyncOptions = ConfigurableModuleAsyncOptions<
  RocketMQOutboxOptions,
  'createRocketMQOutboxOptions'
> &
  ModuleExtras;

const checkedOptions: FactoryProvider = {
  provide: OUTBOX_OPTIONS,
  inject: [ROCKETMQ_OUTBOX_OPTIONS, OUTBOX_CLUSTER],
  useFactory: (given: RocketMQOutboxOptions, cluster: string): CheckedOutboxOptions =>
    checkOutboxOptions(
      cluster === DEFAULT_CLUSTER ? given : { ...given, table: given.table ?? defaultTableOf(cluster) },
      WHERE,
    ),
};

const WHERE = 'RocketMQOutboxModule';

const PARTS: readonly (Type<object> | FactoryProvider)[] = [checkedOptions, RocketMQOutbox, OutboxLifecycle];

/** @param definition of Nest's builder, which provides the options */
function outboxModule(definition: DynamicModule, cluster: string): DynamicModule {
  const outbox = getRocketMQOutboxToken(cluster);
  const options = getRocketMQOutboxOptionsToken(cluster);
  const tokens = new Map<InjectionToken, InjectionToken>([
    [RocketMQOutbox, outbox],
    [ROCKETMQ_OUTBOX_OPTIONS, options],
    [OUTBOX_OPTIONS, checkedOptionsToken(cluster)],
  ]);
  return {
    ...definition,
    providers: [
      ...(definition.providers ?? []).map((provider) => withToken(provider, ROCKETMQ_OUTBOX_OPTIONS, options)),
      { provide: OUTBOX_CLUSTER, useValue: cluster },
      ...clusterProviders(PARTS, tokens, cluster),
    ],
    exports: [...(definition.exports ?? []), outbox],
  };
}

const { ConfigurableModuleClass } = new ConfigurableModuleBuilder<RocketMQOutboxOptions>({
  optionsInjectionToken: ROCKETMQ_OUTBOX_OPTIONS,
})
  .setClassMethodName('forRoot')
  .setFactoryMethodName('createRocketMQOutboxOptions')
  .setExtras<ModuleExtras>(
    { isGlobal: true, cluster: DEFAULT_CLUSTER },
    (definition, { isGlobal, cluster = DEFAULT_CLUSTER }) => outboxModule({ ...definition, global: isGlobal }, cluster),
  )
  .build();

/** Provides `RocketMQOutbox`. Import it once for each cluster that an outbox sends to, beside `RocketMQModule`. */
@Module({})
export class RocketMQOutboxModule extends ConfigurableModuleClass {
  /** `forRoot({ database })`. Wrong options are reported when the app starts. */
  static override forRoot(options: RocketMQOutboxOptions & ModuleExtras): DynamicModule {
    return super.forRoot(options);
  }

  /** Takes the options from `useFactory` (with `inject`), `useClass` or `useExisting`. */
  static override forRootAsync(options: RocketMQOutboxAsyncOptions): DynamicModule {
    return super.forRootAsync(options);
  }
}
