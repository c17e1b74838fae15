// Defines the module's options: types, defaults, environment and checks. What belongs to the embedded broker, the producer or
// a consumer is checked where it is used.
import { InvalidOptionError } from '@nest-rocketmq/remoting/internal';
import type { ClientOptions } from '@nest-rocketmq/client';
import { appName } from './app-name.js';
import type { RocketMQBackend } from '../backends/backend.js';
import { chooseBackend } from './backend-choice.js';
import type { BackendChoice } from './backend-choice.js';
import { ConsumerSwitch } from './consumer-switch.js';
import type { ConsumersOption } from './consumer-switch.js';
import { OptionReader, environmentReader } from './option-reader.js';
import type { ConfigReader, ResolveOption } from './option-reader.js';
import { CONSUMER_SETTINGS, checkConsumerSettings } from './consumer-settings.js';
import type { CheckedConsumerSettings, ConsumerSettings } from './consumer-settings.js';
import { highestLevelOf } from '../message/delay.js';
import type { Duration } from '../message/delay.js';
import { checkGroup } from '../message/destination.js';
import { checkEmbedded } from '../backends/embedded-options.js';
import type { EmbeddedOptions } from '../backends/embedded-options.js';
import { checkHooks } from './hooks.js';
import type { RocketMQHook } from './hooks.js';
import { checkIdempotency } from '../idempotency/stores/idempotency-settings.js';
import type { CheckedIdempotency, IdempotencyOptions } from '../idempotency/stores/idempotency-settings.js';
import { JsonMessageConverter } from '../message/message-converter.js';
import type { MessageConverter } from '../message/message-converter.js';
import { checkBoolean, checkDuration, checkKeys, checkMethods, inside } from '../option-checks.js';
import { checkProducer } from './producer-settings.js';
import type { CheckedProducerSettings, ProducerSettings } from './producer-settings.js';
import { checkTopics, mergeTopics } from './topic-options.js';
import type { CheckedTopic, TopicDeclaration, TopicOptions } from './topic-options.js';
import type { TransactionLog } from '../transaction-log/transaction-log.js';
import { DEFAULT_CLUSTER } from '../rocketmq.tokens.js';
import { defaultShutdownTimeout } from '../manual-clock-settings.js';

/** Options of `RocketMQModule.forRoot` and `forRootAsync`. */
export interface RocketMQModuleOptions {
  /**
   * The name servers of a cluster, 'host:9876;host2:9876'. Default: the environment variable ROCKETMQ_NAME_SERVER; without
   * it a broker runs in this process. A cluster with a name needs this, `embedded` or `backend`.
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
  /** For a cluster with access control: every request is signed. Give accessKey and secretKey, or neither. Default: neither. */
  accessKey?: string;
  /** See `accessKey`. */
  secretKey?: string;
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
  /** Called around the app's sends, listeners and polls, such as `openTelemetry()`. Default: none. */
  hooks?: readonly RocketMQHook[];
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
  /**
   * Which consumers run in this process: `false` for none, `{ mail: false }` for all groups but one, `{ shop: { order: false } }`
   * for all topics of a group but one. A topic must then be off in all processes of the group: its consumers share one
   * subscription. Default: the environment variable ROCKETMQ_CONSUMERS, which is 'true', 'false' or the groups that run,
   * 'shop,mail'; without it all.
   */
  consumers?: ConsumersOption;
  /**
   * Reads the keys in the texts of decorators, such as `topic: '${order.topic}'` or, with a default, '${order.topic:order}'.
   * Default: the ConfigService of @nestjs/config if the app has one, else the environment.
   */
  resolve?: ResolveOption;
}

/** Which of the app's clusters the options are for. */
export interface ClusterIdentity {
  /** `name` of its forRoot; 'default' without. */
  readonly name: string;
  /** The names of all clusters of the app. */
  readonly known: readonly string[];
}

/** What surrounds the options of a cluster. */
export interface OptionsScene {
  readonly cluster: ClusterIdentity;
  readonly config: ConfigReader;
  /** The topics that feature modules declare, with those of modules loaded since. */
  readonly featureTopics?: (reader: OptionReader) => readonly TopicDeclaration[];
}

