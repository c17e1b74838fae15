// Waits in tests for what listeners do with messages.
import type { INestApplicationContext } from '@nestjs/common';
import { Deadline, systemClock } from '@nest-rocketmq/remoting/internal';
import { ModulesContainer } from '@nestjs/core';
import { Observable, filter, firstValueFrom, merge, take, takeLast } from 'rxjs';
import { getRocketMQListenersToken } from '../clusters/cluster-tokens.js';
import { UnknownClusterError } from '../errors.js';
import type { Duration } from '../message/delay.js';
import { isTopic } from '../message/topic.js';
import type { AnyTopic } from '../message/topic.js';
import type { Consumption } from '../listeners/container-settings.js';
import { NotConsumedError } from '../testing-errors.js';
import { checkDuration, checkInteger, checkKeys, inside } from '../option-checks.js';
import type { RocketMQListeners } from '../listeners/rocketmq-listeners.js';
import { DEFAULT_CLUSTER } from '../rocketmq.tokens.js';
import { clusterNames } from '../single-module.js';
import { describeDelivery } from './recorded-deliveries.js';

/** Which deliveries to wait for. What is left out matches everything. */
export interface ConsumptionMatch {
  /** A topic's name, or a typed topic: with its tag, if it has one. */
  topic?: string | AnyTopic;
  tag?: string;
  /** One of the message's keys. */
  key?: string;
  msgId?: string;
  /** The consumer group. */
  group?: string;
  /** `name` of the cluster's forRoot; 'default' for the one without. Default: all clusters of the app. */
  cluster?: string;
}

/** Options of `consumed` and `failed`. */
export interface WaitOptions {
  /** How many deliveries to wait for. Default 1. */
  times?: number;
  /** The real time after which the wait fails: ms, or a length such as '20s'. Default '10s'. */
  timeout?: Duration;
}

const MATCH = [
  'topic',
  'tag',
  'key',
  'msgId',
  'group',
  'cluster',
] as const satisfies readonly (keyof ConsumptionMatch)[];
const WAIT_OPTIONS = ['times', 'timeout'] as const satisfies readonly (keyof WaitOptions)[];
const MOST_DELIVERIES = 1_000_000;
const DEFAULT_TIMEOUT_MS = 10_000;
const LONGEST_TIMEOUT_MS = 3_600_000;

/**
 * Resolves with the delivery when a listener of the app has handled a matching message. Call it before what causes the
 * delivery, and await it afterwards:
 * `const cancelled = consumed(app, { topic: 'order-cancel' }); await testing.advance('30m'); await cancelled;`
 * @throws NotConsumedError after `timeout`, which lists the deliveries that were seen; InvalidOptionError
 */
export async function consumed(
  app: INestApplicationContext,
  match: ConsumptionMatch = {},
  options: WaitOptions = {},
): Promise<Consumption> {
  return waitFor(app, match, 'consumed', options);
}

/** Resolves with the delivery when a listener of the app has failed on a matching message. Use it as `consumed`. */
export async function failed(
  app: INestApplicationContext,
  match: ConsumptionMatch = {},
  options: WaitOptions = {},
): Promise<Consumption> {
  return waitFor(app, match, 'failed', options);
}

function waitFor(
  app: INestApplicationContext,
  given: ConsumptionMatch,
  outcome: Consumption['outcome'],
  options: WaitOptions,
): Promise<Consumption> {
  const { times, timeout } = inside(outcome, undefined, () => checkWait(given, options));
  const match = plainMatch(given);
  const seen: string[] = [];
  const matching = merge(...consumptionsOf(app, outcome, match.cluster)).pipe(
    filter((consumption) => {
      seen.push(describeDelivery(consumption));
      return consumption.outcome === outcome && matches(consumption, match);
    }),
    take(times),
    takeLast(1),
  );
  return firstValueFrom(
    withTimeout(matching, timeout, () => {
      const rest = seen.length > 0 ? `seen: ${seen.join(', ')}` : 'no listener was called';
      return new NotConsumedError(
        `no ${times} ${outcome} message(s) like ${JSON.stringify(match)} within ${timeout} ms; ${rest}`,
      );
    }),
  );
}

/** Of one cluster, or of each that the app has. @throws UnknownClusterError */
function consumptionsOf(
  app: INestApplicationContext,
  method: string,
  cluster: string | undefined,
): Observable<Consumption>[] {
  const known = clusterNames(app.get(ModulesContainer));
  if (cluster !== undefined && !known.includes(cluster)) {
    throw new UnknownClusterError(`the match of ${method}`, cluster, known);
  }
  // Without any cluster, Nest says what the app lacks.
  const all = known.length > 0 ? known : [DEFAULT_CLUSTER];
  return (cluster === undefined ? all : [cluster]).map(
    (name) => app.get<RocketMQListeners>(getRocketMQListenersToken(name), { strict: false }).consumptions,
  );
}

/** Checked, since a misspelt field would match everything. */
function checkWait(match: ConsumptionMatch, options: WaitOptions): { times: number; timeout: number } {
  checkKeys('match', match, MATCH);
  checkKeys('options', options, WAIT_OPTIONS);
  const { times = 1, timeout = DEFAULT_TIMEOUT_MS } = options;
  return {
    times: checkInteger('times', times, 1, MOST_DELIVERIES),
    timeout: checkDuration('timeout', timeout, 0, LONGEST_TIMEOUT_MS),
  };
}

function plainMatch({ topic: given, ...match }: ConsumptionMatch): ConsumptionMatch {
  if (!isTopic(given)) return given === undefined ? match : { ...match, topic: given };
  const { topic, tag } = given;
  return { topic, ...(tag !== undefined && { tag }), ...match };
}

function matches({ context, group }: Consumption, match: ConsumptionMatch): boolean {
  return (
    (match.topic === undefined || match.topic === context.topic) &&
    (match.tag === undefined || match.tag === context.tags) &&
    (match.key === undefined || context.keys.includes(match.key)) &&
    (match.msgId === undefined || match.msgId === context.msgId) &&
    (match.group === undefined || match.group === group)
  );
}

function withTimeout<T>(source: Observable<T>, timeout: number, error: () => Error): Observable<T> {
  return new Observable((subscriber) => {
    // Where the machine stood still, what is waited for did, too: a deadline gives that time back.
    const deadline = new Deadline({ clock: systemClock, timeout, expired: () => subscriber.error(error()) });
    const subscription = source.subscribe(subscriber);
    return () => {
      deadline.cancel();
      subscription.unsubscribe();
    };
  });
}
