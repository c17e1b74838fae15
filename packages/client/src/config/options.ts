// Defines the options of the client, and checks them: defaults, ranges, and the errors for what is out of range.
import type { Clock, Dial, Logger } from '@nest-rocketmq/remoting/internal';
import { InvalidOptionError, dialTcp, isDialable, silentLogger, systemClock } from '@nest-rocketmq/remoting/internal';
import { checkNamespaces } from './namespace.js';
import type { DroppedReply } from '../replies/pending-replies.js';
import type { BackPressure, SendWindowOptions } from '../send-window.js';

/** Options of `RocketMQClient`. All but `nameServer` have a default. */
export interface ClientOptions {
  /** Name servers, 'host:port;host2:port'. */
  nameServer: string;
  /** Opens the stream to an address. Default: TCP. */
  dial?: Dial;
  /** Default: the machine's clock. */
  clock?: Clock;
  /** Default: logs nothing. */
  logger?: Logger;
  /** Distinguishes the clients of one host. Default: the process id and random characters. */
  instanceName?: string;
  /** The host part of the client id. Default: the first non-loopback address of this machine. */
  clientIP?: string;
  /** How often routes are asked for again, ms. Default 30000. */
  pollNameServerInterval?: number;
  /** How often brokers get a heartbeat, ms. Default 30000; they forget a client after 120000 without one. */
  heartbeatBrokerInterval?: number;
  /** How often consumers store their offsets, ms. Default 5000. */
  persistConsumerOffsetInterval?: number;
  /** How often consumers check which queues are theirs, unless a change tells them earlier, ms. Default 20000. */
  rebalanceInterval?: number;
  /**
   * How often ORDERLY and KEY_ORDERED consumers renew the locks of their queues, ms. Default 20000, as Apache's
   * `rocketmq.client.rebalance.lockInterval`. A lock counts for half as long again. Brokers give it to others after 60000: more
   * than 40000 is for tests.
   */
  rebalanceLockInterval?: number;
  /**
   * The folder where broadcasting consumers keep their offsets; 'memory': they are not kept. Default: a folder for these
   * name servers in ~/.rocketmq_offsets. Each consumer of a host, instanceName and group has a file of its own.
   */
  localOffsetStoreDir?: string;
  /** How long connecting may take, ms. Default 3000. */
  connectTimeout?: number;
  /** How long routes, heartbeats and other small requests may take, ms; those of `admin` may take 6 s at least. Default 3000. */
  mqClientApiTimeout?: number;
  /** Most sends under way; further ones wait. Default 10000. */
  backPressureForAsyncSendNum?: number;
  /** Most bytes of the sends under way. Default 64 MiB. */
  backPressureForAsyncSendSize?: number;
  /** Most sends that wait; further ones are refused with TooManySendsError. Default 500000. */
  maxWaitingSends?: number;
  /** Most bytes of the sends that wait. Default 512 MiB. */
  maxWaitingSendSize?: number;
  /** Requests that may wait for their replies; one more is refused by TooManyRequestsError. Default 10000. */
  maxPendingRequests?: number;
  /** Told of each reply that nobody waits for any more, for counters. `requestCounts` has the numbers. Default: nobody is told. */
  onReplyDropped?: (dropped: DroppedReply) => void;
  /**
   * The namespace of its topics and groups: 'order' is 'ns%order' at the brokers, as with Java's `setNamespace`. Retry and
   * dead-letter topics have it too, the brokers' own topics not. Default: none.
   */
  namespace?: string;
  /** A namespace that goes with each request as header fields (`ns`, `nsd`), as with Java's `setNamespaceV2`. Default: none. */
  namespaceV2?: string;
  /** How headers are written. Default 'json'. */
  serializeType?: 'json' | 'binary';
  /** For a cluster with access control: every request is signed. Give accessKey and secretKey, or neither. */
  accessKey?: string;
  secretKey?: string;
  /** Sent with the signature if the keys are temporary. */
  securityToken?: string;
}

type OptionsWithoutDefault =
  | 'accessKey'
  | 'secretKey'
  | 'securityToken'
  | 'instanceName'
  | 'clientIP'
  | 'namespace'
  | 'namespaceV2'
  | 'onReplyDropped'
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
  checkNamespaces(options);
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
    rebalanceLockInterval: duration('rebalanceLockInterval', options.rebalanceLockInterval, 20_000),
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
    namespace: options.namespace,
    namespaceV2: options.namespaceV2,
    onReplyDropped: options.onReplyDropped,
  };
}

function parseAddresses(given: unknown): string[] {
  const allowed = "'host:port', or several as 'host:port;host2:port'";
  if (typeof given !== 'string') throw new InvalidOptionError('nameServer', given, allowed);
  const addresses = given
    .split(';')
    .map((address) => address.trim())
    .filter((address) => address !== '');
  if (addresses.length === 0 || !addresses.every(isDialable))
    throw new InvalidOptionError('nameServer', given, allowed);
  return [...new Set(addresses)];
}

const MIB = 1024 * 1024;
const MOST_SENDS = 10_000_000;
const MOST_SEND_BYTES = 64 * 1024 * MIB;
const BACK_PRESSURE: BackPressure = { backPressureForAsyncSendNum: 10_000, backPressureForAsyncSendSize: 64 * MIB };

function sendWindowOf(options: ClientOptions): SendWindowOptions {
  const { maxWaitingSends, maxWaitingSendSize } = options;
  return {
    ...resolveBackPressure(options, BACK_PRESSURE),
    maxWaitingSends: integerIn('maxWaitingSends', maxWaitingSends, 500_000, 1, MOST_SENDS),
    maxWaitingSendSize: integerIn(
      'maxWaitingSendSize',
      maxWaitingSendSize,
      512 * MIB,
      MIB,
      MOST_SEND_BYTES,
      ' (bytes)',
    ),
  };
}

/** @param byDefault for what is not given @throws InvalidOptionError */
export function resolveBackPressure(given: Partial<BackPressure>, byDefault: BackPressure): BackPressure {
  const { backPressureForAsyncSendNum: sends, backPressureForAsyncSendSize: bytes } = given;
  return {
    backPressureForAsyncSendNum: integerIn(
      'backPressureForAsyncSendNum',
      sends,
      byDefault.backPressureForAsyncSendNum,
      1,
      MOST_SENDS,
    ),
    backPressureForAsyncSendSize: integerIn(
      'backPressureForAsyncSendSize',
      bytes,
      byDefault.backPressureForAsyncSendSize,
      MIB,
      MOST_SEND_BYTES,
      ' (bytes)',
    ),
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
