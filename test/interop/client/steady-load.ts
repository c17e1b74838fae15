// Sends messages with numbers at a steady pace, and counts what of them arrives: what is missing, and what came twice.
import { setTimeout as wait } from 'node:timers/promises';
import type { SendResult, SendStatus } from '@nest-rocketmq/client';
import type { MessageExt } from '@nest-rocketmq/remoting/internal';

export interface Acknowledged {
  readonly brokerName: string;
  readonly sendStatus: SendStatus;
  readonly msgId: string;
  readonly offsetMsgId: string;
  /** ms epoch */
  readonly at: number;
}

export class SteadyLoad {
  /** By body. */
  readonly acknowledged = new Map<string, Acknowledged>();
  readonly rejected: { body: string; error: unknown }[] = [];
  readonly #lanes: Promise<void>[] = [];
  #stopped = false;

  /** Sends `lane-0`, `lane-1` and so on, each `pace` ms after the answer to the one before. */
  begin(lane: string, pace: number, send: (body: string) => Promise<SendResult>): void {
    this.#lanes.push(this.#run(lane, pace, send));
  }

  /** Resolves when the last sends are answered. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#lanes);
  }

  /** The bodies that a broker has acknowledged, since a time in ms epoch. */
  of(brokerName: string, since = 0): string[] {
    return [...this.acknowledged]
      .filter(([, one]) => one.brokerName === brokerName && one.at >= since)
      .map(([body]) => body);
  }

  /** Those that may be on the disk of their master alone. */
  get unreplicated(): string[] {
    return [...this.acknowledged].filter(([, { sendStatus }]) => sendStatus !== 'SEND_OK').map(([body]) => body);
  }

  /** The longest time without any acknowledgement since then, ms. */
  longestGap(since: number): number {
    const times = [...this.acknowledged.values()].map(({ at }) => at).filter((at) => at >= since);
    const all = [since, ...times.toSorted((a, b) => a - b), Date.now()];
    return Math.max(...all.slice(1).map((at, i) => at - all[i]!));
  }

  async #run(lane: string, pace: number, send: (body: string) => Promise<SendResult>): Promise<void> {
    for (let number = 0; !this.#stopped; number++) {
      const body = `${lane}-${number}`;
      try {
        const { messageQueue, sendStatus, msgId, offsetMsgId } = await send(body);
        const { brokerName } = messageQueue;
        this.acknowledged.set(body, { brokerName, sendStatus, msgId, offsetMsgId, at: Date.now() });
      } catch (error) {
        this.rejected.push({ body, error });
      }
      await wait(pace);
    }
  }
}

export type Arrived = Pick<MessageExt, 'body' | 'brokerName' | 'queueId' | 'queueOffset'>;

/** What a group, or one of its members, has been given. */
export class Arrivals {
  readonly #bodies = new Map<string, Set<string>>();
  /** Places that came more than once, with each further time: deliveries that were repeated. */
  readonly redelivered: string[] = [];
  readonly #outOfOrder: string[] = [];
  /** The last number of a lane in a queue. */
  readonly #last = new Map<string, number>();

  add({ body, brokerName, queueId, queueOffset }: Arrived): void {
    const text = body.toString();
    // Not of the load.
    if (!text.includes('-')) return;
    const queue = `${brokerName}@${queueId}`;
    const place = `${queue}@${queueOffset}`;
    const places = this.#bodies.get(text) ?? new Set();
    if (places.has(place)) this.redelivered.push(`${text} at ${place}`);
    this.#bodies.set(text, places.add(place));
    const [lane, number] = text.split('-');
    const last = this.#last.get(`${lane} ${queue}`) ?? -1;
    if (Number(number) < last) this.#outOfOrder.push(`${text} after ${last} at ${place}`);
    this.#last.set(`${lane} ${queue}`, Number(number));
  }

  /** The messages that were given to both. */
  alsoIn(other: Arrivals): string[] {
    return [...this.#bodies].flatMap(([body, places]) => {
      const others = other.#bodies.get(body);
      return [...places].filter((place) => others?.has(place)).map((place) => `${body} at ${place}`);
    });
  }

  missing(bodies: Iterable<string>): string[] {
    return [...bodies].filter((body) => !this.#bodies.has(body));
  }

  /** Different messages. */
  get bodies(): string[] {
    return [...this.#bodies.keys()];
  }

  /** Messages that are in the queues twice: their sends were tried again, as nobody knew whether the first try was stored. */
  get storedTwice(): string[] {
    return [...this.#bodies].filter(([, places]) => places.size > 1).map(([body]) => body);
  }

  /** Of each lane, in each queue: what came after one with a higher number. */
  get outOfOrder(): readonly string[] {
    return this.#outOfOrder;
  }
}
