// Declares the Nest module of the outbox.
import { ConfigurableModuleBuilder, Module } from '@nestjs/common';
import type { ConfigurableModuleAsyncOptions, DynamicModule, FactoryProvider } from '@nestjs/common';
import { OutboxLifecycle } from './outbox-lifecycle.js';
import { checkOutboxOptions } from './outbox-options.js';
import type { CheckedOutboxOptions, RocketMQOutboxOptions } from './outbox-options.js';
import { OUTBOX_OPTIONS, ROCKETMQ_OUTBOX_OPTIONS } from './outbox.tokens.js';
import { RocketMQOutbox } from './rocketmq-outbox.js';

/** What the class of `forRootAsync({ useClass })` or `({ useExisting })` implements. */
export interface RocketMQOutboxOptionsFactory {
  /** Called once, when the app starts. */
  createRocketMQOutboxOptions(): RocketMQOutboxOptions | Promise<RocketMQOutboxOptions>;
}

interface ModuleExtras {
  /** Whether other modules can inject the outbox without importing this one. Default true. */
  isGlobal?: boolean;
}

/** Options of `forRootAsync`: `useFactory` with `inject`, `useClass` or `useExisting`; `imports`, `isGlobal`. */
export type RocketMQOutboxAsyncOptions = ConfigurableModuleAsyncOptions<
  RocketMQOutboxOptions,
  'createRocketMQOutboxOptions'
> &
  ModuleExtras;

const checkedOptions: FactoryProvider = {
  provide: OUTBOX_OPTIONS,
  inject: [ROCKETMQ_OUTBOX_OPTIONS],
  useFactory: (given: RocketMQOutboxOptions): CheckedOutboxOptions => checkOutboxOptions(given, WHERE),
};

const WHERE = 'RocketMQOutboxModule';

const { ConfigurableModuleClass } = new ConfigurableModuleBuilder<RocketMQOutboxOptions>({
  optionsInjectionToken: ROCKETMQ_OUTBOX_OPTIONS,
})
  .setClassMethodName('forRoot')
  .setFactoryMethodName('createRocketMQOutboxOptions')
  .setExtras<ModuleExtras>({ isGlobal: true }, (definition, { isGlobal }) => ({ ...definition, global: isGlobal }))
  .build();

/** Provides `RocketMQOutbox`. Import it once, beside `RocketMQModule`. */
@Module({ providers: [checkedOptions, RocketMQOutbox, OutboxLifecycle], exports: [RocketMQOutbox] })
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
