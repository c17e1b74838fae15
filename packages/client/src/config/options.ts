// Owns the options of the client itself: defaults, ranges, and the errors for what is out of them. Those of producers
// and consumers stand beside them.
import type { Clock, Dial, Logger } from '@nest-rocketmq/remoting/internal';
import { InvalidOptionError, dialTcp, silentLogger, systemClock } from '@nest-rocketmq/remoting/internal';
import type { SendWindowOptions } from '../send-window.js';

export interface ClientOptions {
  /** Name servers, 'host:port;host2:port'. */
  nameServer: string;
  /** How an address becomes a stream. Default: TCP. */
  dial?: Dial;
  /** Default: the machine's clock. */
  clock?: Clock;
  /** Default: says nothing. */
  logger?: Logger;
  /** Tells apart two clients of one host. Default: the process id and random characters. */
  instanceName?: string;
  /** The host part of the client id. Default: the first address of this machine that is not a loopback. */
  clientIP?: string;
  /** How often routes are asked for again, ms. Default 30000. */
  pollNameServerInterval?: number;
  /** How often brokers are told of this client's groups, ms. Default 30000; they forget a silent one after 120000. */
  heartbeatBrokerInterval?: number;
  /** How often consumers store their offsets, ms. Default 5000. */
  persistConsumerOffsetInterval?: number;
  /** How often consumers look again at which queues are theirs, if nothing has told them to before, ms. Default 20000. */
  rebalanceInterval?: number;
  /**
   * Where broadcasting consumers keep their offsets; 'memory': nowhere. Default: a folder for these name servers in
   * ~/.rocketmq_offsets. One consumer of a host, instanceName and group has one file; further ones have others.
   */
  localOffsetStoreDir?: string;
  /** How long a connection may take to come about, ms. Default 3000. */
  connectTimeout?: number;
  /** How long routes, heartbeats and other small requests may take, ms. Default 3000. */
  mqClientApiTimeout?: number;
  /** Sends under way at a time; more wait for their turn. Default 10000. */
  backPressureForAsyncSendNum?: number;
  /** Bytes of the sends under way at a time. Default 64 MiB. */
  backPressureForAsyncSendSize?: number;
  /** Sends that may wait for their turn; one more is refused by TooManySendsError. Default 500000. */
  maxWaitingSends?: number;
  /** Their bytes. Default 512 MiB. */
  maxWaitingSendSize?: number;
  /** Requests that may wait for their replies; one more is refused by TooManyRequestsError. Default 10000. */
  maxPendingRequests?: number;
  /** How headers are written. Default 'json'. */
  serializeType?: 'json' | 'binary';
  /** For a cluster with access control: every request is signed. Both or none. */
  accessKey?: string;
  secretKey?: string;
  /** Sent with the signature where the keys are temporary ones. */
  securityToken?: string;
}

type OptionsWithoutDefault =
  | 'accessKey'
  | 'secretKey'
  | 'securityToken'
  | 'instanceName'
  | 'clientIP'
  | 'localOffsetStoreDir';

export type ResolvedClientOptions = Required<Omit<ClientOptions, 'nameServer' | OptionsWithoutDefault>> &
  Pick<ClientOptions, OptionsWithoutDefault> & {
    nameServers: string[];
  };

