// Waits for the event handlers of an event, which @nestjs/cqrs itself does not wait for.
import type { ModuleRef } from '@nestjs/core';
import { AsyncContext } from '@nestjs/cqrs';
import type { EventBus, IEvent, IEventHandler } from '@nestjs/cqrs';

type Bind = EventBus['bind'];
type Wrapper = Parameters<Bind>[0];

export class WatchedHandlers {
  /** By event: what its handlers are doing. Only of events that came from a topic. */
  readonly #running = new Map<object, Promise<unknown>[]>();
  readonly #registered: Promise<void>;
  #register: () => void = () => {};

  constructor(private readonly moduleRef: ModuleRef) {
    this.#registered = new Promise((resolve) => (this.#register = resolve));
  }

  /** Watches the handlers that are registered with the bus from now on, so before the app has bootstrapped. */
  watch(bus: EventBus): void {
    const bind = bus.bind.bind(bus);
    const register = bus.register.bind(bus);
    bus.bind = (handler, id) => bind(this.#watched(handler), id);
    bus.register = (handlers) => {
      register(handlers);
      this.#register();
    };
  }

  /**
   * Publishes the event on the bus, and waits for its handlers. Sagas and other subscribers of the bus are not waited for.
   * @throws what the first of them that failed threw
   */
  async handled(event: object, publish: () => void): Promise<void> {
    await this.#registered;
    const running: Promise<unknown>[] = [];
    this.#running.set(event, running);
    try {
      publish();
      const results = await Promise.allSettled(running);
      const failed = results.find(({ status }) => status === 'rejected') as PromiseRejectedResult | undefined;
      if (failed) throw failed.reason;
    } finally {
      this.#running.delete(event);
    }
  }

  /** Stands for the handler on the bus. The bus asks a wrapper for its instance, or resolves one of a request scope itself. */
  #watched(handler: Wrapper): Wrapper {
    const handle = (event: IEvent): unknown => {
      const handling = this.#handle(handler, event);
      this.#running.get(event)?.push(handling);
      return handling;
    };
    const properties: PropertyDescriptorMap = {
      isDependencyTreeStatic: { value: () => true },
      instance: { value: { handle } },
    };
    return Object.create(handler, properties) as Wrapper;
  }

  async #handle(handler: Wrapper, event: IEvent): Promise<unknown> {
    if (handler.isDependencyTreeStatic()) return (handler.instance as IEventHandler).handle(event);
    const { id } = AsyncContext.of(event) ?? new AsyncContext();
    const type = handler.metatype as new () => IEventHandler;
    return (await this.moduleRef.resolve(type, id, { strict: false })).handle(event);
  }
}
