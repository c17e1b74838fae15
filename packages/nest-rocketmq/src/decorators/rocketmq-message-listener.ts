// Owns @RocketMQMessageListener, for classes with `onMessage` and for methods of providers and controllers.
import { markClassListener, markMethodListener } from '../listener-metadata.js';
import type { MessageListenerOptions } from '../listener-metadata.js';
import type { RocketMQContext } from '../rocketmq-context.js';
import { makeInjectable } from './make-injectable.js';

interface MessageListenerDecorator {
  <T extends abstract new (...args: never) => { onMessage(message: never, context: RocketMQContext): unknown }>(
    target: T,
  ): void;
  <M extends (message: never, context: RocketMQContext) => unknown>(
    prototype: object,
    method: string | symbol,
    descriptor: TypedPropertyDescriptor<M>,
  ): void;
}

/**
 * Hands messages of a topic to the class (its `onMessage`) or to the method. Listening starts when the app has
 * bootstrapped. A throw or a rejected promise means that the message is delivered again, later.
 * A class is made injectable by it; it still has to stand among a module's providers.
 */
export function RocketMQMessageListener(options: MessageListenerOptions): MessageListenerDecorator {
  return (target: object, method?: string | symbol): void => {
    if (method !== undefined) return markMethodListener(target, method, options);
    makeInjectable(target);
    markClassListener(target, options);
  };
}
