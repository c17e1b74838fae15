// Owns waiting for what listeners do with messages.
import type { INestApplicationContext } from '@nestjs/common';
import { Observable, filter, firstValueFrom, take, toArray } from 'rxjs';
import type { Duration } from '../message/delay.js';
import type { Consumption } from '../listeners/listener-container.js';
import { NotConsumedError } from '../errors.js';
import { checkDuration, checkInteger, checkKeys, inside } from '../option-checks.js';
import { RocketMQListeners } from '../listeners/rocketmq-listeners.js';

/** Which deliveries are meant; what is left out does not matter. */
export interface ConsumptionMatch {
  topic?: string;
  tag?: string;
  key?: string;
  msgId?: string;
  group?: string;
}

export interface WaitOptions {
  /** How many deliveries to wait for. Default 1. */
  times?: number;
  /** Real time after which the wait fails: ms, or a length such as '20s'. Default '10s'. */
  timeout?: Duration;
}

const MATCH = ['topic', 'tag', 'key', 'msgId', 'group'] as const satisfies readonly (keyof ConsumptionMatch)[];
const WAIT_OPTIONS = ['times', 'timeout'] as const satisfies readonly (keyof WaitOptions)[];
const MOST_DELIVERIES = 1_000_000;
const DEFAULT_TIMEOUT_MS = 10_000;
const LONGEST_TIMEOUT_MS = 3_600_000;

/**
 * Resolves when a listener of the app has handled a matching message. Call it before what causes the delivery, await it
 * after: `const cancelled = consumed(app, { topic: 'order-cancel' }); await testing.advance('30m'); await cancelled;`
 */
export async function consumed(
  app: INestApplicationContext,
  match: ConsumptionMatch = {},
  options: WaitOptions = {},
): Promise<Consumption> {
  const all = await deliveries(app, match, 'consumed', options);
  return all[all.length - 1];
}

/** Resolves when a listener of the app has failed on a matching message. */
export async function failed(
  app: INestApplicationContext,
  match: ConsumptionMatch = {},
  options: WaitOptions = {},
): Promise<Consumption> {
  const all = await deliveries(app, match, 'failed', options);
  return all[all.length - 1];
}

function deliveries(
  app: INestApplicationContext,
  match: ConsumptionMatch,
  outcome: Consumption['outcome'],
  options: WaitOptions,
): Promise<Consumption[]> {
  const { times, timeout } = inside(outcome, undefined, () => checkWait(match, options));
  const seen: string[] = [];
  const matching = app.get(RocketMQListeners).consumptions.pipe(
    filter((consumption) => {
      seen.push(`${consumption.outcome} ${consumption.context.topic}:${consumption.context.tags ?? ''}`);
      return consumption.outcome === outcome && matches(consumption, match);
    }),
    take(times),
    toArray(),
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

/** A misspelt match would match everything. */
function checkWait(match: ConsumptionMatch, options: WaitOptions): { times: number; timeout: number } {
  checkKeys('match', match, MATCH);
  checkKeys('options', options, WAIT_OPTIONS);
  const { times = 1, timeout = DEFAULT_TIMEOUT_MS } = options;
  return {
    times: checkInteger('times', times, 1, MOST_DELIVERIES),
    timeout: checkDuration('timeout', timeout, 0, LONGEST_TIMEOUT_MS),
  };
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
    const timer = setTimeout(() => subscriber.error(error()), timeout);
    const subscription = source.subscribe(subscriber);
    return () => {
      clearTimeout(timer);
      subscription.unsubscribe();
    };
  });
}
