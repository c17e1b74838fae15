// Defines the module's options: types, defaults, environment and checks. What belongs to the embedded broker, the producer or
// a consumer is checked where it is used.
import { InvalidOptionError } from '@nest-rocketmq/remoting/internal';
import type { ClientOptions } from '@nest-rocketmq/client';
import { appName } from './app-name.js';
import type { RocketMQBackend } from '../backends/backend.js';
import { CONSUMER_SETTINGS, checkConsumerSettings } from './consumer-settings.js';
import type { CheckedConsumerSettings, ConsumerSettings } from './consumer-settings.js';
import { highestLevelOf, milliseconds } from '../message/delay.js';
import type { Duration } from '../message/delay.js';
import { checkGroup } from '../message/destination.js';
import { MOST_DELAY_SECONDS, checkEmbedded } from '../backends/embedded-options.js';
import type { EmbeddedOptions } from '../backends/embedded-options.js';
import { checkIdempotency } from '../idempotency/stores/idempotency-settings.js';
import type { CheckedIdempotency, IdempotencyOptions } from '../idempotency/stores/idempotency-settings.js';
import { JsonMessageConverter } from '../message/message-converter.js';
import type { MessageConverter } from '../message/message-converter.js';
import { checkAddresses, checkBoolean, checkDuration, checkKeys, checkMethods, inside } from '../option-checks.js';
import { checkProducer } from './producer-settings.js';
import type { CheckedProducerSettings, ProducerSettings } from './producer-settings.js';
import { checkTopics } from './topic-options.js';
import type { CheckedTopic, TopicOptions } from './topic-options.js';
import type { TransactionLog } from '../transaction-log/transaction-log.js';
import { defaultShutdownTimeout } from '../manual-clock-settings.js';

/** The environment variable that names the cluster if none of `nameServer`, `embedded` and `backend` is set. */
export const NAME_SERVER_ENV = 'ROCKETMQ_NAME_SERVER';

/** Options of `RocketMQModule.forRoot` and `forRootAsync`. */
export interface RocketMQModuleOptions {
  /**
   * The name servers of a cluster, 'host:9876;host2:9876'. Default: the environment variable ROCKETMQ_NAME_SERVER; without
   * it a broker runs in this process.
   */
  nameServer?: string;
  /** Settings of the broker in this process, which is then used whatever the environment says. */
  embedded?: EmbeddedOptions;
  /** A backend of your own. */
  backend?: RocketMQBackend;
  /**
   * The producer group, and the consumer group of listeners that name none. Default: the app's name, from the nearest
   * package.json at or above the working directory. On a cluster it must be set, unless every listener has a
   * `consumerGroup` and the app has no transactions: two services that share a group by accident each get only a part of
   * their messages, and are asked about each other's transactions.
   */
  group?: string;
  /**
   * Topics that are created when the app starts, unless they exist. `{ name: 'order', queues: 1 }` keeps all messages of the
   * topic in one order. Default: none; sends create topics where the brokers allow it.
   */
  topics?: TopicOptions[];
  /**
   * The namespace of the app's topics and groups: 'order' is 'ns%order' at the brokers, as with rocketmq-spring's `namespace`.
   * The app sees its own names only. Default: none.
   */
  namespace?: string;
  /** A namespace that goes with each request as header fields, as rocketmq-spring's `namespaceV2`. Default: none. */
  namespaceV2?: string;
  /** How brokers know this process, after its address. Default: its process id and random characters. */
  instanceName?: string;
  /** Settings of the one producer behind the template. */
  producer?: ProducerSettings;
  /** Defaults for all listeners of the app. */
  consumer?: ConsumerSettings;
  /** Converts payloads to bodies and back. Default: a `JsonMessageConverter`. */
  messageConverter?: MessageConverter;
  /**
   * Answers the broker's checks of transactions for topics without a class that does, such as a `PostgresTransactionLog`.
   * On a cluster it needs `group`. Default: none.
   */
  transactionLog?: TransactionLog;
  /** Defaults of listeners with `@Idempotent`, and the store that they share. See nest-rocketmq/idempotency. */
  idempotency?: IdempotencyOptions;
  /** The cluster's delay levels, which bound `delayLevel`. Default: Apache's '1s 5s 10s 30s 1m … 2h'. */
  messageDelayLevel?: string;
  /**
   * How long a shutdown waits for running listeners: ms, or a length such as '30s'. Default '30s'; with a manual clock '2s'
   * of real time.
   */
  shutdownTimeout?: Duration;
  /** Whether listeners start when the app has bootstrapped. If not, call `RocketMQListeners.start()`. Default true. */
  autoStart?: boolean;
}

