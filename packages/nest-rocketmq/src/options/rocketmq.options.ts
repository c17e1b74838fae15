// Owns the module's options: types, defaults, environment, and the refusal of what is wrong. What belongs to the
// embedded broker, the producer or a consumer alone is checked where it is used.
import { InvalidOptionError } from '@nest-rocketmq/remoting/internal';
import type { ProducerOptions } from '@nest-rocketmq/client';
import { appName } from './app-name.js';
import type { RocketMQBackend } from '../backends/backend.js';
import { CONSUMER_SETTINGS, checkConsumerSettings } from './consumer-settings.js';
import type { CheckedConsumerSettings, ConsumerSettings } from './consumer-settings.js';
import { DelayLevels } from '../message/delay.js';
import type { Duration } from '../message/delay.js';
import { checkGroup } from '../message/destination.js';
import { checkEmbedded } from '../backends/embedded-options.js';
import type { EmbeddedOptions } from '../backends/embedded-options.js';
import { JsonMessageConverter } from '../message/message-converter.js';
import type { MessageConverter } from '../message/message-converter.js';
import { checkAddresses, checkBoolean, checkDuration, checkKeys, checkMethods, inside } from '../option-checks.js';
import { defaultShutdownTimeout } from '../turned-clock.js';

/** Names the cluster when neither `nameServer` nor `embedded` nor `backend` is given. */
export const NAME_SERVER_ENV = 'ROCKETMQ_NAME_SERVER';

export interface RocketMQModuleOptions {
  /**
   * Name servers of a cluster, 'host:9876;host2:9876'. Default: the environment's ROCKETMQ_NAME_SERVER; without that, a
   * broker is embedded in this process.
   */
  nameServer?: string;
  /** Settings of the embedded broker, which is then used whatever the environment says. */
  embedded?: EmbeddedOptions;
  /** Another place that speaks RocketMQ. */
  backend?: RocketMQBackend;
  /**
   * The producer group, and the consumer group of listeners that name none. Default: the app's name, from the nearest
   * package.json of the working directory. On a cluster it must be set, unless every listener has a `consumerGroup`:
   * two services that share a group by accident get only a part of their messages each.
   */
  group?: string;
  /** Settings of the one producer behind the template. */
  producer?: ProducerSettings;
  /** Defaults for all listeners of the app. */
  consumer?: ConsumerSettings;
  /** Default: JSON, with strings and bytes as they are. */
  messageConverter?: MessageConverter;
  /** The cluster's delay levels, where they are not Apache's '1s 5s 10s 30s 1m … 2h'. */
  messageDelayLevel?: string;
  /**
   * How long a shutdown waits for running listeners: ms, or a length such as '30s'. Default '30s'; '2s' of real time on a
   * clock that is turned by hand.
   */
  shutdownTimeout?: Duration;
  /** false: listeners start only by `RocketMQListeners.start()`. Default true: when the app has bootstrapped. */
  autoStart?: boolean;
}

export type BackendChoice =
  /** `doubt`: why this may not be what was meant. */
  | { kind: 'embedded'; embedded: EmbeddedOptions; doubt?: string }
  | { kind: 'cluster'; nameServer: string }
  | { kind: 'custom'; backend: RocketMQBackend };

/** Every option validated and filled in. */
export interface ResolvedOptions {
  /** Where they were given, for errors: 'RocketMQModule.forRoot'. */
  where: string;
  backend: BackendChoice;
  group: string;
  /** The cluster whose listeners must name their groups, since `group` was not set; undefined where they need not. */
  groupNeededOn: string | undefined;
  producer: CheckedProducerSettings;
  consumer: CheckedConsumerSettings;
  messageConverter: MessageConverter;
  delayLevels: DelayLevels;
  shutdownTimeout: number;
  autoStart: boolean;
}

const OPTIONS = [
  'nameServer',
  'embedded',
  'backend',
  'group',
  'producer',
  'consumer',
  'messageConverter',
  'messageDelayLevel',
  'shutdownTimeout',
  'autoStart',
];

const PRODUCER_OPTIONS = [
  'sendMsgTimeout',
  'sendMsgMaxTimeoutPerRequest',
  'retryTimesWhenSendFailed',
  'retryAnotherBrokerWhenNotStoreOK',
  'compressMsgBodyOverHowmuch',
  'compressLevel',
  'maxMessageSize',
  'createTopicKey',
  'defaultTopicQueueNums',
] as const satisfies readonly (keyof ProducerOptions)[];

/** Settings of the producer behind the template, with Apache's names and defaults. */
export type ProducerSettings = Omit<Pick<ProducerOptions, (typeof PRODUCER_OPTIONS)[number]>, ProducerTime> & {
  [K in ProducerTime]?: Duration;
};

/** The same, lengths of time in ms. */
export type CheckedProducerSettings = Pick<ProducerOptions, (typeof PRODUCER_OPTIONS)[number]>;

type ProducerTime = (typeof PRODUCER_TIMES)[number];

