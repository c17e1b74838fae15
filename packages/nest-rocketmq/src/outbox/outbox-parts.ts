// Creates the parts of the outbox, once the app's connection to RocketMQ exists.
import { InvalidOptionError, UniqueIdMaker, systemClock } from '@nest-rocketmq/remoting/internal';
import type { Clock } from '@nest-rocketmq/remoting/internal';
import type { InjectionToken } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import type { ModuleRef } from '@nestjs/core';
import { UnknownClusterError } from '../errors.js';
import { isManual } from '../manual-clock-settings.js';
import type { ResolvedOptions } from '../options/rocketmq.options.js';
import { RocketMQConnection } from '../rocketmq-connection.js';
import { ROCKETMQ_RESOLVED_OPTIONS, clusterToken } from '../rocketmq.tokens.js';
import { clusterNames } from '../single-module.js';
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

/** Where the parts find the app's connection. */
interface PartsScene {
  readonly modules: ModuleRef;
  /** The outbox sends to it. */
  readonly cluster: string;
}

/** @throws InvalidOptionError without RocketMQModule; UnknownClusterError */
export function createParts(
  scene: PartsScene,
  options: CheckedOutboxOptions,
  tell: (event: OutboxEvent) => void,
): OutboxParts {
  const { connection, rocketmq } = find(scene);
  const clock = connection.clock ?? systemClock;
  const ids = new UniqueIdMaker();
  const store = new OutboxStore(options.database, dialectFor(options.dialect, options.table), options.table, clock);
  const { relay } = options;
  if (!relay) return { clock, ids, store, rocketmq, relay: undefined };
  const name = ids.next(clock.now());
  const usual = isManual(clock) ? ON_MANUAL_CLOCK : USUAL;
  const { pollInterval = usual.pollInterval, purgeInterval = usual.purgeInterval } = relay;
  const parts = { store, clock, options: relay, name, producer: () => connection.producer(), tell };
  const running = new Relay(parts, { pollInterval, purgeInterval });
  if (isManual(clock)) connection.watch(running);
  return { clock, ids, store, rocketmq, relay: running };
}

function find({ modules, cluster }: PartsScene): { connection: RocketMQConnection; rocketmq: ResolvedOptions } {
  const known = clusterNames(modules.get(ModulesContainer, { strict: false }));
  if (known.length > 0 && !known.includes(cluster)) throw new UnknownClusterError(WHERE, cluster, known);
  const part = <T>(token: InjectionToken, what: string): T =>
    modules.get<T>(clusterToken(token, what, cluster) as string, { strict: false });
  try {
    return {
      connection: part(RocketMQConnection, 'connection'),
      rocketmq: part(ROCKETMQ_RESOLVED_OPTIONS, 'resolved-options'),
    };
  } catch (cause) {
    const allowed = 'RocketMQModule.forRoot(…) beside RocketMQOutboxModule.forRoot(…)';
    throw new InvalidOptionError('imports', undefined, allowed, 'the root module', { cause });
  }
}

const WHERE = 'RocketMQOutboxModule.forRoot';