export type BackendChoice =
  /** `doubt`: why this may be a mistake. */
  | { kind: 'embedded'; embedded: EmbeddedOptions; doubt?: string }
  | { kind: 'cluster'; nameServer: string }
  | { kind: 'custom'; backend: RocketMQBackend };

/** The checked options, with defaults filled in. */
export interface ResolvedOptions {
  /** Where the options come from, for errors: 'RocketMQModule.forRoot'. */
  where: string;
  backend: BackendChoice;
  group: string;
  /** The cluster on which listeners must name their group, and transactions are refused, since `group` is not set. */
  groupNeededOn: string | undefined;
  topics: readonly CheckedTopic[];
  identity: Pick<ClientOptions, 'namespace' | 'namespaceV2' | 'instanceName'>;
  producer: CheckedProducerSettings;
  consumer: CheckedConsumerSettings;
  messageConverter: MessageConverter;
  transactionLog: TransactionLog | undefined;
  idempotency: CheckedIdempotency;
  highestDelayLevel: number;
  /** ms */
  shutdownTimeout: number;
  autoStart: boolean;
}

const OPTIONS = [
  'nameServer',
  'embedded',
  'backend',
  'group',
  'topics',
  'namespace',
  'namespaceV2',
  'instanceName',
  'producer',
  'consumer',
  'messageConverter',
  'transactionLog',
  'idempotency',
  'messageDelayLevel',
  'shutdownTimeout',
  'autoStart',
];

const DEFAULT_SHUTDOWN_TIMEOUT_MS = 30_000;
const LONGEST_SHUTDOWN_TIMEOUT_MS = 3_600_000;

/**
 * @param where what the user called, for errors
 * @throws InvalidOptionError that names the first wrong option
 */
export function resolveOptions(
  given: RocketMQModuleOptions,
  env: Readonly<Record<string, string | undefined>> = process.env,
  where = 'RocketMQModule.forRoot',
): ResolvedOptions {
  return inside(where, undefined, () => {
    checkKeys('options', given, OPTIONS);
    const { embedded, producer, consumer, messageConverter, transactionLog } = given;
    if (embedded !== undefined) checkEmbedded(embedded);
    if (consumer !== undefined) checkKeys('consumer', consumer, CONSUMER_SETTINGS);
    if (messageConverter !== undefined) checkMethods('messageConverter', messageConverter, ['encode', 'decode']);
    if (transactionLog !== undefined) checkMethods('transactionLog', transactionLog, ['record', 'hasCommitted']);
    const shutdownTimeout =
      given.shutdownTimeout ?? defaultShutdownTimeout(embedded?.clock, DEFAULT_SHUTDOWN_TIMEOUT_MS);
    const backend = chooseBackend(given, env);
    return {
      where,
      backend,
      group: given.group === undefined ? appName() : checkGroup('group', given.group),
      groupNeededOn: backend.kind === 'cluster' && given.group === undefined ? backend.nameServer : undefined,
      topics: given.topics === undefined ? [] : checkTopics(given.topics),
      identity: identityOf(given),
      producer: checkProducer(producer ?? {}),
      consumer: inside(where, 'consumer', () => checkConsumerSettings(consumer ?? {})),
      messageConverter: messageConverter ?? new JsonMessageConverter(),
      transactionLog,
      idempotency: checkIdempotency(given.idempotency),
      highestDelayLevel: highestDelayLevelOf(given),
      shutdownTimeout: checkDuration('shutdownTimeout', shutdownTimeout, 0, LONGEST_SHUTDOWN_TIMEOUT_MS),
      autoStart: checkBoolean('autoStart', given.autoStart ?? true),
    };
  });
}

