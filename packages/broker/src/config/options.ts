// Checks the options of a broker and fills in what was not given.
import { InvalidOptionError, localHost, printable, silentLogger, systemClock } from '@nest-rocketmq/remoting/internal';
import type { Clock, HostAndPort, Logger } from '@nest-rocketmq/remoting/internal';
import type { FileSystem } from '../store/files/file-system.js';
import type { BrokerOptions } from './broker-options.js';
import { DEFAULT_NAME_SERVER_LISTEN } from './broker-rows.js';
import { checkListen } from './option-checks.js';
import type { GivenOf, ValueOf } from './option-row.js';
import { isOptionName, optionEntries } from './option-rows.js';
import type { OptionName, OptionRows } from './option-rows.js';

/** The port in the addresses of a broker that does not listen. */
export const EMBEDDED_PORT = 10911;
/** What `dial` knows the name server by when it does not listen. */
export const EMBEDDED_NAME_SERVER = 'embedded-name-server:1';
const LOOPBACK = '127.0.0.1';

/** What the broker is given instead of the machine's, mostly by tests. */
const OBJECTS: readonly string[] = ['clock', 'logger', 'fileSystem'];

/** What the rows let a user give. That this is all of `BrokerOptions` is held by options.test.ts. */
export type GivenOptions = { -readonly [Name in OptionName]?: GivenOf<OptionRows[Name]> };
type Values = { -readonly [Name in OptionName]: ValueOf<OptionRows[Name]> };

/** The options after validation, all of them filled in. */
export interface BrokerConfig extends Omit<Values, 'clusterName'> {
  clock: Clock;
  logger: Logger;
  fileSystem: FileSystem | undefined;
}

/** Every option filled in. @throws InvalidOptionError naming the first that cannot be */
export function resolveOptions(options: BrokerOptions): BrokerConfig {
  refuseUnknown(options);
  const { clusterName, ...values } = checked(withDefaults(options));
  const brokerClusterName = options.brokerClusterName ?? clusterName ?? values.brokerClusterName;
  return {
    ...values,
    brokerClusterName,
    clock: options.clock ?? systemClock,
    logger: options.logger ?? silentLogger,
    fileSystem: options.fileSystem,
  };
}

/** Those defaults that depend on other options. */
function withDefaults(options: GivenOptions): GivenOptions {
  const { listen = false } = options;
  const nameServerListen = options.nameServerListen ?? (listen === false ? false : DEFAULT_NAME_SERVER_LISTEN);
  const brokerIP1 = options.brokerIP1 ?? advertised(checkListen('listen', listen));
  return { ...options, listen, nameServerListen, brokerIP1 };
}

function checked(options: GivenOptions): Values {
  const values: Partial<Record<OptionName, unknown>> = {};
  for (const [name, row] of optionEntries) {
    const given = options[name] ?? row.fallback;
    if (given !== undefined) values[name] = row.check(name, given);
  }
  return values as Values;
}

function refuseUnknown(options: BrokerOptions): void {
  for (const [key, value] of Object.entries(options)) {
    if (isOptionName(key) || OBJECTS.includes(key)) continue;
    throw new InvalidOptionError(printable(key), value, 'the name of an option, see BrokerOptions');
  }
}

function advertised(listen: HostAndPort | undefined): string {
  if (!listen) return LOOPBACK;
  return listen.host === '0.0.0.0' || listen.host === '::' ? localHost() : listen.host;
}

/** The options as broker.conf would have them, for tools that ask. */
export function propertiesOf(config: BrokerConfig): Map<string, string> {
  const properties = new Map<string, string>();
  for (const [name, { conf, confWords }] of optionEntries) {
    const value = name === 'clusterName' ? undefined : config[name];
    if (value === undefined || (typeof value === 'object' && !Array.isArray(value))) continue;
    const said = Array.isArray(value) ? value.join(';') : String(value);
    properties.set(name, said);
    const word = [...(confWords ?? [])].find(([, meaning]) => meaning === value)?.[0];
    if (conf !== undefined) properties.set(conf, word ?? said);
  }
  return properties;
}

/** ms after which a silent connection is closed. */
export const idleTimeoutOf = ({ serverChannelMaxIdleTimeSeconds }: BrokerConfig): number =>
  serverChannelMaxIdleTimeSeconds * 1_000;
