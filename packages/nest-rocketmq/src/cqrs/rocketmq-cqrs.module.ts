// Bridges the EventBus of @nestjs/cqrs to topics.
import { Inject, Module } from '@nestjs/common';
import type {
  BeforeApplicationShutdown,
  DynamicModule,
  OnApplicationBootstrap,
  OnModuleDestroy,
  OnModuleInit,
} from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { EventBus, UnhandledExceptionBus } from '@nestjs/cqrs';
import type { DiscoveredListener } from '../discovery/listener-explorer.js';
import { RocketMQListeners } from '../listeners/rocketmq-listeners.js';
import { MessageDecodeError } from '../errors.js';
import { RocketMQTemplate } from '../template/rocketmq-template.js';
import { checkCqrsOptions } from './event-options.js';
import type { CheckedCqrsOptions, CheckedEvent, RocketMQCqrsOptions } from './event-options.js';
import { RocketMQPublisher } from './rocketmq-publisher.js';
import { WatchedHandlers } from './watched-handlers.js';

const CQRS_OPTIONS = Symbol.for('nest-rocketmq:cqrs-options');

/**
 * Sends events of the declared classes to topics, whoever publishes them: `eventBus.publish`, or `AggregateRoot.commit`. Messages
 * of these topics reach the app's event handlers. The message is consumed when all handlers of the event have succeeded; if one
 * fails, it is delivered again, to all of them, and in the end goes to the dead letters.
 */
@Module({})
export class RocketMQCqrsModule
  implements OnModuleInit, OnApplicationBootstrap, OnModuleDestroy, BeforeApplicationShutdown
{
  readonly #handlers: WatchedHandlers;
  #publisher: RocketMQPublisher | undefined;
  #included: Promise<() => Promise<void>> | undefined;

  constructor(
    @Inject(ModuleRef) private readonly moduleRef: ModuleRef,
    @Inject(CQRS_OPTIONS) private readonly options: CheckedCqrsOptions,
  ) {
    this.#handlers = new WatchedHandlers(moduleRef);
  }

  /**
   * Import it once, beside `CqrsModule` and `RocketMQModule`.
   * @throws InvalidOptionError
   */
  static forRoot(options: RocketMQCqrsOptions): DynamicModule {
    return { module: RocketMQCqrsModule, providers: [{ provide: CQRS_OPTIONS, useValue: checkCqrsOptions(options) }] };
  }

  /** Before anything is published, and before CqrsModule registers the handlers, which it does when the app has bootstrapped. */
  onModuleInit(): void {
    if (this.#publisher) return; // Nest calls the hooks again where one module is the base of several apps.
    const bus = this.#get(EventBus);
    this.#publisher = new RocketMQPublisher(
      this.#get(RocketMQTemplate),
      this.options.events,
      bus.publisher,
      this.#get(UnhandledExceptionBus),
    );
    bus.publisher = this.#publisher;
    this.#handlers.watch(bus);
  }

  async onApplicationBootstrap(): Promise<void> {
    this.#included ??= this.#include();
    await this.#included;
  }

  /** Handlers that run may still publish; the connection closes later. */
  async onModuleDestroy(): Promise<void> {
    await (
      await this.#included?.catch(() => undefined)
    )?.();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.#publisher?.drain();
  }

  #include(): Promise<() => Promise<void>> {
    const listened = this.options.events.filter(({ listen }) => listen);
    return this.#get(RocketMQListeners).include(listened.map((event) => this.#listenerOf(event)));
  }

  #get<T>(type: abstract new (...args: never) => T): T {
    return this.moduleRef.get<T>(type as never, { strict: false });
  }

  #listenerOf(event: CheckedEvent): DiscoveredListener {
    const { topic, tag } = event.destination;
    return {
      name: `event handlers of ${event.event.name}`,
      options: { ...this.options.consumer, topic, ...(tag !== undefined && { tags: tag }), reply: false },
      reading: { kind: 'json' },
      handle: async (payload) => {
        const revived = revive(event, payload);
        await this.#handlers.handled(revived, () => this.#publisher!.publishLocally(revived));
      },
    };
  }
}

/** @throws MessageDecodeError, with which the message goes to the dead letters at once */
function revive({ event, revive: own }: CheckedEvent, payload: unknown): object {
  try {
    if (own) return own(payload);
  } catch (cause) {
    throw new MessageDecodeError(`revive of event ${event.name} failed: ${String(cause)}`, { cause });
  }
  if (typeof payload === 'object' && payload !== null && !Array.isArray(payload)) {
    // Not assigned: a getter of the class would throw, and a field named __proto__ would change the class.
    return Object.create(event.prototype as object, Object.getOwnPropertyDescriptors(payload)) as object;
  }
  throw new MessageDecodeError(
    `the payload is no object, so no event ${event.name}. Make one of it by the option revive`,
  );
}
