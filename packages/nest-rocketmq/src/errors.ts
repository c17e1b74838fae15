// Declares the errors of the Nest module. Errors of the client and the protocol pass through unchanged.
import { RocketMQError } from '@nest-rocketmq/remoting/internal';
import type { IdempotencyError } from './idempotency-errors.js';

/** Another process, or another app of this one, uses the directory of the embedded broker. Raised when the app starts. */
export class StoreInUseError extends RocketMQError<'STORE_IN_USE'> {
  constructor(
    /** The directory. */
    readonly store: string,
    /** The process that holds it, if known. */
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
        `Either give this app a store of its own, RocketMQModule.forRoot({ embedded: { store: 'another/path' } }) or 'memory'; ` +
        `or share that broker: embedded: { listen: '127.0.0.1:10911' } there, and { nameServer: '127.0.0.1:9876' } here.`,
      options,
    );
  }
}

/** RocketMQModule.forRoot or forRootAsync is imported twice in one app. Raised when the app starts. */
export class ModuleTwiceError extends RocketMQError<'MODULE_TWICE'> {
  /** @param importers of each of the two, the modules that import it */
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

/** Two listeners of one consumer group cannot share the group's one consumer. Raised when the app starts. */
export class ListenerConflictError extends RocketMQError<'LISTENER_CONFLICT'> {
  constructor(group: string, first: string, second: string, reason: string) {
    super('LISTENER_CONFLICT', `consumer group '${group}': ${pair(first, second)} ${reason}`);
  }
}

/** A decorated class or method cannot be a listener. Raised by the decorator or when the app starts. */
export class InvalidListenerError extends RocketMQError<'INVALID_LISTENER'> {
  constructor(listener: string, reason: string, options?: { cause?: unknown }) {
    super('INVALID_LISTENER', `${listener}: ${reason}`, options);
  }
}

/** A listener's Observable did not complete before its message went to another consumer, or the app closed. */
export class ListenerAbortedError extends RocketMQError<'LISTENER_ABORTED'> {
  constructor() {
    super(
      'LISTENER_ABORTED',
      'the Observable had not completed when the message was taken away from this consumer. It is delivered again.',
    );
  }
}

/**
 * A listener on a cluster has no group, neither its own nor the module's; or transactions there, which the broker checks with
 * any producer of the module's group, have none. Raised when the app starts, or by `transaction` and `beginTransaction`.
 */
export class GroupMissingError extends RocketMQError<'GROUP_MISSING'> {
  /** @param remedy added to the module's option; may be empty */
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
        `Two services that share a group by accident each get only a part of their messages.`,
    );
  }
}

/** A topic of the module's option `topics` does not exist and cannot be created. Raised when the app starts. */
export class TopicNotCreatedError extends RocketMQError<'TOPIC_NOT_CREATED'> {
  /** @param brokers the names of those on which it is to be created; undefined for all, or for any one if `queues` is 1 */
  constructor(
    readonly topic: string,
    queues: number,
    brokers: readonly string[] | undefined,
    options: { cause: unknown },
  ) {
    const { cause } = options;
    // With -c each broker of the cluster gets so many queues.
    const isOnAll = brokers === undefined && queues !== 1;
    const where = isOnAll ? '-c CLUSTER' : '-b HOST:PORT';
    const named = `, where HOST:PORT is the address of ${brokers?.join(' and then of ') ?? 'one broker'}`;
    const reason = (cause instanceof Error ? cause.message : String(cause)).replace(/\.$/, '');
    super(
      'TOPIC_NOT_CREATED',
      `topic ${topic} of the option topics does not exist and could not be created: ${reason}. Have an administrator create ` +
        `it, for example by mqadmin updateTopic ${where} -t ${topic} -r ${queues} -w ${queues}${isOnAll ? '' : named}; ` +
        'the app then finds it.',
      options,
    );
  }
}

/** The table of the outbox does not exist. Raised when the app starts, and by `RocketMQOutbox`. */
export class OutboxTableMissingError extends RocketMQError<'OUTBOX_TABLE_MISSING'> {
  constructor(
    /** The name, as the option `table` of `RocketMQOutboxModule` gives it. */
    readonly table: string,
    options?: { cause?: unknown },
  ) {
    super(
      'OUTBOX_TABLE_MISSING',
      `the table ${table} of the outbox does not exist. Create it in a migration, with the statements of ` +
        'RocketMQOutbox.createTableSql(); for development set RocketMQOutboxModule.forRoot({ createTable: true }).',
      options,
    );
  }
}

/** A topic of a transactional send has no transaction listener in this app, or two; or its listener returned no verdict. */
export class TransactionListenerError extends RocketMQError<'TRANSACTION_LISTENER'> {
  constructor(message: string) {
    super('TRANSACTION_LISTENER', message);
  }
}

/** The converter cannot turn a payload into a body. Raised by sends, before anything is sent. */
export class MessageEncodeError extends RocketMQError<'MESSAGE_ENCODE'> {
  constructor(reason: string, options?: { cause?: unknown }) {
    super('MESSAGE_ENCODE', `this payload cannot be sent: ${reason}`, options);
  }
}

/** The converter cannot turn a body into the listener's payload. The message goes to the dead letters at once. */
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
  | TopicNotCreatedError
  | OutboxTableMissingError
  | TransactionListenerError
  | MessageEncodeError
  | MessageDecodeError
  | NotConsumedError
  | IdempotencyError
)['code'];

/** 'A.onMessage and B.onMessage (OrdersModule)', or '… (OrdersModule and PaymentsModule)'. */
function pair(first: string, second: string): string {
  const [one, moduleOfOne] = split(first);
  const [two, moduleOfTwo] = split(second);
  const modules = moduleOfOne === moduleOfTwo ? moduleOfOne : [moduleOfOne, moduleOfTwo].filter(Boolean).join(' and ');
  return `${one} and ${two}${modules && ` (${modules})`}`;
}

function split(name: string): [name: string, module: string] {
  const [, method = name, module = ''] = /^(.*) \((.*)\)$/.exec(name) ?? [];
  return [method, module];
}
