// Declares @RocketMQMessageListener, for classes with `onMessage` and for methods of providers and controllers.
import { InvalidListenerError } from '../errors.js';
import { markClassListener, markMethodListener, markMisplacedListener } from './listener-metadata.js';
import type { DeclaredListenerOptions, MethodKey } from './listener-metadata.js';
import type { RocketMQBatchContext } from './rocketmq-batch-context.js';
import type { RocketMQContext } from './rocketmq-context.js';
import type { Fitting } from './fitting-method.js';
import type { AnyTopic, ReceivedOf } from '../message/topic.js';
import { registerListenerClass } from './unserved-listeners.js';
import { makeInjectable } from './make-injectable.js';

/** With `batch` it takes (messages, RocketMQBatchContext), else (payload, RocketMQContext). */
interface ListenerInstance {
  onMessage(message: never, context: RocketMQContext & RocketMQBatchContext): unknown;
}

type ListenerClass = abstract new (...args: never) => ListenerInstance;

interface MessageListenerDecorator<Received> {
  <T extends ListenerClass>(target: T & Fitting<InstanceType<T>['onMessage'], Received>): void;
  /** The method takes (payload, context), or what its parameter decorators say. */
  <M extends (...args: never) => unknown>(
    prototype: object,
    method: string | symbol,
    descriptor: TypedPropertyDescriptor<M> & Fitting<M, Received>,
  ): void;
}

/**
 * Delivers the messages of a topic to the class (its `onMessage`) or to the method. Listening starts when the app has
 * bootstrapped. A throw or a rejected promise means that the message is delivered again later.
 * The decorator makes a class injectable; you still list it among a module's providers.
 * With a typed topic (`defineTopic`) a method that cannot take its payload does not compile.
 * @throws InvalidListenerError on a parameter, or with the decorators of the TC39 proposal
 */
export function RocketMQMessageListener<T extends string | AnyTopic>(
  options: DeclaredListenerOptions<T>,
): MessageListenerDecorator<ReceivedOf<T>> {
  return (target: object, method?: MethodKey | DecoratorContext, descriptor?: unknown): void => {
    if (method === undefined) {
      makeInjectable(target);
      markClassListener(target, options);
      registerListenerClass(target);
      return;
    }
    if (typeof method === 'object') throw standardDecorators(method);
    if (typeof descriptor === 'number') throw onParameter(target, method);
    const reason = misplacement(target, descriptor);
    const type = typeof target === 'function' ? target : target.constructor;
    if (reason === undefined) markMethodListener(target, method, options);
    else markMisplacedListener(type, { method, reason });
    registerListenerClass(type);
  };
}

/** Method decorators of the TC39 proposal do not learn their class. */
function standardDecorators({ name }: DecoratorContext): InvalidListenerError {
  return new InvalidListenerError(
    String(name),
    `@RocketMQMessageListener needs TypeScript's experimentalDecorators, as Nest does. Set it in tsconfig.json.`,
  );
}

function onParameter(target: object, method: MethodKey): InvalidListenerError {
  return new InvalidListenerError(
    `${target.constructor.name}.${String(method)}`,
    'put @RocketMQMessageListener on the method, not on a parameter.',
  );
}

function misplacement(target: object, descriptor: unknown): string | undefined {
  if (typeof target === 'function') {
    return 'it is static, and Nest has no instance to call it on. Make it a method of the instance.';
  }
  if (typeof descriptor !== 'object' || descriptor === null) {
    return 'it is a field, which guards, interceptors and pipes cannot be bound to. Make it a method.';
  }
  const { get, set, value } = descriptor as PropertyDescriptor;
  if (get ?? set) return 'it is a getter or setter. Make it a method.';
  return typeof value === 'function' ? undefined : 'it is a field, not a method. Make it a method.';
}
