// Defines the errors of the Nest module. What the client or the protocol throws passes through unchanged.
import { RocketMQError } from '@nest-rocketmq/remoting/internal';

/** The directory of the embedded broker is in use by another process. */
export class StoreInUseError extends RocketMQError<'STORE_IN_USE'> {
  constructor(
    readonly store: string,
    /** the process that holds the store */
    readonly pid: number | undefined,
    options?: { cause?: unknown },
  ) {
    const holder =
      pid === undefined
        ? 'another process'
        : pid === process.pid
          ? `another app of this process (${pid}), which is not closing`
          : `process ${pid}`;
    super(
      'STORE_IN_USE',
      `the embedded broker's store ${store} is held by ${holder}. ` +
        `Two ways out: give this app a store of its own, RocketMQModule.forRoot({ embedded: { store: 'another/path' } }) or 'memory'; ` +
        `or share that broker: embedded: { listen: '127.0.0.1:10911' } there, and { nameServer: '127.0.0.1:9876' } here.`,
      options,
    );
  }
}

/** RocketMQModule.forRoot or forRootAsync is imported twice in one app. */
export class ModuleTwiceError extends RocketMQError<'MODULE_TWICE'> {
  /** @param importers for each of them, the modules that import it */
  constructor(readonly importers: readonly string[]) {
    super(
      'MODULE_TWICE',
      `RocketMQModule is configured ${importers.length} times in this app, in the imports of: ${importers.join('; ')}. ` +
        'Call forRoot or forRootAsync once, in the root module: it is global, so other modules need not import it. ' +
        'In a test, change the options of the app instead of importing a second module: ' +
        'Test.createTestingModule({ imports: [AppModule] }).overrideProvider(ROCKETMQ_OPTIONS).useValue(testing.options), ' +
        'with const testing = rocketMQTesting(). One app works with one cluster.',
    );
  }
}

/** Two listeners of one consumer group that cannot share the group's one consumer. */
export class ListenerConflictError extends RocketMQError<'LISTENER_CONFLICT'> {
  constructor(group: string, first: string, second: string, reason: string) {
    super('LISTENER_CONFLICT', `consumer group '${group}': ${pair(first, second)} ${reason}`);
  }
}

/** A decorated class or method that cannot be a listener. */
export class InvalidListenerError extends RocketMQError<'INVALID_LISTENER'> {
  constructor(listener: string, reason: string, options?: { cause?: unknown }) {
    super('INVALID_LISTENER', `${listener}: ${reason}`, options);
  }
}

/** A listener's Observable that was given up because the message is no longer this consumer's. */
export class ListenerAbortedError extends RocketMQError<'LISTENER_ABORTED'> {
  constructor() {
    super(
      'LISTENER_ABORTED',
      'the Observable had not completed when the message was taken away from this consumer. The message is delivered again.',
    );
  }
}

/** A listener on a cluster that has no group: neither its own nor the module's. */
export class GroupMissingError extends RocketMQError<'GROUP_MISSING'> {
  /** @param remedy beside the module's option, or an empty text */
  constructor(
    readonly listener: string,
    nameServer: string,
    example: string,
    remedy = '',
  ) {
    super(
      'GROUP_MISSING',
      `${listener} has no group on the cluster ${nameServer}. Name this service: ` +
        `RocketMQModule.forRoot({ group: '${example}', … })${remedy}. ` +
        `Services that share a group by accident get only a part of their messages each.`,
    );
  }
}

/** A transactional send to a topic for which the app has no transaction listener, or two. */
export class TransactionListenerError extends RocketMQError<'TRANSACTION_LISTENER'> {
  constructor(message: string) {
    super('TRANSACTION_LISTENER', message);
  }
}

/** A payload that the converter cannot turn into a body. */
export class MessageEncodeError extends RocketMQError<'MESSAGE_ENCODE'> {
  constructor(reason: string, options?: { cause?: unknown }) {
    super('MESSAGE_ENCODE', `this payload cannot be sent: ${reason}`, options);
  }
}

/** A body that the converter cannot turn into the listener's payload. */
export class MessageDecodeError extends RocketMQError<'MESSAGE_DECODE'> {
  constructor(reason: string, options?: { cause?: unknown }) {
    super('MESSAGE_DECODE', reason, options);
  }
}

/** The testing kit's `consumed` or `failed` waited in vain. */
export class NotConsumedError extends RocketMQError<'NOT_CONSUMED'> {
  constructor(reason: string) {
    super(
      'NOT_CONSUMED',
      `${reason}. Call consumed() or failed() before what causes the delivery, and advance the clock for delayed messages.`,
    );
  }
}

/** The codes of the errors of this package. */
export type NestRocketMQErrorCode = (
  | StoreInUseError
  | ModuleTwiceError
  | ListenerConflictError
  | InvalidListenerError
  | ListenerAbortedError
  | GroupMissingError
  | TransactionListenerError
  | MessageEncodeError
  | MessageDecodeError
  | NotConsumedError
)['code'];

/** 'A.onMessage and B.onMessage (OrdersModule)', or '… (OrdersModule and PaymentsModule)'. */
function pair(first: string, second: string): string {
  const [[one, moduleOfOne], [two, moduleOfTwo]] = [first, second].map(split);
  const modules = moduleOfOne === moduleOfTwo ? moduleOfOne : [moduleOfOne, moduleOfTwo].filter(Boolean).join(' and ');
  return `${one} and ${two}${modules && ` (${modules})`}`;
}

function split(name: string): [name: string, module: string] {
  const [, method = name, module = ''] = /^(.*) \((.*)\)$/.exec(name) ?? [];
  return [method, module];
}
