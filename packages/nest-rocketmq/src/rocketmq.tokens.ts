// Declares the injection tokens and metadata keys. All are global symbols, so that the ES module build and the CommonJS build
// share them if one process loads both.
import type { InjectionToken } from '@nestjs/common';

/** The token of the options as given to forRoot or forRootAsync. Override it in a test to change them. */
export const ROCKETMQ_OPTIONS = Symbol.for('nest-rocketmq:options');

/** The token of the checked options, with environment and defaults applied. */
export const ROCKETMQ_RESOLVED_OPTIONS = Symbol.for('nest-rocketmq:resolved-options');

/** The token of the place where the options were given, for errors: 'RocketMQModule.forRoot'. */
export const ROCKETMQ_OPTIONS_ORIGIN = Symbol.for('nest-rocketmq:options-origin');

/** The token of the backend in use. Override it in a test to replace the broker. */
export const ROCKETMQ_BACKEND = Symbol.for('nest-rocketmq:backend');

/** The token of a cluster's name, in each RocketMQModule. */
export const ROCKETMQ_CLUSTER = Symbol.for('nest-rocketmq:cluster');

/** The name of the cluster whose `forRoot` names none. */
export const DEFAULT_CLUSTER = 'default';

/** A cluster's own token for what the unnamed cluster provides as `token`. @param what 'template' */
export function clusterToken(token: InjectionToken, what: string, cluster = DEFAULT_CLUSTER): InjectionToken {
  return cluster === DEFAULT_CLUSTER ? token : Symbol.for(`nest-rocketmq:${what}:${cluster}`);
}

export const MESSAGE_LISTENER_METADATA = Symbol.for('nest-rocketmq:message-listener');
export const TRANSACTION_LISTENER_METADATA = Symbol.for('nest-rocketmq:transaction-listener');

export const IDEMPOTENT_METADATA = Symbol.for('nest-rocketmq:idempotent');
/** On a class: the names of its methods with @Idempotent. */
export const IDEMPOTENT_METHODS_METADATA = Symbol.for('nest-rocketmq:idempotent-methods');

/** On a class: the names of its decorated methods. */
export const LISTENER_METHODS_METADATA = Symbol.for('nest-rocketmq:listener-methods');
/** On a class: decorators on members that cannot be listeners. */
export const MISPLACED_LISTENERS_METADATA = Symbol.for('nest-rocketmq:misplaced-listeners');
/** On an instance or a class: a RocketMQModule serves it. */
export const SERVED_METADATA = Symbol.for('nest-rocketmq:served');

/** What `ExecutionContext.getType()` returns in the guards, interceptors and filters of a listener. */
export const ROCKETMQ_CONTEXT_TYPE = 'rocketmq';
