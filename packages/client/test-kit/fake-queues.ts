// Keeps the messages of a fake broker in its queues, and holds the pulls that find none.
import { ResponseCode, decodeRecord, encodeOffsetMsgId, encodeRecord } from '@nest-rocketmq/remoting/internal';
import type { Answer, Clock, HeaderOf, Requests, TimerHandle } from '@nest-rocketmq/remoting/internal';

type PullRow = (typeof Requests)['PULL_MESSAGE'];
export type PullAnswer = Answer<PullRow>;

/** What a message has besides its place and its body. */
export interface MessageParts {
  readonly properties?: Record<string, string>;
  readonly reconsumeTimes?: number;
  readonly sysFlag?: number;
}

const HOST = Buffer.from([127, 0, 0, 1]);
const PORT = 10_911;

interface HeldPull {
  /** When it is answered that nothing was found. */
  readonly timer: TimerHandle;
  readonly key: string;
  readonly offset: number;
  readonly answer: (answer: PullAnswer) => void;
}

export class FakeQueues {
  readonly #queues = new Map<string, Buffer[]>();
  #held: HeldPull[] = [];
  #physicalOffset = 0;

  constructor(private readonly clock: Clock) {}

  queue(topic: string, queueId: number): Buffer[] {
    const key = `${topic}@${queueId}`;
    let queue = this.#queues.get(key);
    if (!queue) this.#queues.set(key, (queue = []));
    return queue;
  }

  /** Of the next message that is put. */
  get nextMsgId(): string {
    return encodeOffsetMsgId(HOST, PORT, this.#physicalOffset);
  }

  /** Of all queues. */
  get records(): Buffer[] {
    return [...this.#queues.values()].flat();
  }

  /** When the first message of a queue was stored, ms since the epoch; -1 for none. */
  firstTimestamp(topic: string, queueId: number): number {
    const first = this.queue(topic, queueId)[0];
    return first ? decodeRecord(first).storeTimestamp : -1;
  }

  recordAt(physicalOffset: number): Buffer | undefined {
    return this.records.find((record) => decodeRecord(record).physicalOffset === physicalOffset);
  }

  /** Puts a message into a queue, and wakes the pulls that wait for it. */
  put(topic: string, queueId: number, body: string | Uint8Array, some: MessageParts = {}): Buffer {
    const queue = this.queue(topic, queueId);
    const properties = Object.entries(some.properties ?? {}).map(([name, value]) => `${name}\u0001${value}\u0002`);
    const record = encodeRecord({
      topic: Buffer.from(topic),
      queueId,
      flag: 0,
      sysFlag: some.sysFlag ?? 0,
      queueOffset: queue.length,
      physicalOffset: this.#physicalOffset,
      bornTimestamp: this.clock.now(),
      bornHost: { address: HOST, port: 1 },
      storeTimestamp: this.clock.now(),
      storeHost: { address: HOST, port: PORT },
      reconsumeTimes: some.reconsumeTimes ?? 0,
      preparedTransactionOffset: 0,
      body: Buffer.from(body),
      properties: Buffer.from(properties.join('')),
    });
    this.#physicalOffset += record.length;
    queue.push(record);
    this.#wake();
    return record;
  }

  /** Answers all pulls that are held. */
  releasePulls(answer: PullAnswer): void {
    for (const held of this.#held.splice(0)) {
      this.clock.clearTimeout(held.timer);
      held.answer(answer);
    }
  }

  get heldPulls(): number {
    return this.#held.length;
  }

  pull(header: HeaderOf<PullRow>): PullAnswer | Promise<PullAnswer> {
    const key = `${header.topic}@${header.queueId}`;
    const found = this.queue(header.topic, header.queueId).slice(
      header.queueOffset,
      header.queueOffset + header.maxMsgNums,
    );
    if (found.length > 0) return foundAnswer(found, header.queueOffset);
    return new Promise((answer) => {
      const timer = this.clock.setTimeout(() => {
        this.#held = this.#held.filter((held) => held.answer !== answer);
        answer(notFoundAnswer(header.queueOffset));
      }, header.suspendTimeoutMillis);
      this.#held.push({ key, offset: header.queueOffset, answer, timer });
    });
  }

  #wake(): void {
    this.#held = this.#held.filter(({ key, offset, answer, timer }) => {
      const found = this.#queues.get(key)?.slice(offset) ?? [];
      if (found.length === 0) return true;
      this.clock.clearTimeout(timer);
      answer(foundAnswer(found, offset));
      return false;
    });
  }
}

function notFoundAnswer(offset: number): PullAnswer {
  const header = { suggestWhichBrokerId: 0, nextBeginOffset: offset, minOffset: 0, maxOffset: offset };
  return { code: ResponseCode.PULL_NOT_FOUND, header };
}

function foundAnswer(records: Buffer[], offset: number): PullAnswer {
  const header = {
    suggestWhichBrokerId: 0,
    nextBeginOffset: offset + records.length,
    minOffset: 0,
    maxOffset: offset + records.length,
  };
  return { header, body: Buffer.concat(records) };
}
