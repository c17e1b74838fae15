// Declares and checks what the module and each listener can set about idempotent consumption.
import { InvalidOptionError } from '@nest-rocketmq/remoting/internal';
import { checkBoolean, checkDuration, checkInteger, checkKeys, checkMethods, checkOneOf } from '../../option-checks.js';
import type { Duration } from '../../message/delay.js';
import { bloomBits } from './bloom-filter.js';
import type { CheckedBloom } from './bloom-front.js';
import type { IdempotencyStore } from './idempotency-store.js';

/** A Bloom filter before the store, which saves looks at it. See the README for when it pays. */
export interface BloomOptions {
  /** How many keys come within `rotateEvery`: 1.8 bytes of memory for each at the default rate, twice. */
  expectedKeys: number;
  /** The share of new keys that are looked up all the same, when the filter is full. Default 0.001. */
  falsePositiveRate?: number;
  /** After this time, or when it is full, the filter begins to forget its older keys. Default '24h'. */
  rotateEvery?: Duration;
}

/** What becomes of a message when the store cannot be reached: it waits, or the listener is called unprotected. */
export type OnStoreError = 'retry' | 'callHandler';

/** What can be set for all listeners, and for one. */
export interface IdempotencySettings {
  /** How long a record of done work is kept. Default '72h', as long as a broker keeps messages. */
  ttl?: Duration;
  /**
   * How long a claim holds without a sign of life. While the work goes on it is extended, each third of this time. After a
   * crash the next try waits for so long. Default '60s'.
   */
  lease?: Duration;
  /** 'retry': nothing runs without a claim. 'callHandler': it runs, perhaps twice. Default 'retry'. */
  onStoreError?: OnStoreError;
  /** Keeps what the work returned, as JSON, and returns it for a duplicate. Default false. */
  storeResult?: boolean;
  /** A filter before the store. Default: none. */
  bloom?: BloomOptions;
}

/** The module option `idempotency`: the defaults of `@Idempotent` and `RocketMQIdempotency`. */
export interface IdempotencyOptions extends IdempotencySettings {
  /** Where the records are kept. Default with the embedded broker: a `MemoryIdempotencyStore`; it must be set on a cluster. */
  store?: IdempotencyStore;
  /** How often expired records are deleted, by a store that does not do so by itself. Default '10m'. */
  purgeInterval?: Duration;
}

/** The checked settings; times are ms. */
export interface CheckedSettings {
  readonly ttl: number;
  readonly lease: number;
  readonly onStoreError: OnStoreError;
  readonly storeResult: boolean;
  readonly bloom: CheckedBloom | undefined;
}

export interface CheckedIdempotency extends CheckedSettings {
  readonly store: IdempotencyStore | undefined;
  /** ms; undefined: the default */
  readonly purgeInterval: number | undefined;
}

export const STORE_METHODS = ['claim', 'extend', 'complete', 'release', 'find', 'forget'] as const;
export const SETTINGS = ['ttl', 'lease', 'onStoreError', 'storeResult', 'bloom'] as const;
const ON_STORE_ERROR = ['retry', 'callHandler'] as const;

const DAY_MS = 86_400_000;
const LONGEST_TTL_MS = 3_650 * DAY_MS;
const LONGEST_LEASE_MS = DAY_MS;
/** A shorter one would be lost whenever a process is busy. */
const SHORTEST_LEASE_MS = 1_000;
const MOST_BLOOM_BYTES = 268_435_456;
const MOST_BLOOM_KEYS = 1_000_000_000;

const DEFAULTS: CheckedSettings = {
  ttl: 3 * DAY_MS,
  lease: 60_000,
  onStoreError: 'retry',
  storeResult: false,
  bloom: undefined,
};

/** @throws InvalidOptionError for a setting of `idempotency` */
export function checkIdempotency(given: IdempotencyOptions = {}): CheckedIdempotency {
  checkKeys('idempotency', given, ['store', 'purgeInterval', ...SETTINGS]);
  const { store, purgeInterval } = given;
  if (store !== undefined) checkMethods('idempotency.store', store, STORE_METHODS);
  return {
    ...checkSettings(given, DEFAULTS, 'idempotency.'),
    store,
    purgeInterval:
      purgeInterval === undefined
        ? undefined
        : checkDuration('idempotency.purgeInterval', purgeInterval, 1_000, DAY_MS),
  };
}

/** @param path before the option's name in errors: 'idempotency.' @throws InvalidOptionError */
export function checkSettings(given: IdempotencySettings, defaults: CheckedSettings, path = ''): CheckedSettings {
  const { ttl, lease, onStoreError, storeResult, bloom } = given;
  return {
    ttl: ttl === undefined ? defaults.ttl : checkDuration(`${path}ttl`, ttl, SHORTEST_LEASE_MS, LONGEST_TTL_MS),
    lease:
      lease === undefined ? defaults.lease : checkDuration(`${path}lease`, lease, SHORTEST_LEASE_MS, LONGEST_LEASE_MS),
    onStoreError:
      onStoreError === undefined
        ? defaults.onStoreError
        : checkOneOf(`${path}onStoreError`, onStoreError, ON_STORE_ERROR),
    storeResult: storeResult === undefined ? defaults.storeResult : checkBoolean(`${path}storeResult`, storeResult),
    bloom: bloom === undefined ? defaults.bloom : checkBloom(`${path}bloom`, bloom),
  };
}

function checkBloom(path: string, given: BloomOptions): CheckedBloom {
  checkKeys(path, given, ['expectedKeys', 'falsePositiveRate', 'rotateEvery']);
  const { falsePositiveRate = 0.001, rotateEvery = DAY_MS } = given;
  const expectedKeys = checkInteger(`${path}.expectedKeys`, given.expectedKeys, 1, MOST_BLOOM_KEYS);
  if (!(falsePositiveRate > 0 && falsePositiveRate < 1)) {
    throw new InvalidOptionError(`${path}.falsePositiveRate`, falsePositiveRate, 'between 0 and 1, neither included');
  }
  if (bloomBits({ expectedKeys, falsePositiveRate }) / 8 > MOST_BLOOM_BYTES) {
    const allowed = `what needs at most ${MOST_BLOOM_BYTES} bytes at the rate ${falsePositiveRate}`;
    throw new InvalidOptionError(`${path}.expectedKeys`, expectedKeys, allowed);
  }
  return {
    expectedKeys,
    falsePositiveRate,
    rotateEvery: checkDuration(`${path}.rotateEvery`, rotateEvery, SHORTEST_LEASE_MS, LONGEST_TTL_MS),
  };
}
