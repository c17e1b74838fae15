// Checks the options of @Idempotent, and of work that is run by hand.
import { InvalidOptionError } from '@nest-rocketmq/remoting/internal';
import { checkKeys, checkOneOf, inside } from '../option-checks.js';
import type { AnyIdempotentOptions } from './idempotent.js';
import { SETTINGS, checkSettings } from './stores/idempotency-settings.js';
import type { CheckedSettings } from './stores/idempotency-settings.js';
import { isTransactional } from './stores/idempotency-store.js';
import type { IdempotencyStore, TransactionalIdempotencyStore } from './stores/idempotency-store.js';

const MODES = ['lease', 'transactional'] as const;
const ON_DUPLICATE = ['ack', 'callHandler'] as const;

/** @param where '@Idempotent on SendMail.onMessage' @throws InvalidOptionError */
export function checkIdempotent(
  where: string,
  options: AnyIdempotentOptions,
  defaults: CheckedSettings,
): CheckedSettings {
  return inside(where, undefined, () => {
    checkKeys('options', options, ['key', 'scope', 'store', 'mode', 'onDuplicate', ...SETTINGS]);
    const { key, scope, mode, onDuplicate } = options;
    if (key !== undefined && typeof key !== 'function') {
      throw new InvalidOptionError('key', key, 'a function such as (order) => order.id');
    }
    if (scope !== undefined) checkScope(scope);
    if (mode !== undefined) checkOneOf('mode', mode, MODES);
    if (onDuplicate !== undefined && typeof onDuplicate !== 'function') {
      checkOneOf('onDuplicate', onDuplicate, ON_DUPLICATE);
    }
    if (mode === 'transactional' && options.storeResult) {
      throw new InvalidOptionError('storeResult', true, "false with mode 'transactional', which keeps no result");
    }
    return checkSettings(options, mode === 'transactional' ? { ...defaults, storeResult: false } : defaults);
  });
}

/** @throws InvalidOptionError */
export function checkScope(scope: unknown): string {
  if (typeof scope === 'string' && scope !== '') return scope;
  throw new InvalidOptionError('scope', scope, 'a non-empty string');
}

/** @throws InvalidOptionError for a store that cannot write in the caller's transaction */
export function checkTransactional(where: string, store: IdempotencyStore): TransactionalIdempotencyStore {
  if (isTransactional(store)) return store;
  const allowed = 'one that can write in your database transaction, such as a SqlIdempotencyStore';
  throw new InvalidOptionError('store', store.constructor.name, allowed, where);
}
