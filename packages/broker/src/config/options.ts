// Owns the broker's options and the refusal of what cannot be. Leaves the numbers and flags among them to
// option-tables.ts, the file broker.conf to broker-conf.ts and the command line to main.ts.
import {
  DEFAULT_MESSAGE_DELAY_LEVEL,
  InvalidOptionError,
  formatAddress,
  localHost,
  parseAddress,
  printable,
  silentLogger,
  systemClock,
} from '@nest-rocketmq/remoting/internal';
import type { Clock, HostAndPort, Logger } from '@nest-rocketmq/remoting/internal';
import { delaysOf } from './delay-levels.js';
import { FLAGS, NUMBERS } from './option-tables.js';
import type { FileSystem } from '../store/files/file-system.js';

type NumberOptions = { -readonly [K in keyof typeof NUMBERS]: number };
type FlagOptions = { -readonly [K in keyof typeof FLAGS]: boolean };

export interface BrokerOptions extends Partial<NumberOptions>, Partial<FlagOptions> {
  /**
   * Where the broker listens, `host:port`; port 0 takes a free one. Default: nowhere, only `dial` reaches it. A port that
   * is named brings along the second one below it, for clients with a VIP channel.
   */
  listen?: string | false;
  /** Where the name server listens. Default: `127.0.0.1:9876` with `listen`, nowhere without. */
  nameServerListen?: string | false;
  /** The folder of the store, or `'memory'`. Default: `.rocketmq` in the working directory. */
  store?: string;
  /** `'async'`: an acknowledged message is in the system's file cache (default); `'sync'`: it is on the disk. */
  flush?: 'async' | 'sync';
  /** Default `broker-a`. */
  brokerName?: string;
  /** Default `DefaultCluster`. */
  brokerClusterName?: string;
  /** The same as brokerClusterName. */
  clusterName?: string;
  /** The address that clients are told. Default: the one listened on; with 0.0.0.0, that of the first network card. */
  brokerIP1?: string;
  /** Outside name servers to register with too, `host:port;host2:port`. */
  namesrvAddr?: string;
  /** Lengths of the delay levels. Default: Apache's 18, `1s 5s 10s 30s 1m … 2h`. */
  messageDelayLevel?: string;
  /** Hours of the day, local time, in which files that are old enough go, `;` between several. Default `04`. */
  deleteWhen?: string;
  /** MSG_REGION of stored messages. Default `DefaultRegion`. */
  regionId?: string;
  clock?: Clock;
  logger?: Logger;
  /** Instead of the machine's files, for tests. */
  fileSystem?: FileSystem;
}

/** The options after validation, all of them filled in. */
export interface BrokerConfig extends NumberOptions, FlagOptions {
  listen: HostAndPort | undefined;
  nameServerListen: HostAndPort | undefined;
  store: string;
  flush: 'async' | 'sync';
  brokerName: string;
  brokerClusterName: string;
  brokerIP1: string;
  namesrvAddr: string[];
  messageDelayLevel: string;
  deleteWhen: string;
  regionId: string;
  clock: Clock;
  logger: Logger;
  fileSystem: FileSystem | undefined;
}

export const DEFAULT_LISTEN = '127.0.0.1:10911';
export const DEFAULT_NAME_SERVER_LISTEN = '127.0.0.1:9876';
/** The port in the addresses of a broker that does not listen. */
export const EMBEDDED_PORT = 10911;
/** What `dial` knows the name server by when it does not listen. */
export const EMBEDDED_NAME_SERVER = 'embedded-name-server:1';
export const DEFAULT_STORE = '.rocketmq';
export const DEFAULT_BROKER_NAME = 'broker-a';
export const DEFAULT_CLUSTER_NAME = 'DefaultCluster';
const LOOPBACK = '127.0.0.1';
const DEFAULT_REGION = 'DefaultRegion';
const DEFAULT_DELETE_WHEN = '04';
const NAME_MAX_LENGTH = 100;

const TEXTS = new Set([
  'listen',
  'nameServerListen',
  'store',
  'flush',
  'brokerName',
  'brokerClusterName',
  'clusterName',
  'brokerIP1',
  'namesrvAddr',
  'messageDelayLevel',
  'deleteWhen',
  'regionId',
]);
const OBJECTS = new Set(['clock', 'logger', 'fileSystem']);

export const isNumberOption = (name: string): name is keyof NumberOptions => Object.hasOwn(NUMBERS, name);
export const isFlagOption = (name: string): name is keyof FlagOptions => Object.hasOwn(FLAGS, name);
export const isTextOption = (name: string): boolean => TEXTS.has(name);

