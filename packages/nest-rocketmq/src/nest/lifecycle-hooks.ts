// Calls Nest's lifecycle hooks on the listeners and enhancers that this package created, which Nest does not know.
import { Injectable } from '@nestjs/common';

const HOOKS = [
  'onModuleInit',
  'onApplicationBootstrap',
  'onModuleDestroy',
  'beforeApplicationShutdown',
  'onApplicationShutdown',
] as const;

type Hook = (typeof HOOKS)[number];

@Injectable()
export class LifecycleHooks {
  readonly #instances = new Set<object>();

  /** From now on, hooks are called on this instance too. */
  add(instance: object): void {
    this.#instances.add(instance);
  }

  /** @param signal of the shutdown, if there is one */
  async call(hook: Hook, signal?: string): Promise<void> {
    for (const instance of this.#instances) {
      const method = (instance as Partial<Record<Hook, (signal?: string) => unknown>>)[hook];
      if (typeof method === 'function') await method.call(instance, signal);
    }
  }
}
