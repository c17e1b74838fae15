// Defines the options of the outbox, their defaults and their checks.
import { InvalidOptionError } from '@nest-rocketmq/remoting/internal';
import type { Duration } from '../message/delay.js';
import { SQL_DIALECTS } from '../idempotency/stores/sql-database.js';
import type { SqlDialect } from '../idempotency/stores/sql-database.js';
import { checkBoolean, checkDuration, checkInteger, checkKeys, checkOneOf, inside } from '../option-checks.js';
import { connect } from './adapters/find-adapter.js';
import type { Connected, OutboxDatabase } from './adapters/find-adapter.js';
import { checkTable } from './dialects/table-name.js';

/** Options of the relay, which sends what the outbox holds. A length of time is a number of ms, or such as '30s'. */
export interface OutboxRelayOptions {
  /**
   * How often the relay looks for messages of other processes. After a `send` of this process it looks at once. Default '1s';
   * on a manual clock '12h'.
   */
  pollInterval?: Duration;
  /** How many messages the relay takes at a time. Default 100. */
  batchSize?: number;
  /** How many bytes of bodies it takes at a time, unless one message is larger. Default 4194304. */
  batchBytes?: number;
  /** After this time another relay takes over what a killed process was sending. Default '30s'. */
  claimTimeout?: Duration;
  /** The first pause after a failure; each further one is twice as long. Default '1s'. */
  retryDelay?: Duration;
  /** The longest pause. Default '30s'. */
  maxRetryDelay?: Duration;
  /**
   * After so many attempts a message is set aside that its broker refuses, such as one of a topic that does not exist. Attempts
   * while no broker answers do not count. Default 10.
   */
  maxAttempts?: number;
  /** How long sent messages stay in the table. Default '1h'. */
  retention?: Duration;
  /** How often old ones are deleted. Default '1m'; on a manual clock '12h'. */
  purgeInterval?: Duration;
  /** How many are deleted in one statement. Default 500. */
  purgeBatchSize?: number;
  /** How long a shutdown goes on sending what is pending. Default '5s'. */
  drainTimeout?: Duration;
}

/** Options of `RocketMQOutboxModule.forRoot` and `forRootAsync`. */
export interface RocketMQOutboxOptions {
  /** Where the relay looks: a DataSource, PrismaClient, Drizzle database, Knex, EntityManager, Pool or PGlite. */
  database: OutboxDatabase;
  /** The SQL to speak. Default: that of the library's object, where it tells; otherwise 'postgres'. */
  dialect?: SqlDialect;
  /** The table's name, with its schema if need be. Default 'rocketmq_outbox'. */
  table?: string;
  /** Creates the table at the start unless it exists: for development. Default false. */
  createTable?: boolean;
  /** false: this process only writes, and others send. Default: it sends as well. */
  relay?: boolean | OutboxRelayOptions;
}

/** The checked options of the relay; times in ms. */
export interface CheckedRelayOptions {
  /** undefined: by the clock */
  readonly pollInterval: number | undefined;
  readonly batchSize: number;
  readonly batchBytes: number;
  readonly claimTimeout: number;
  readonly retryDelay: number;
  readonly maxRetryDelay: number;
  readonly maxAttempts: number;
  readonly retention: number;
  /** undefined: by the clock */
  readonly purgeInterval: number | undefined;
  readonly purgeBatchSize: number;
  readonly drainTimeout: number;
}

export interface CheckedOutboxOptions {
  readonly database: Connected;
  readonly dialect: SqlDialect;
  readonly table: string;
  readonly createTable: boolean;
  /** undefined: this process does not send. */
  readonly relay: CheckedRelayOptions | undefined;
}

const OPTIONS = [
  'database',
  'dialect',
  'table',
  'createTable',
  'relay',
] as const satisfies readonly (keyof RocketMQOutboxOptions)[];
const RELAY_OPTIONS = [
  'pollInterval',
  'batchSize',
  'batchBytes',
  'claimTimeout',
  'retryDelay',
  'maxRetryDelay',
  'maxAttempts',
  'retention',
  'purgeInterval',
  'purgeBatchSize',
  'drainTimeout',
] as const satisfies readonly (keyof OutboxRelayOptions)[];

const HOUR_MS = 3_600_000;
const YEAR_MS = 365 * 24 * HOUR_MS;
/** A send with all its attempts takes 3 s, and a claim is not to end during one. */
const SHORTEST_CLAIM_MS = 1_000;
const LARGEST_BATCH = 10_000;
const LARGEST_BATCH_BYTES = 256 * 1024 * 1024;

/** @param where 'RocketMQOutboxModule.forRoot' @throws InvalidOptionError */
export function checkOutboxOptions(given: RocketMQOutboxOptions, where: string): CheckedOutboxOptions {
  return inside(where, undefined, () => {
    checkKeys('options', given, OPTIONS);
    const { database, dialect, table, createTable = false, relay = true } = given;
    if (dialect !== undefined) checkOneOf('dialect', dialect, SQL_DIALECTS);
    const connected = connect('database', database, dialect);
    return {
      database: connected,
      dialect: connected.dialect,
      table: checkTable(table),
      createTable: checkBoolean('createTable', createTable),
      relay: relay === false ? undefined : checkRelay(relay === true ? {} : relay),
    };
  });
}

function checkRelay(given: OutboxRelayOptions): CheckedRelayOptions {
  checkKeys('relay', given, RELAY_OPTIONS);
  const time = (option: keyof OutboxRelayOptions, fallback: number, min: number, max: number): number =>
    checkDuration(`relay.${option}`, given[option] ?? fallback, min, max);
  const count = (option: keyof OutboxRelayOptions, fallback: number, max: number): number =>
    checkInteger(`relay.${option}`, given[option] ?? fallback, 1, max);
  const retryDelay = time('retryDelay', 1_000, 1, HOUR_MS);
  const maxRetryDelay = time('maxRetryDelay', Math.max(30_000, retryDelay), 1, HOUR_MS);
  if (maxRetryDelay < retryDelay) {
    throw new InvalidOptionError('relay.maxRetryDelay', given.maxRetryDelay, `at least retryDelay, ${retryDelay} ms`);
  }
  return {
    pollInterval: given.pollInterval === undefined ? undefined : time('pollInterval', 0, 1, 24 * HOUR_MS),
    batchSize: count('batchSize', 100, LARGEST_BATCH),
    batchBytes: count('batchBytes', 4_194_304, LARGEST_BATCH_BYTES),
    claimTimeout: time('claimTimeout', 30_000, SHORTEST_CLAIM_MS, HOUR_MS),
    retryDelay,
    maxRetryDelay,
    maxAttempts: count('maxAttempts', 10, 1_000_000),
    retention: time('retention', HOUR_MS, 0, YEAR_MS),
    purgeInterval: given.purgeInterval === undefined ? undefined : time('purgeInterval', 0, 1_000, 24 * HOUR_MS),
    purgeBatchSize: count('purgeBatchSize', 500, LARGEST_BATCH),
    drainTimeout: time('drainTimeout', 5_000, 0, HOUR_MS),
  };
}
