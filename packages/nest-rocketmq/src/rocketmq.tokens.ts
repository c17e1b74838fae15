// Owns the injection tokens and metadata keys. All are global symbols, so that the ES module build and
// the CommonJS build of this package mean the same thing when one process loads both.

/** The options as the user gave them to forRoot or forRootAsync. */
export const ROCKETMQ_OPTIONS = Symbol.for('nest-rocketmq:options');

/** The options after validation, with environment and defaults applied. */
export const ROCKETMQ_RESOLVED_OPTIONS = Symbol.for('nest-rocketmq:resolved-options');

/** Where the options were given, for errors: 'RocketMQModule.forRoot'. */
export const ROCKETMQ_OPTIONS_ORIGIN = Symbol.for('nest-rocketmq:options-origin');

/** The backend in use: override it in a test to swap the broker. */
export const ROCKETMQ_BACKEND = Symbol.for('nest-rocketmq:backend');

export const MESSAGE_LISTENER_METADATA = Symbol.for('nest-rocketmq:message-listener');
export const TRANSACTION_LISTENER_METADATA = Symbol.for('nest-rocketmq:transaction-listener');

/** On a class: the names of its decorated methods. */
export const LISTENER_METHODS_METADATA = Symbol.for('nest-rocketmq:listener-methods');
/** On a class: decorators that stand on what cannot be a listener. */
export const MISPLACED_LISTENERS_METADATA = Symbol.for('nest-rocketmq:misplaced-listeners');
/** On an instance or a class: a RocketMQModule has taken it as a listener. */
export const SERVED_METADATA = Symbol.for('nest-rocketmq:served');

/** What `ExecutionContext.getType()` says inside guards and interceptors of a listener. */
export const ROCKETMQ_CONTEXT_TYPE = 'rocketmq';
