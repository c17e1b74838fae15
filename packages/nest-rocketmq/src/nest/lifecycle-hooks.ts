// Calls Nest's lifecycle hooks on the listeners and enhancers that this package has had made: Nest knows those not.
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

  take(instance: object): void {
    this.#instances.add(instance);
  }

  /** @param signal of the shutdown, where there is one */
  async call(hook: Hook, signal?: string): Promise<void> {
    for (const instance of this.#instances) {
      const method = (instance as Partial<Record<Hook, (signal?: string) => unknown>>)[hook];
      if (typeof method === 'function') await method.call(instance, signal);
    }
  }
}