/** @throws InvalidOptionError naming the option */
export function resolveClientOptions(options: ClientOptions): ResolvedClientOptions {
  if ((options.accessKey === undefined) !== (options.secretKey === undefined)) {
    throw new InvalidOptionError(
      options.accessKey === undefined ? 'accessKey' : 'secretKey',
      undefined,
      'set accessKey and secretKey together, or neither',
    );
  }
  const serializeType = options.serializeType ?? 'json';
  if (serializeType !== 'json' && serializeType !== 'binary') {
    throw new InvalidOptionError('serializeType', serializeType, "'json' or 'binary'");
  }
  return {
    dial: options.dial ?? dialTcp,
    clock: options.clock ?? systemClock,
    logger: options.logger ?? silentLogger,
    nameServers: parseAddresses(options.nameServer),
    pollNameServerInterval: duration('pollNameServerInterval', options.pollNameServerInterval, 30_000),
    heartbeatBrokerInterval: duration('heartbeatBrokerInterval', options.heartbeatBrokerInterval, 30_000),
    persistConsumerOffsetInterval: duration(
      'persistConsumerOffsetInterval',
      options.persistConsumerOffsetInterval,
      5_000,
    ),
    rebalanceInterval: duration('rebalanceInterval', options.rebalanceInterval, 20_000),
    connectTimeout: duration('connectTimeout', options.connectTimeout, 3_000),
    mqClientApiTimeout: duration('mqClientApiTimeout', options.mqClientApiTimeout, 3_000),
    ...sendWindowOf(options),
    maxPendingRequests: integerIn('maxPendingRequests', options.maxPendingRequests, 10_000, 1, 10_000_000),
    serializeType,
    accessKey: options.accessKey,
    secretKey: options.secretKey,
    securityToken: options.securityToken,
    instanceName: options.instanceName,
    localOffsetStoreDir: options.localOffsetStoreDir,
    clientIP: options.clientIP,
  };
}

const ADDRESS = /^(?:[^\s:;,/]+|\[[0-9a-fA-F:.%]+\]):(\d{1,5})$/;

function parseAddresses(given: unknown): string[] {
  const allowed = "'host:port', or several as 'host:port;host2:port'";
  if (typeof given !== 'string') throw new InvalidOptionError('nameServer', given, allowed);
  const addresses = given
    .split(';')
    .map((address) => address.trim())
    .filter((address) => address !== '');
  const good = addresses.every((address) => {
    const port = Number(ADDRESS.exec(address)?.[1]);
    return port >= 1 && port <= 65_535;
  });
  if (addresses.length === 0 || !good) throw new InvalidOptionError('nameServer', given, allowed);
  return [...new Set(addresses)];
}

const MIB = 1024 * 1024;

function sendWindowOf(options: ClientOptions): SendWindowOptions {
  const sends = (name: 'backPressureForAsyncSendNum' | 'maxWaitingSends', byDefault: number): number =>
    integerIn(name, options[name], byDefault, 1, 10_000_000);
  const bytes = (name: 'backPressureForAsyncSendSize' | 'maxWaitingSendSize', byDefault: number): number =>
    integerIn(name, options[name], byDefault, MIB, 64 * 1024 * MIB, ' (bytes)');
  return {
    backPressureForAsyncSendNum: sends('backPressureForAsyncSendNum', 10_000),
    backPressureForAsyncSendSize: bytes('backPressureForAsyncSendSize', 64 * MIB),
    maxWaitingSends: sends('maxWaitingSends', 500_000),
    maxWaitingSendSize: bytes('maxWaitingSendSize', 512 * MIB),
  };
}

const LONGEST_MS = 24 * 3_600_000;

function duration(option: string, given: number | undefined, byDefault: number): number {
  return integerIn(option, given, byDefault, 1, LONGEST_MS, ' (ms)');
}

/** @throws InvalidOptionError when `given` is not an integer of [min, max] */
export function integerIn(
  option: string,
  given: number | undefined,
  byDefault: number,
  min: number,
  max: number,
  unit = '',
): number {
  const value = given ?? byDefault;
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new InvalidOptionError(option, given, `an integer from ${min} to ${max}${unit}`);
  }
  return value;
}

/** @throws InvalidOptionError when `given` is none of `allowed` */
export function oneOf<T extends string>(option: string, given: T | undefined, byDefault: T, allowed: readonly T[]): T {
  const value = given ?? byDefault;
  if (!allowed.includes(value)) {
    throw new InvalidOptionError(option, given, allowed.map((each) => `'${each}'`).join(' or '));
  }
  return value;
}