/** Those that are lengths of time. -1 means no limit of its own to the second. */
const PRODUCER_TIMES = ['sendMsgTimeout', 'sendMsgMaxTimeoutPerRequest'] as const;
const LONGEST_SEND_MS = 3_600_000;

const DEFAULT_SHUTDOWN_TIMEOUT_MS = 30_000;
const LONGEST_SHUTDOWN_TIMEOUT_MS = 3_600_000;

/**
 * @param where for errors: what the user has called
 * @throws InvalidOptionError naming the first option that is wrong
 */
export function resolveOptions(
  given: RocketMQModuleOptions,
  env: Readonly<Record<string, string | undefined>> = process.env,
  where = 'RocketMQModule.forRoot',
): ResolvedOptions {
  return inside(where, undefined, () => {
    checkKeys('options', given, OPTIONS);
    const { embedded, producer, consumer, messageConverter } = given;
    if (embedded !== undefined) checkEmbedded(embedded);
    if (consumer !== undefined) checkKeys('consumer', consumer, CONSUMER_SETTINGS);
    if (messageConverter !== undefined) checkMethods('messageConverter', messageConverter, ['encode', 'decode']);
    const shutdownTimeout =
      given.shutdownTimeout ?? defaultShutdownTimeout(embedded?.clock, DEFAULT_SHUTDOWN_TIMEOUT_MS);
    const backend = chooseBackend(given, env);
    return {
      where,
      backend,
      group: given.group === undefined ? appName() : checkGroup('group', given.group),
      groupNeededOn: backend.kind === 'cluster' && given.group === undefined ? backend.nameServer : undefined,
      producer: checkProducer(producer ?? {}),
      consumer: inside(where, 'consumer', () => checkConsumerSettings(consumer ?? {})),
      messageConverter: messageConverter ?? new JsonMessageConverter(),
      delayLevels: delayLevelsOf(given),
      shutdownTimeout: checkDuration('shutdownTimeout', shutdownTimeout, 0, LONGEST_SHUTDOWN_TIMEOUT_MS),
      autoStart: checkBoolean('autoStart', given.autoStart ?? true),
    };
  });
}

function delayLevelsOf({ messageDelayLevel, embedded }: RocketMQModuleOptions): DelayLevels {
  if (messageDelayLevel !== undefined) return new DelayLevels(messageDelayLevel);
  return new DelayLevels(embedded?.messageDelayLevel, 'embedded.messageDelayLevel');
}

function checkProducer(given: ProducerSettings): CheckedProducerSettings {
  checkKeys('producer', given, PRODUCER_OPTIONS);
  const times = PRODUCER_TIMES.filter((option) => given[option] !== undefined && given[option] !== -1).map((option) => [
    option,
    checkDuration(`producer.${option}`, given[option], 1, LONGEST_SEND_MS),
  ]);
  return { ...given, ...Object.fromEntries(times) } as CheckedProducerSettings;
}

const BACKENDS = ['nameServer', 'embedded', 'backend'] as const;

function chooseBackend(given: RocketMQModuleOptions, env: Readonly<Record<string, string | undefined>>): BackendChoice {
  const [chosen, second] = BACKENDS.filter((option) => given[option] !== undefined);
  if (second !== undefined) {
    throw new InvalidOptionError(
      second,
      given[second],
      `one of nameServer, embedded and backend; ${chosen} is set too`,
    );
  }
  if (given.backend !== undefined) {
    checkMethods('backend', given.backend, ['start', 'stop', 'dial']);
    return { kind: 'custom', backend: given.backend };
  }
  if (given.nameServer !== undefined) {
    return { kind: 'cluster', nameServer: checkAddresses('nameServer', given.nameServer) };
  }
  // One table for both sides: a broker in this process has the levels that the template maps to.
  const levels = given.messageDelayLevel === undefined ? {} : { messageDelayLevel: given.messageDelayLevel };
  if (given.embedded !== undefined) return { kind: 'embedded', embedded: { ...given.embedded, ...levels } };
  const fromEnv = env[NAME_SERVER_ENV];
  if (fromEnv !== undefined) {
    const nameServer = inside('the environment', undefined, () => checkAddresses(NAME_SERVER_ENV, fromEnv));
    return { kind: 'cluster', nameServer };
  }
  return { kind: 'embedded', embedded: levels, doubt: doubtOf(given, env) };
}

/** Why a broker in this process, which is what an app gets that says nothing, may not be what was meant. */
function doubtOf(given: RocketMQModuleOptions, env: Readonly<Record<string, string | undefined>>): string | undefined {
  const empty = BACKENDS.find((option) => Object.hasOwn(given, option));
  if (empty !== undefined) return `option ${empty} is there but undefined, and ${NAME_SERVER_ENV} is not set`;
  if (env['NODE_ENV'] !== 'production') return undefined;
  return `NODE_ENV is production, and neither ${BACKENDS.join(' nor ')} nor ${NAME_SERVER_ENV} is set`;
}
