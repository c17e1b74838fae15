// Declares the errors of the Nest module. Errors of the client and the protocol pass through unchanged.
import { RocketMQError } from '@nest-rocketmq/remoting/internal';
import type { TestingError } from './testing-errors.js';
import type { IdempotencyError } from './idempotency-errors.js';
import type { OutboxTableError } from './outbox-errors.js';

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

/** RocketMQModule.forRoot or forRootAsync is imported twice in one app for the same cluster. Raised when the app starts. */
export class ModuleTwiceError extends RocketMQError<'MODULE_TWICE'> {
  /**
   * @param importers of each of the two, the modules that import it
   * @param cluster its name; 'default' without
   */
  constructor(
    readonly importers: readonly string[],
    cluster: string,
  ) {
    const isUnnamed = cluster === 'default';
    const which = isUnnamed ? 'without a name' : `with the name '${cluster}'`;
    super(
      'MODULE_TWICE',
      `RocketMQModule is configured ${importers.length} times ${which} in this app, in the imports of: ${importers.join('; ')}. ` +
        'Call forRoot or forRootAsync once for each cluster, in the root module: it is global, so other modules need not ' +
        `import it. A second cluster needs a name of its own: forRoot({ name: '${isUnnamed ? 'billing' : `${cluster}-2`}', … }). ` +
        'In a test, change the options of the app instead of importing a second module: ' +
        'Test.createTestingModule({ imports: [AppModule] }).overrideProvider(ROCKETMQ_OPTIONS).useValue(testing.options), ' +
        'with const testing = rocketMQTesting().',
    );
  }
}

/** A decorator or a forFeature names a cluster that the app does not have. Raised when the app starts. */
export class UnknownClusterError extends RocketMQError<'UNKNOWN_CLUSTER'> {
  /**
   * @param user what names it: 'Orders.onMessage (OrdersModule)'
   * @param cluster 'default' for the unnamed one
   * @param known the names of the app's clusters
   */
  constructor(
    readonly user: string,
    readonly cluster: string,
    readonly known: readonly string[],
  ) {
    const names = known.map((name) => `'${name}'`).join(', ') || 'none';
    const isUnnamed = cluster === 'default';
    super(
      'UNKNOWN_CLUSTER',
      isUnnamed
        ? `${user} names no cluster, and this app has none without a name: its clusters are ${names}. Set the option cluster ` +
            'to one of them, or add RocketMQModule.forRoot without a name.'
        : `${user} belongs to cluster '${cluster}', which this app does not have: its clusters are ${names}. Use one of these, ` +
            `or add RocketMQModule.forRoot({ name: '${cluster}', … }).`,
    );
  }
}

/** One of several clusters did not start, so the app does not: the others are closed again. */
export class ClusterStartError extends RocketMQError<'CLUSTER_START'> {
  /** @param failed name and reason of each that did not start */
  constructor(readonly failed: ReadonlyMap<string, unknown>) {
    const each = [...failed].map(
      ([name, error]) => `cluster '${name}': ${error instanceof Error ? error.message : String(error)}`,
    );
    super(
      'CLUSTER_START',
      `the app does not start, since not all its clusters do. ${each.join('; ')}. ` +
        'If the app is to run without one of them, leave its forRoot out.',
      { cause: [...failed.values()][0] },
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
  readonly topic: string;

  /**
   * @param declared `brokers` undefined: on all, or on any one if `queues` is 1
   * @param flags of mqadmin, besides those for the queues: ' -p 4'
   */
  constructor(declared: DeclaredTopic, flags: string, options: { cause: unknown }) {
    const { name: topic, queues, brokers } = declared;
    const { cause } = options;
    // With -c each broker of the cluster gets so many queues.
    const isOnAll = brokers === undefined && queues !== 1;
    const where = isOnAll ? '-c CLUSTER' : '-b HOST:PORT';
    const named = `, where HOST:PORT is the address of ${brokers?.join(' and then of ') ?? 'one broker'}`;
    const reason = (cause instanceof Error ? cause.message : String(cause)).replace(/\.$/, '');
    super(
      'TOPIC_NOT_CREATED',
      `topic ${topic} of the option topics does not exist and could not be created: ${reason}. Have an administrator create ` +
        `it, for example by mqadmin updateTopic ${where} -t ${topic} -r ${queues} -w ${queues}${flags}${isOnAll ? '' : named}; ` +
        'the app then finds it.',
      options,
    );
    this.topic = topic;
  }
}

/** What the option `topics` says of a topic. */
interface DeclaredTopic {
  readonly name: string;
  readonly queues: number;
  readonly brokers: readonly string[] | undefined;
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

/**
 * A payload does not fit its topic's schema, or a pipe such as Nest's ValidationPipe has refused it. Raised by sends, before
 * anything is sent. Of a message that was received: it goes to the dead letters at once, unless `retry.onInvalid` says otherwise.
 */
export class MessageValidationError extends RocketMQError<'MESSAGE_VALIDATION'> {
  constructor(reason: string, options?: { cause?: unknown }) {
    super('MESSAGE_VALIDATION', reason, options);
  }
}

/** The codes of the errors of this package. */
export type NestRocketMQErrorCode = (
  | StoreInUseError
  | ModuleTwiceError
  | UnknownClusterError
  | ClusterStartError
  | ListenerConflictError
  | InvalidListenerError
  | ListenerAbortedError
  | GroupMissingError
  | TopicNotCreatedError
  | OutboxTableError
  | TransactionListenerError
  | MessageEncodeError
  | MessageDecodeError
  | MessageValidationError
  | TestingError
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
