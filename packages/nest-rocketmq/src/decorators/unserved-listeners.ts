// Finds the listeners that nobody will ever call: classes that no module provides, and listeners of an app without
// RocketMQModule.
import { Logger } from '@nestjs/common';
import { SERVED_METADATA } from '../rocketmq.tokens.js';

/**
 * The decorated classes that no app of this process has looked for yet. State of the process on purpose: decorators run before
 * there is an app, metadata on a class cannot be listed, and both module formats may be loaded. Weak references, so that it keeps
 * no class alive.
 */
const WAITING = Symbol.for('nest-rocketmq:unserved-listeners');
const waiting = ((globalThis as { [WAITING]?: Set<WeakRef<object>> })[WAITING] ??= new Set<WeakRef<object>>());
const BOOTSTRAP_HOOK = 'onApplicationBootstrap';
const REGISTERED = Symbol.for('nest-rocketmq:registered');

export function registerListenerClass(type: object): void {
  if (Reflect.hasOwnMetadata(REGISTERED, type)) return;
  Reflect.defineMetadata(REGISTERED, true, type);
  waiting.add(new WeakRef(type));
  announceWithoutModule((type as { prototype: object }).prototype);
}

/**
 * Returns the names of decorated classes that the app does not provide. Each is named once in a process.
 * @param provided the classes of all providers and controllers
 */
export function takeUnprovided(provided: Iterable<object>): string[] {
  const known = new Set<object>();
  for (const type of provided) {
    for (let each: object | null = type; each !== null; each = Object.getPrototypeOf(each) as object | null)
      known.add(each);
  }
  const names: string[] = [];
  for (const reference of waiting) {
    const type = reference.deref();
    waiting.delete(reference);
    if (type && !known.has(type)) names.push((type as { name: string }).name);
  }
  return names;
}

/** Tells the class's own bootstrap hook that the app has a RocketMQModule. @param host an instance or a class */
export function markServed(host: object): void {
  Reflect.defineMetadata(SERVED_METADATA, true, host);
}

/** A transient class has an instance for each consumer, of which one is the listener: there the class is marked. */
function isServed(instance: object): boolean {
  return (
    Reflect.hasOwnMetadata(SERVED_METADATA, instance) || Reflect.hasOwnMetadata(SERVED_METADATA, instance.constructor)
  );
}

/** Without the module none of our providers runs in the app: only a hook of the class itself can report that. */
function announceWithoutModule(prototype: object): void {
  const own = Object.getOwnPropertyDescriptor(prototype, BOOTSTRAP_HOOK);
  if (own && typeof own.value !== 'function') return;
  const inherited = own?.value as ((this: object) => unknown) | undefined;
  function onApplicationBootstrap(this: object): unknown {
    if (!isServed(this)) {
      markServed(this);
      new Logger('RocketMQ').warn(
        `${this.constructor.name} has RocketMQ listeners, but no module of this app imports RocketMQModule, so nobody ` +
          `will call them. Import RocketMQModule.forRoot() in the app's root module.`,
      );
    }
    const next = inherited ?? (Object.getPrototypeOf(prototype) as Record<string, unknown>)[BOOTSTRAP_HOOK];
    return typeof next === 'function' ? (next as () => unknown).call(this) : undefined;
  }
  Object.defineProperty(prototype, BOOTSTRAP_HOOK, {
    value: onApplicationBootstrap,
    configurable: true,
    writable: true,
  });
}