/** The checked options, with defaults filled in. */
export interface ResolvedOptions {
  /** Where the options come from, for errors: 'RocketMQModule.forRoot'. */
  where: string;
  backend: BackendChoice;
  group: string;
  /** The cluster on which listeners must name their group, and transactions are refused, since `group` is not set. */
  groupNeededOn: string | undefined;
  /** Those of the options and of forFeature, as far as modules are loaded. @throws InvalidOptionError */
  topics: () => readonly CheckedTopic[];
  identity: Pick<ClientOptions, (typeof IDENTITY)[number]>;
  producer: CheckedProducerSettings;
  consumer: CheckedConsumerSettings;
  messageConverter: MessageConverter;
  transactionLog: TransactionLog | undefined;
  hooks: readonly RocketMQHook[] | undefined;
  idempotency: CheckedIdempotency;
  highestDelayLevel: number;
  /** ms */
  shutdownTimeout: number;
  autoStart: boolean;
  cluster: ClusterIdentity;
  consumers: ConsumerSwitch;
  /** Reads the options of this cluster's decorators. */
  reader: OptionReader;
}

const IDENTITY = ['namespace', 'namespaceV2', 'instanceName', 'accessKey', 'secretKey'] as const;
const OPTIONS = [
  'nameServer',
  'embedded',
  'backend',
  'group',
  'topics',
  ...IDENTITY,
  'producer',
  'consumer',
  'messageConverter',
  'transactionLog',
  'hooks',
  'idempotency',
  'messageDelayLevel',
  'shutdownTimeout',
  'autoStart',
  'consumers',
  'resolve',
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
  { cluster, config, featureTopics = () => [] }: OptionsScene = aloneIn(env),
): ResolvedOptions {
  return inside(where, undefined, () => {
    checkOptions(given);
    const { embedded, producer, consumer, messageConverter, transactionLog } = given;
    if (embedded !== undefined) checkEmbedded(embedded);
    if (consumer !== undefined) checkKeys('consumer', consumer, CONSUMER_SETTINGS);
    if (messageConverter !== undefined) checkMethods('messageConverter', messageConverter, ['encode', 'decode']);
    if (transactionLog !== undefined) checkMethods('transactionLog', transactionLog, ['record', 'hasCommitted']);
    const shutdownTimeout =
      given.shutdownTimeout ?? defaultShutdownTimeout(embedded?.clock, DEFAULT_SHUTDOWN_TIMEOUT_MS);
    const backend = chooseBackend(given, env, cluster.name);
    const topics = given.topics === undefined ? [] : checkTopics(given.topics);
    const reader = new OptionReader(config, given.resolve);
    return {
      where,
      backend,
      group: given.group === undefined ? appName() : checkGroup('group', given.group),
      groupNeededOn: backend.kind === 'cluster' && given.group === undefined ? backend.nameServer : undefined,
      topics: () => mergeTopics([{ where, topics }, ...featureTopics(reader)]),
      identity: identityOf(given),
      producer: checkProducer(producer ?? {}),
      consumer: inside(where, 'consumer', () => checkConsumerSettings(consumer ?? {})),
      messageConverter: messageConverter ?? new JsonMessageConverter(),
      transactionLog,
      hooks: checkHooks(given.hooks),
      idempotency: checkIdempotency(given.idempotency),
      highestDelayLevel: highestDelayLevelOf(given),
      shutdownTimeout: checkDuration('shutdownTimeout', shutdownTimeout, 0, LONGEST_SHUTDOWN_TIMEOUT_MS),
      autoStart: checkBoolean('autoStart', given.autoStart ?? true),
      cluster,
      consumers: ConsumerSwitch.of(given.consumers, env),
      reader,
    };
  });
}

/** The one cluster of an app without @nestjs/config. */
function aloneIn(env: Readonly<Record<string, string | undefined>>): OptionsScene {
  return { cluster: { name: DEFAULT_CLUSTER, known: [DEFAULT_CLUSTER] }, config: environmentReader(env) };
}

function checkOptions(given: RocketMQModuleOptions): void {
  checkKeys('options', given, OPTIONS);
  const { resolve } = given;
  if (resolve === undefined || typeof resolve === 'function') return;
  throw new InvalidOptionError('resolve', resolve, 'a function that returns the value of a key');
}

/** The rest is checked by the client. */
function identityOf(given: RocketMQModuleOptions): ResolvedOptions['identity'] {
  const { instanceName } = given;
  if (instanceName !== undefined && (typeof instanceName !== 'string' || instanceName.trim() === '')) {
    throw new InvalidOptionError('instanceName', instanceName, 'a non-empty string');
  }
  return Object.fromEntries(IDENTITY.flatMap((key) => (given[key] === undefined ? [] : [[key, given[key]]])));
}

function highestDelayLevelOf({ messageDelayLevel, embedded }: RocketMQModuleOptions): number {
  if (messageDelayLevel !== undefined) return highestLevelOf(messageDelayLevel);
  return highestLevelOf(embedded?.messageDelayLevel, 'embedded.messageDelayLevel');
}
