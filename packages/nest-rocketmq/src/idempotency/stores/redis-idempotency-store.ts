// Keeps the records of idempotent consumption in Redis. It needs no client library: ioredis and redis (node-redis) fit.
import { InvalidOptionError } from '@nest-rocketmq/remoting/internal';
import type { Clock } from '@nest-rocketmq/remoting/internal';
import { checkKeys, checkMethods, inside } from '../../option-checks.js';
import type { Claim, IdempotencyKey, IdempotencyRecord, IdempotencyStore } from './idempotency-store.js';
import { CLAIM, COMPLETE, EXTEND, FIND, FORGET, RELEASE } from './redis-scripts.js';
import { storedKey } from './stored-key.js';

/** A client of ioredis (5 or later) or of redis (node-redis 4 or later), also of a cluster. */
export interface RedisClient {
  /** As either library has it: `(script, 1, key, …arguments)`, or `(script, { keys, arguments })`. */
  eval(script: string, ...rest: never[]): Promise<unknown>;
}

/** Options of `RedisIdempotencyStore`. */
export interface RedisIdempotencyStoreOptions {
  /** What the names of all its keys in Redis begin with. Default 'rocketmq:idempotency:'. */
  prefix?: string;
  /** By which leases and records end, for tests with a clock that is turned. Default: the server's own. */
  clock?: Clock;
}

const DEFAULT_PREFIX = 'rocketmq:idempotency:';
const WHERE = 'RedisIdempotencyStore';
/** How much longer Redis keeps a record whose lease has ended, so that its owner may still complete it. ms */
const LATE_MS = 600_000;

type IoRedisEval = (script: string, keys: number, ...rest: string[]) => Promise<unknown>;
type NodeRedisEval = (script: string, options: { keys: string[]; arguments: string[] }) => Promise<unknown>;

/**
 * An `IdempotencyStore` in Redis 5 or later. Set `maxmemory-policy noeviction` there: what Redis evicts counts as new. A
 * failover to a replica may lose the records of the last moments.
 */
export class RedisIdempotencyStore implements IdempotencyStore {
  readonly #client: RedisClient;
  readonly #prefix: string;
  readonly #clock: Clock | undefined;

  /** @throws InvalidOptionError */
  constructor(client: RedisClient, options: RedisIdempotencyStoreOptions = {}) {
    const { prefix = DEFAULT_PREFIX, clock } = options;
    inside(WHERE, undefined, () => {
      checkMethods('client', client, ['eval']);
      checkKeys('options', options, ['prefix', 'clock']);
      if (typeof prefix !== 'string') throw new InvalidOptionError('prefix', prefix, 'a string such as shop:once:');
    });
    this.#client = client;
    this.#prefix = prefix;
    this.#clock = clock;
  }

  async claim(id: IdempotencyKey, owner: string, lease: number): Promise<Claim> {
    const answer = await this.#eval(CLAIM, id, owner, lease, LATE_MS);
    return recordIn(answer) ?? { state: 'claimed' };
  }

  async extend(id: IdempotencyKey, owner: string, lease: number): Promise<boolean> {
    return (await this.#eval(EXTEND, id, owner, lease, LATE_MS)) === 1;
  }

  async complete(id: IdempotencyKey, owner: string, ttl: number, result?: string): Promise<boolean> {
    const given = result === undefined ? [] : [result];
    return (await this.#eval(COMPLETE, id, owner, ttl, LATE_MS, ...given)) === 1;
  }

  async release(id: IdempotencyKey, owner: string): Promise<boolean> {
    return (await this.#eval(RELEASE, id, owner)) === 1;
  }

  async find(id: IdempotencyKey): Promise<IdempotencyRecord | undefined> {
    return recordIn(await this.#eval(FIND, id));
  }

  async forget(id: IdempotencyKey): Promise<boolean> {
    return (await this.#eval(FORGET, id)) === 1;
  }

  #eval(script: string, id: IdempotencyKey, ...rest: (string | number)[]): Promise<unknown> {
    const { scope, key } = storedKey(id);
    // Encoded, so that no colon of a scope makes it look like another scope and key.
    const name = `${this.#prefix}${encodeURIComponent(scope)}:${key}`;
    const now = this.#clock === undefined ? -1 : Math.floor(this.#clock.now());
    const args = [now, ...rest].map(String);
    const client = this.#client as { eval: IoRedisEval & NodeRedisEval };
    // Only ioredis has it.
    const isIoRedis = 'defineCommand' in this.#client;
    return isIoRedis ? client.eval(script, 1, name, ...args) : client.eval(script, { keys: [name], arguments: args });
  }
}

/** @param answer of the scripts: ['done', result], ['processing', ms], or one word for no record */
function recordIn(answer: unknown): IdempotencyRecord | undefined {
  const [state, detail] = (Array.isArray(answer) ? answer : []) as [unknown?, unknown?];
  if (state === 'processing') return { state, remaining: Number(detail) };
  if (state !== 'done') return undefined;
  return { state, result: typeof detail === 'string' ? detail : undefined };
}
