// Reads the module's options from an app's configuration, under rocketmq-spring's property names and under this module's own.
import { InvalidOptionError } from '@nest-rocketmq/remoting/internal';
import { EMBEDDED_OPTIONS } from '../backends/embedded-options.js';
import { checkKeys, inside } from '../option-checks.js';
import { CONSUMER_SETTINGS } from './consumer-settings.js';
import type { ConfigReader } from './option-reader.js';
import { PRODUCER_OPTIONS } from './producer-settings.js';
import type { RocketMQModuleOptions } from './rocketmq.options.js';

type Values = Record<string, unknown>;

/** Options that stay texts even if they look like numbers. */
const TEXTS = new Set(['group', 'namespace', 'namespaceV2', 'instanceName', 'accessKey', 'secretKey', 'nameServer']);

const TOP = [
  'nameServer',
  'group',
  'namespace',
  'namespaceV2',
  'instanceName',
  'accessKey',
  'secretKey',
  'topics',
  'messageDelayLevel',
  'shutdownTimeout',
  'autoStart',
  'consumers',
] as const satisfies readonly (keyof RocketMQModuleOptions)[];

/** rocketmq-spring's names in `producer`, with the module's option for each. */
const SPRING_PRODUCER: Readonly<Record<string, string>> = {
  group: 'group',
  namespace: 'namespace',
  namespaceV2: 'namespaceV2',
  instanceName: 'instanceName',
  accessKey: 'accessKey',
  secretKey: 'secretKey',
  sendMessageTimeout: 'producer.sendMsgTimeout',
  compressMessageBodyThreshold: 'producer.compressMsgBodyOverHowmuch',
  retryNextServer: 'producer.retryAnotherBrokerWhenNotStoreOK',
};

/** And in `consumer`: one client serves both here. */
const SPRING_CONSUMER = ['namespace', 'namespaceV2', 'instanceName', 'accessKey', 'secretKey'] as const;

/** What is not there, and the values that mean so. */
const REFUSED: Readonly<Record<string, readonly unknown[]>> = {
  accessChannel: ['LOCAL'],
  'producer.tlsEnable': [false],
  'consumer.tlsEnable': [false],
};

/**
 * Makes the module's options from the app's configuration: `useFactory: (config: ConfigService) => fromConfig(config)`. It reads
 * rocketmq-spring's names (`rocketmq.name-server`, `rocketmq.producer.send-message-timeout`, `rocketmq.consumer.listeners.…`)
 * and those of this module (`rocketmq.shutdown-timeout`, `rocketmq.consumer.concurrency`), in kebab-case or camelCase, nested,
 * with dots, or as environment variables (ROCKETMQ_PRODUCER_SEND_MESSAGE_TIMEOUT). Texts become numbers and booleans. Of
 * `pull-consumer` it reads nothing: see `forFeature`.
 * @param config a ConfigService, or what has its `get`
 * @param prefix default 'rocketmq'
 * @throws InvalidOptionError for names that it does not know, and for what this module cannot do
 */
export function fromConfig(config: Pick<ConfigReader, 'get'>, prefix = 'rocketmq'): RocketMQModuleOptions {
  return inside(`configuration ${prefix}`, undefined, () => {
    const source = new Source(config, prefix);
    source.refuseUnknown();
    const options: Values = {};
    for (const name of TOP) put(options, name, source.value(name));
    for (const name of PRODUCER_OPTIONS) put(options, `producer.${name}`, source.value(`producer.${name}`));
    for (const [name, target] of Object.entries(SPRING_PRODUCER))
      put(options, target, source.value(`producer.${name}`));
    for (const name of CONSUMER_SETTINGS) put(options, `consumer.${name}`, source.value(`consumer.${name}`));
    for (const name of SPRING_CONSUMER) put(options, name, source.value(`consumer.${name}`));
    for (const name of EMBEDDED_OPTIONS) put(options, `embedded.${name}`, source.value(`embedded.${name}`));
    put(options, 'consumers', source.listeners());
    return options as RocketMQModuleOptions;
  });
}

/** Two names of one option must agree. */
function put(options: Values, path: string, value: unknown): void {
  if (value === undefined) return;
  const [section, name] = path.split('.') as [string, string | undefined];
  const target = name === undefined ? options : ((options[section] ??= {}) as Values);
  const key = name ?? section;
  if (target[key] !== undefined && target[key] !== value) {
    const allowed = `the same as under its other name, ${JSON.stringify(target[key])}: one client serves the producer and all consumers`;
    throw new InvalidOptionError(path, value, allowed);
  }
  target[key] = value;
}