/** Every option filled in. @throws InvalidOptionError naming the first that cannot be */
export function resolveOptions(options: BrokerOptions): BrokerConfig {
  refuseUnknown(options);
  const listen = address('listen', options.listen);
  const nameServer = options.nameServerListen ?? (listen ? DEFAULT_NAME_SERVER_LISTEN : false);
  const messageDelayLevel = options.messageDelayLevel ?? DEFAULT_MESSAGE_DELAY_LEVEL;
  delaysOf(messageDelayLevel);
  return {
    ...numbers(options),
    ...flags(options),
    listen,
    nameServerListen: address('nameServerListen', nameServer),
    store: text('store', options.store ?? DEFAULT_STORE),
    flush: flushMode(options.flush ?? 'async'),
    brokerName: name('brokerName', options.brokerName ?? DEFAULT_BROKER_NAME),
    brokerClusterName: name(
      'brokerClusterName',
      options.brokerClusterName ?? options.clusterName ?? DEFAULT_CLUSTER_NAME,
    ),
    brokerIP1: text('brokerIP1', options.brokerIP1 ?? advertised(listen)),
    namesrvAddr: parseAddressList('namesrvAddr', options.namesrvAddr),
    messageDelayLevel,
    deleteWhen: hours('deleteWhen', options.deleteWhen ?? DEFAULT_DELETE_WHEN),
    regionId: name('regionId', options.regionId ?? DEFAULT_REGION),
    clock: options.clock ?? systemClock,
    logger: options.logger ?? silentLogger,
    fileSystem: options.fileSystem,
  };
}

/** @throws InvalidOptionError */
function hostPort(option: string, given: string): HostAndPort {
  try {
    return parseAddress(given, option);
  } catch (cause) {
    throw new InvalidOptionError(
      option,
      printable(given),
      `host:port, such as ${DEFAULT_LISTEN}, the port 0 to 65535`,
      undefined,
      { cause },
    );
  }
}

const addressOf = ({ host, port }: HostAndPort): string => formatAddress(host, port);

function parseAddressList(option: string, given: string | undefined): string[] {
  const addresses = (given ?? '').split(/[;,]/).map((one) => one.trim());
  return addresses.filter((one) => one !== '').map((one) => addressOf(hostPort(option, one)));
}

function refuseUnknown(options: BrokerOptions): void {
  for (const key of Object.keys(options)) {
    if (isNumberOption(key) || isFlagOption(key) || TEXTS.has(key) || OBJECTS.has(key)) continue;
    throw new InvalidOptionError(printable(key), (options as Record<string, unknown>)[key], 'no option of this name');
  }
}

function numbers(options: BrokerOptions): NumberOptions {
  const found = {} as NumberOptions;
  for (const [key, [fallback, min, max]] of Object.entries(NUMBERS)) {
    const option = key as keyof NumberOptions;
    const given = options[option] ?? fallback;
    if (!Number.isInteger(given) || given < min || given > max) {
      throw new InvalidOptionError(option, given, `an integer from ${min} to ${max}`);
    }
    found[option] = given;
  }
  return found;
}

function flags(options: BrokerOptions): FlagOptions {
  const found = {} as FlagOptions;
  for (const [key, fallback] of Object.entries(FLAGS)) {
    const option = key as keyof FlagOptions;
    const given = options[option] ?? fallback;
    if (typeof given !== 'boolean') throw new InvalidOptionError(option, given, 'true or false');
    found[option] = given;
  }
  return found;
}

function address(option: string, given: string | false | undefined): HostAndPort | undefined {
  if (given === undefined || given === false) return undefined;
  return hostPort(option, text(option, given));
}

function text(option: string, given: unknown): string {
  if (typeof given !== 'string' || given === '' || given.includes('\0')) {
    throw new InvalidOptionError(option, given, 'a text that is not empty');
  }
  return given;
}

function name(option: string, given: unknown): string {
  const allowed = `1 to ${NAME_MAX_LENGTH} letters, digits, "-" and "_"`;
  if (typeof given !== 'string' || !/^[\w-]+$/.test(given) || given.length > NAME_MAX_LENGTH) {
    throw new InvalidOptionError(option, given, allowed);
  }
  return given;
}

function hours(option: string, given: unknown): string {
  const list = text(option, given);
  if (!/^([01]?\d|2[0-3])(;([01]?\d|2[0-3]))*$/.test(list))
    throw new InvalidOptionError(option, printable(list), 'hours from 0 to 23, ";" between several');
  return list;
}

function flushMode(given: unknown): 'async' | 'sync' {
  if (given !== 'async' && given !== 'sync') throw new InvalidOptionError('flush', given, '"async" or "sync"');
  return given;
}

function advertised(listen: HostAndPort | undefined): string {
  if (!listen) return LOOPBACK;
  return listen.host === '0.0.0.0' || listen.host === '::' ? localHost() : listen.host;
}

/** The options as broker.conf would have them, for tools that ask. */
export function propertiesOf(config: BrokerConfig): Map<string, string> {
  const properties = new Map<string, string>();
  for (const [name, value] of Object.entries(config)) {
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
      properties.set(name, String(value));
  }
  properties.set('flushDiskType', config.flush === 'sync' ? 'SYNC_FLUSH' : 'ASYNC_FLUSH');
  properties.set('storePathRootDir', config.store);
  properties.set('namesrvAddr', config.namesrvAddr.join(';'));
  return properties;
}

/** ms after which a silent connection is closed. */
export const idleTimeoutOf = ({ serverChannelMaxIdleTimeSeconds }: BrokerConfig): number =>
  serverChannelMaxIdleTimeSeconds * 1_000;
