// Reads when a message is to be delivered, and writes that in the way that the broker of its queue knows.
import {
  MQVersion,
  MessageProperty,
  Requests,
  delayLevelNames,
  parseDelayLevels,
} from '@nest-rocketmq/remoting/internal';
import type { Clock, Connection } from '@nest-rocketmq/remoting/internal';
import { DEFAULT_MESSAGE_DELAY_LEVEL } from '@nest-rocketmq/remoting/internal';
import { DelayNotSupportedError, DelayTooLongError, InvalidMessageError } from '../../errors.js';
import type { Brokers } from '../../routes/brokers.js';
import type { OutgoingMessage } from '../options/producer-options.js';

/** What a message asks for. */
export interface Delay {
  /** Whole ms from the time that the send was called. */
  readonly length: number;
  /** ms since the epoch */
  readonly deliverAt: number;
  /** A broker that has only levels may use the nearest one, instead of refusing the message. */
  readonly orNearestLevel?: boolean;
}

/**
 * Undefined: deliver at once. A part of a millisecond counts as a whole one: nothing is delivered early.
 * @throws InvalidMessageError, DelayTooLongError
 */
export function delayOf(message: OutgoingMessage, now: number, maxDelay: number): Delay | undefined {
  const { delay, deliverAt, delayLevel, topic } = message;
  if (delay === undefined && deliverAt === undefined) return undefined;
  const given = [delay, deliverAt, delayLevel || undefined].filter((each) => each !== undefined);
  if (given.length > 1) {
    throw new InvalidMessageError(
      `a message for topic ${topic} has more than one of delay, deliverAt and delayLevel: give one`,
    );
  }
  const length = Math.ceil(delay === undefined ? timeOf(deliverAt, topic) - now : lengthOf(delay, topic));
  if (length <= 0) return undefined;
  if (length > maxDelay) throw new DelayTooLongError(topic, length, maxDelay);
  return { length, deliverAt: Math.ceil(now) + length };
}

function lengthOf(delay: unknown, topic: string): number {
  if (typeof delay === 'number' && delay >= 0 && delay < Infinity) return delay;
  throw new InvalidMessageError(`delay for topic ${topic} is ${String(delay)}; allowed: ms, 0 or more`);
}

function timeOf(deliverAt: unknown, topic: string): number {
  const time = deliverAt instanceof Date ? deliverAt.getTime() : deliverAt;
  if (typeof time === 'number' && Number.isFinite(time)) return time;
  throw new InvalidMessageError(
    `deliverAt for topic ${topic} is ${String(deliverAt)}; allowed: a valid Date, or ms since the epoch`,
  );
}

export class BrokerDelays {
  /** By connection: a broker that has come back may have other levels. */
  readonly #levels = new WeakMap<Connection, Promise<string>>();

  constructor(
    private readonly brokers: Brokers,
    private readonly clock: Clock,
  ) {}

  /**
   * The property by which this broker delays the message; undefined when it is due by now.
   * @throws DelayNotSupportedError, ConnectError
   */
  async property(
    { length, deliverAt, orNearestLevel }: Delay,
    topic: string,
    broker: { name: string; address: string },
  ): Promise<readonly [string, string] | undefined> {
    const connection = await this.brokers.connection(broker.address);
    if ((await this.#versionOf(connection)) >= MQVersion.V5_0_0) {
      return deliverAt > this.clock.now() ? [MessageProperty.TIMER_DELIVER_MS, String(deliverAt)] : undefined;
    }
    const text = await this.#levelsOf(connection);
    const levels = parseDelayLevels(text);
    const level = (orNearestLevel ? nearestLevel(levels, length) : levels.indexOf(length)) + 1;
    if (level > 0) return [MessageProperty.DELAY, String(level)];
    throw new DelayNotSupportedError(topic, length, broker.name, nearest(levels, delayLevelNames(text), length));
  }

  async #versionOf(connection: Connection): Promise<number> {
    const known = this.brokers.versionOf(connection);
    if (known !== undefined) return known;
    // It has refused our heartbeat. Any answer has the version.
    return (await connection.request(Requests.GET_BROKER_CONFIG, {})).version;
  }

  #levelsOf(connection: Connection): Promise<string> {
    let levels = this.#levels.get(connection);
    if (!levels) this.#levels.set(connection, (levels = askLevels(connection)));
    levels.catch(() => this.#levels.delete(connection));
    return levels;
  }
}

async function askLevels(connection: Connection): Promise<string> {
  const { body } = await connection.request(Requests.GET_BROKER_CONFIG, {});
  // A broker may let nobody but administrators see its configuration: most have Apache's levels.
  return /^messageDelayLevel=(.*)$/m.exec(body.toString('utf8'))?.[1]?.trim() ?? DEFAULT_MESSAGE_DELAY_LEVEL;
}

/** The index of the level whose length is closest; of two that are as close, the longer one. */
export function nearestLevel(levels: readonly number[], length: number): number {
  const distances = levels.map((ms) => Math.abs(ms - length));
  return distances.lastIndexOf(Math.min(...distances));
}

/** The level below `length` and the one above; at an end of the table, the two at that end. */
function nearest(levels: readonly number[], names: readonly string[], length: number): string[] {
  const sorted = levels.map((ms, index) => ({ ms, name: names[index]! })).toSorted((a, b) => a.ms - b.ms);
  const above = sorted.findIndex(({ ms }) => ms > length);
  const from = above < 0 ? sorted.length - 2 : Math.max(0, above - 1);
  return sorted.slice(Math.max(0, from), from + 2).map(({ name }) => name);
}