class Source {
  readonly #tree: Values;

  constructor(
    private readonly config: Pick<ConfigReader, 'get'>,
    private readonly prefix: string,
  ) {
    const tree = config.get<unknown>(prefix);
    if (tree !== undefined && !isObject(tree)) throw new InvalidOptionError(prefix, tree, 'an object of options');
    this.#tree = camelised(tree ?? {});
    for (const section of ['producer', 'consumer', 'embedded', 'pullConsumer']) {
      const inner = this.#tree[section];
      if (inner === undefined) continue;
      if (!isObject(inner)) throw new InvalidOptionError(section, inner, 'an object of options');
      this.#tree[section] = camelised(inner);
    }
  }

  /** The value at 'producer.sendMessageTimeout', under any of its spellings. */
  value(path: string): unknown {
    const name = path.split('.').at(-1)!;
    const found = this.#nested(path) ?? this.#flat(path);
    return TEXTS.has(name) ? found : typed(found);
  }

  /** rocketmq.consumer.listeners.<group>.<topic>=false */
  listeners(): unknown {
    const listeners = this.#nested('consumer.listeners');
    if (listeners === undefined) return undefined;
    const allowed = 'an object of groups, each an object of topics, each true or false';
    if (!isObject(listeners)) throw new InvalidOptionError('consumer.listeners', listeners, allowed);
    return Object.fromEntries(
      Object.entries(listeners).map(([group, topics]) => [
        group,
        isObject(topics)
          ? Object.fromEntries(Object.entries(topics).map(([topic, value]) => [topic, typed(value)]))
          : typed(topics),
      ]),
    );
  }

  /** @throws InvalidOptionError */
  refuseUnknown(): void {
    const { producer = {}, consumer = {}, embedded = {}, ...top } = this.#tree;
    checkKeys('options', top, [...TOP, 'producer', 'consumer', 'embedded', 'pullConsumer', 'accessChannel']);
    // All sends are asynchronous here, and share retryTimesWhenSendFailed.
    const inProducer = [...PRODUCER_OPTIONS, ...Object.keys(SPRING_PRODUCER)];
    checkKeys('producer', producer, [...inProducer, 'retryTimesWhenSendAsyncFailed', 'tlsEnable']);
    const inConsumer = [...CONSUMER_SETTINGS, ...SPRING_CONSUMER];
    checkKeys('consumer', consumer, [...inConsumer, 'listeners', 'tlsEnable', 'customizedTraceTopic']);
    checkKeys('embedded', embedded, EMBEDDED_OPTIONS);
    for (const [path, harmless] of Object.entries(REFUSED)) {
      const value = this.value(path);
      if (value === undefined || harmless.includes(value)) continue;
      throw new InvalidOptionError(
        path,
        value,
        `${harmless.map(String).join(' or ')}, or nothing: this module cannot do more`,
      );
    }
  }

  #nested(path: string): unknown {
    const [section, name] = path.split('.') as [string, string | undefined];
    const value = this.#tree[section];
    if (name === undefined) return value;
    return isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
  }

  #flat(path: string): unknown {
    const kebab = path.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    const upper = `${this.prefix}.${kebab}`.replaceAll('.', '_').toUpperCase();
    const keys = [
      `${this.prefix}.${path}`,
      `${this.prefix}.${kebab}`,
      upper.replaceAll('-', '_'),
      // Spring's own spelling of environment variables.
      upper.replaceAll('-', ''),
    ];
    for (const key of keys) {
      const value = this.config.get<unknown>(key);
      if (value !== undefined) return value;
    }
    return undefined;
  }
}

function camelised(given: Values): Values {
  return Object.fromEntries(
    Object.entries(given).map(([key, value]) => [
      key.replace(/-([a-zA-Z0-9])/g, (_dash, letter: string) => letter.toUpperCase()),
      value,
    ]),
  );
}

/** What a text of the environment or a properties file stands for. */
function typed(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  const text = value.trim();
  if (text === 'true' || text === 'false') return text === 'true';
  return /^-?\d{1,15}$/.test(text) ? Number(text) : text;
}

function isObject(value: unknown): value is Values {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
