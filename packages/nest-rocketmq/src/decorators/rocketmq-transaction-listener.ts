// Declares @RocketMQTransactionListener, for classes that decide the transactions of a topic.
import { markTransactionListener } from './listener-metadata.js';
import type { RocketMQTransactionChecker, DeclaredTransactionListenerOptions } from './listener-metadata.js';
import { registerListenerClass } from './unserved-listeners.js';
import { makeInjectable } from './make-injectable.js';

/**
 * Makes the class the transaction listener of a topic: it runs the local transaction of messages that
 * `RocketMQTemplate.sendMessageInTransaction` sends there, and answers the broker's checks. A topic has one such class. For
 * transactions of `RocketMQTemplate.transaction` and `beginTransaction` it only needs `checkLocalTransaction`.
 * The decorator makes the class injectable; you still list it among a module's providers. A class in a module of
 * `LazyModuleLoader` is unknown until `load()` has resolved: until then the module's `transactionLog` answers for its topic,
 * and without one the broker asks again later.
 */
export function RocketMQTransactionListener(options: DeclaredTransactionListenerOptions) {
  return <T extends abstract new (...args: never) => RocketMQTransactionChecker<never>>(target: T): void => {
    makeInjectable(target);
    markTransactionListener(target, options);
    registerListenerClass(target);
  };
}
