// Owns the module's options: types, defaults, environment, and the refusal of what is wrong. What belongs to the
// embedded broker, the producer or a consumer alone is checked where it is used.
import type { ProducerOptions, PushConsumerOptions } from '@nest-rocketmq/client';
import { DEFAULT_MESSAGE_DELAY_LEVEL } from '@nest-rocketmq/remoting';
import { appName } from './app-name.js';
import type { RocketMQBackend } from './backend.js';
import { DelayLevels } from './delay.js';
import { checkGroup } from './destination.js';
import type { EmbeddedOptions } from './embedded-backend.js';
import { InvalidOptionError } from './errors.js';
import { JsonMessageConverter } from './message-converter.js';
import type { MessageConverter } from './message-converter.js';
import { checkAddresses, checkBoolean, checkInteger, checkKeys, checkMethods } from './option-checks.js';
import { defaultShutdownTimeout } from './turned-clock.js';

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
   * package.json of the working directory.
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
  /** How long a shutdown waits for running listeners, ms. Default 30000. */
  shutdownTimeout?: number;
  /** false: listeners start only by `RocketMQListeners.start()`. Default true: when the app has bootstrapped. */
  autoStart?: boolean;
}

export interface ConsumerSettings {
  /** Messages of one group handled at the same time. Default 20. */
  concurrency?: number;
  /** Redeliveries before a message goes to the dead letters, %DLQ%group. Default -1, which means 16. */
  maxReconsumeTimes?: number;
  /** A message whose listener runs longer is given back to the broker, minutes. Default 15. */
  consumeTimeout?: number;
  /** Where a group starts that has no offset yet. Default 'CONSUME_FROM_LAST_OFFSET'. */
  consumeFromWhere?: PushConsumerOptions['consumeFromWhere'];
}

export type BackendChoice =
  | { kind: 'embedded'; embedded: EmbeddedOptions }
  | { kind: 'cluster'; nameServer: string }
  | { kind: 'custom'; backend: RocketMQBackend };

/** Every option validated and filled in. */
export interface ResolvedOptions {
  backend: BackendChoice;
  group: string;
  producer: ProducerSettings;
  consumer: ConsumerSettings;
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
  'isGlobal',
];
const CONSUMER_OPTIONS = ['concurrency', 'maxReconsumeTimes', 'consumeTimeout', 'consumeFromWhere'];

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
export type ProducerSettings = Pick<ProducerOptions, (typeof PRODUCER_OPTIONS)[number]>;

const DEFAULT_SHUTDOWN_TIMEOUT_MS = 30_000;
const LONGEST_SHUTDOWN_TIMEOUT_MS = 3_600_000;

/** @throws InvalidOptionError naming the first option that is wrong */
export function resolveOptions(
  given: RocketMQModuleOptions,
  env: Readonly<Record<string, string | undefined>> = process.env,
): ResolvedOptions {
  checkKeys('options', given, OPTIONS);
  if (given.producer !== undefined) checkKeys('producer', given.producer, PRODUCER_OPTIONS);
  if (given.consumer !== undefined) checkKeys('consumer', given.consumer, CONSUMER_OPTIONS);
  if (given.messageConverter !== undefined)
    checkMethods('messageConverter', given.messageConverter, ['encode', 'decode']);
  const messageDelayLevel = given.messageDelayLevel ?? given.embedded?.messageDelayLevel ?? DEFAULT_MESSAGE_DELAY_LEVEL;
  return {
    backend: chooseBackend(given, env),
    group: given.group === undefined ? appName() : checkGroup('group', given.group),
    producer: given.producer ?? {},
    consumer: given.consumer ?? {},
    messageConverter: given.messageConverter ?? new JsonMessageConverter(),
    delayLevels: new DelayLevels(messageDelayLevel),
    shutdownTimeout: checkInteger(
      'shutdownTimeout',
      given.shutdownTimeout ?? defaultShutdownTimeout(given.embedded?.clock, DEFAULT_SHUTDOWN_TIMEOUT_MS),
      0,
      LONGEST_SHUTDOWN_TIMEOUT_MS,
      'ms',
    ),
    autoStart: checkBoolean('autoStart', given.autoStart ?? true),
  };
}

function chooseBackend(given: RocketMQModuleOptions, env: Readonly<Record<string, string | undefined>>): BackendChoice {
  const chosen = (['nameServer', 'embedded', 'backend'] as const).filter((option) => given[option] !== undefined);
  if (chosen.length > 1) {
    throw new InvalidOptionError(
      chosen[1],
      given[chosen[1]],
      `one of nameServer, embedded and backend; ${chosen[0]} is set too`,
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
  if (fromEnv) return { kind: 'cluster', nameServer: checkAddresses(NAME_SERVER_ENV, fromEnv) };
  return { kind: 'embedded', embedded: levels };
}