/** The rest is checked by the client. */
function identityOf({ namespace, namespaceV2, instanceName }: RocketMQModuleOptions): ResolvedOptions['identity'] {
  if (instanceName !== undefined && (typeof instanceName !== 'string' || instanceName.trim() === '')) {
    throw new InvalidOptionError('instanceName', instanceName, 'a non-empty string');
  }
  return {
    ...(namespace !== undefined && { namespace }),
    ...(namespaceV2 !== undefined && { namespaceV2 }),
    ...(instanceName !== undefined && { instanceName }),
  };
}

function highestDelayLevelOf({ messageDelayLevel, embedded }: RocketMQModuleOptions): number {
  if (messageDelayLevel !== undefined) return highestLevelOf(messageDelayLevel);
  return highestLevelOf(embedded?.messageDelayLevel, 'embedded.messageDelayLevel');
}

const BACKENDS = ['nameServer', 'embedded', 'backend'] as const;

function chooseBackend(given: RocketMQModuleOptions, env: Readonly<Record<string, string | undefined>>): BackendChoice {
  const [chosen, second] = BACKENDS.filter((option) => given[option] !== undefined);
  if (second !== undefined) {
    throw new InvalidOptionError(
      second,
      given[second],
      `only one of nameServer, embedded and backend; ${chosen} is set too`,
    );
  }
  if (given.backend !== undefined) {
    checkMethods('backend', given.backend, ['start', 'stop', 'dial']);
    return { kind: 'custom', backend: given.backend };
  }
  if (given.nameServer !== undefined) {
    return { kind: 'cluster', nameServer: checkAddresses('nameServer', given.nameServer) };
  }
  if (given.embedded !== undefined) return { kind: 'embedded', embedded: { ...given.embedded, ...delaysOf(given) } };
  const fromEnv = env[NAME_SERVER_ENV];
  if (fromEnv !== undefined) {
    const nameServer = inside('the environment', undefined, () => checkAddresses(NAME_SERVER_ENV, fromEnv));
    return { kind: 'cluster', nameServer };
  }
  return { kind: 'embedded', embedded: delaysOf(given), doubt: doubtOf(given, env) };
}

/** A broker in this process gets the same delays that the template uses. @throws InvalidOptionError */
function delaysOf({ messageDelayLevel, producer, embedded }: RocketMQModuleOptions): EmbeddedOptions {
  const maxDelay = milliseconds(producer?.maxDelay);
  const isOwn = maxDelay !== undefined && embedded?.timerMaxDelaySec === undefined;
  if (isOwn && maxDelay > MOST_DELAY_SECONDS * 1_000) {
    throw new InvalidOptionError('producer.maxDelay', producer?.maxDelay, "at most '13d' with the embedded broker");
  }
  return {
    ...(messageDelayLevel !== undefined && { messageDelayLevel }),
    ...(isOwn && { timerMaxDelaySec: `${Math.ceil(maxDelay / 1_000)}s` }),
  };
}

/** Why the default, a broker in this process, may be a mistake. */
function doubtOf(given: RocketMQModuleOptions, env: Readonly<Record<string, string | undefined>>): string | undefined {
  const empty = BACKENDS.find((option) => Object.hasOwn(given, option));
  if (empty !== undefined) return `option ${empty} is undefined, and ${NAME_SERVER_ENV} is not set`;
  if (env['NODE_ENV'] !== 'production') return undefined;
  return `NODE_ENV is production, and neither ${BACKENDS.join(' nor ')} nor ${NAME_SERVER_ENV} is set`;
}
