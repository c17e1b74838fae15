// Owns @RocketMQTransactionListener, for classes that decide the transactions of a topic.
import { markTransactionListener } from './listener-metadata.js';
import type { RocketMQLocalTransactionListener, TransactionListenerOptions } from './listener-metadata.js';
import { registerListenerClass } from './unserved-listeners.js';
import { makeInjectable } from './make-injectable.js';

/**
 * The class runs the local transaction of messages sent by `RocketMQTemplate.sendMessageInTransaction` to the topic, and
 * answers the broker's question about those whose outcome it was not told. One class for each topic.
 * The class is made injectable by it; it still has to stand among a module's providers.
 */
export function RocketMQTransactionListener(options: TransactionListenerOptions) {
  return <T extends abstract new (...args: never) => RocketMQLocalTransactionListener<never>>(target: T): void => {
    makeInjectable(target);
    markTransactionListener(target, options);
    registerListenerClass(target);
  };
}
