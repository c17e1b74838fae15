// Creates the parts of the outbox, once the app's connection to RocketMQ exists.
import { InvalidOptionError, UniqueIdMaker, systemClock } from '@nest-rocketmq/remoting/internal';
import type { Clock } from '@nest-rocketmq/remoting/internal';
import type { ModuleRef } from '@nestjs/core';
import { isManual } from '../manual-clock-settings.js';
import type { ResolvedOptions } from '../options/rocketmq.options.js';
import { RocketMQConnection } from '../rocketmq-connection.js';
import { ROCKETMQ_RESOLVED_OPTIONS } from '../rocketmq.tokens.js';
import { dialectFor } from './dialects/dialect-for.js';
import type { OutboxEvent } from './outbox-events.js';
import type { CheckedOutboxOptions } from './outbox-options.js';
import { OutboxStore } from './outbox-store.js';
import { Relay } from './relay.js';

const USUAL = { pollInterval: 1_000, purgeInterval: 60_000 };
/** With a manual clock nobody else writes, and half an hour passes in milliseconds: both would only be work. */
const ON_MANUAL_CLOCK = { pollInterval: 43_200_000, purgeInterval: 43_200_000 };

export interface OutboxParts {
  readonly clock: Clock;
  readonly ids: UniqueIdMaker;
  readonly store: OutboxStore;
  /** Of `RocketMQModule`. */
  readonly rocketmq: ResolvedOptions;
  /** undefined: this process only writes. */
  readonly relay: Relay | undefined;
}

/** @throws InvalidOptionError without RocketMQModule */
export function createParts(
  modules: ModuleRef,
  options: CheckedOutboxOptions,
  tell: (event: OutboxEvent) => void,
): OutboxParts {
  const { connection, rocketmq } = find(modules);
  const clock = connection.clock ?? systemClock;
  const ids = new UniqueIdMaker();
  const store = new OutboxStore(options.database, dialectFor(options.dialect, options.table), options.table, clock);
  const { relay } = options;
  if (!relay) return { clock, ids, store, rocketmq, relay: undefined };
  const name = ids.next(clock.now());
  const usual = isManual(clock) ? ON_MANUAL_CLOCK : USUAL;
  const { pollInterval = usual.pollInterval, purgeInterval = usual.purgeInterval } = relay;
  const parts = { store, clock, options: relay, name, producer: () => connection.producer(), tell };
  return { clock, ids, store, rocketmq, relay: new Relay(parts, { pollInterval, purgeInterval }) };
}

function find(modules: ModuleRef): { connection: RocketMQConnection; rocketmq: ResolvedOptions } {
  try {
    return {
      connection: modules.get(RocketMQConnection, { strict: false }),
      rocketmq: modules.get<ResolvedOptions>(ROCKETMQ_RESOLVED_OPTIONS, { strict: false }),
    };
  } catch (cause) {
    const allowed = 'RocketMQModule.forRoot(…) beside RocketMQOutboxModule.forRoot(…)';
    throw new InvalidOptionError('imports', undefined, allowed, 'the root module', { cause });
  }
}
