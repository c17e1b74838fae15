import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ManualClock, ResponseCode } from '@nest-rocketmq/remoting/internal';
import type { Connection, HeaderOf, IncomingRequest, Requests } from '@nest-rocketmq/remoting/internal';
import { popHandlers } from './pop-handler.js';
import type { PopDeps } from './pop-handler.js';
import { PopPolling } from './pop-polling.js';
import { PopQueues } from './pop-queues.js';
import type { PopQueuesDeps } from './pop-queues.js';

/** A part of what it stands for: as much as a pop asks for. */
const part = <T>(given: Partial<T>): T => given as T;

const nothing = { status: 'NO_MESSAGE_IN_QUEUE', count: 0, body: Buffer.alloc(0) };

/** Pops of topic t and its two queues, whose reads end when the test says so. */
class Pops {
  readonly clock = new ManualClock();
  readonly polling = new PopPolling(this.clock, { popPollingSize: 10, maxPopPollingSize: 10 });
  /** Queue to its end. */
  readonly ends = [0, 0];
  /** Queues in the order of the reads of topic t that were begun. */
  readonly reads: number[] = [];
  readonly answers: number[] = [];
  readonly #open: (() => void)[] = [];
  readonly #handlers;

  constructor() {
    const end = (topic: string, queueId: number): number => (topic === 't' ? this.ends[queueId]! : 0);
    const store = part<PopDeps['store']>({
      minOffset: () => 0,
      maxOffset: end,
      isCold: () => false,
      getMessage: (topic, queueId, offset) => this.#read(topic, queueId, offset) as never,
    });
    const stats = part<PopDeps['stats']>({ answered: () => undefined });
    const offsets = part<PopQueuesDeps['offsets']>({
      query: () => 0,
      takeReset: () => undefined,
      commit: () => undefined,
    });
    const inFlight = part<PopQueuesDeps['inFlight']>({ count: () => 0 });
    const config = { popInflightMessageThreshold: 10, maxTransferBytesOnMessageInMemory: 1_000_000 };
    const common = { store, stats, clock: this.clock, polling: this.polling };
    const queues = new PopQueues(part<PopQueuesDeps>({ ...common, offsets, inFlight, config }));
    this.#handlers = popHandlers({
      ...common,
      queues,
      topics: part<PopDeps['topics']>({
        get: (topic) => (topic === 't' ? ({ readQueueNums: 2, perm: 6, topicName: 't' } as never) : undefined),
        requireRoomFor: () => undefined,
      }),
      groups: part<PopDeps['groups']>({ findOrCreate: () => ({ consumeEnable: true }) as never }),
      filters: part<PopDeps['filters']>({
        ofExpression: () =>
          part<ReturnType<PopDeps['filters']['ofExpression']>>({
            forPull: () => undefined,
            byTagsCode: () => undefined,
          }),
      }),
      pullScheduler: part<PopDeps['pullScheduler']>({ add: (pull) => void pull.serve(true) }),
      log: part<PopDeps['log']>({}),
      random: () => 0,
      config: {
        brokerPermission: 6,
        timerWheelEnable: true,
        timerMaxDelaySec: 1_000,
        enableRetryTopicV2: false,
        maxTransferBytesOnMessageInMemory: 1_000_000,
        maxSuspendTimeMillis: 60_000,
        popFromRetryProbability: 0,
        retrieveMessageFromPopRetryTopicV1: false,
      },
    });
  }

  /** @returns what closes its connection */
  pop(queueId = -1): () => void {
    const connection = {
      closed: false,
      flow: { requestBegun: () => undefined, requestEnded: () => undefined },
      answer: (_request: unknown, _row: unknown, { code }: { code: number }) => void this.answers.push(code),
      flush: () => undefined,
    };
    const header: HeaderOf<typeof Requests.POP_MESSAGE> = {
      consumerGroup: 'g',
      topic: 't',
      queueId,
      maxMsgNums: 32,
      invisibleTime: 10_000,
      pollTime: 20_000,
      bornTime: this.clock.now(),
      initMode: 0,
    };
    const request = { connection: connection as unknown as Connection, header, oneway: false };
    void this.#handlers.POP_MESSAGE(request as IncomingRequest<typeof Requests.POP_MESSAGE>);
    return () => void (connection.closed = true);
  }

  /** Ends the oldest read that has not ended: it finds nothing. */
  async endRead(): Promise<void> {
    this.#open.shift()!();
    await this.clock.advance(0);
  }

  #read(topic: string, queueId: number, offset: number): Promise<unknown> {
    const found = { ...nothing, nextBeginOffset: offset, minOffset: 0, maxOffset: offset };
    if (topic !== 't') return Promise.resolve(found);
    this.reads.push(queueId);
    return new Promise((resolve) => this.#open.push(() => resolve(found)));
  }
}

describe('a pop that finds nothing', () => {
  let pops: Pops;
  beforeEach(() => {
    pops = new Pops();
  });
  afterEach(() => pops.polling.stop());

  it('is held until a message comes', async () => {
    pops.pop(0);
    await pops.clock.advance(0);
    await pops.endRead();
    expect(pops.reads).toEqual([0]);
    pops.polling.arrived('t', 0, 0);
    await pops.clock.advance(0);
    expect(pops.reads).toEqual([0, 0]);
  });

  // Nobody tells it of the message: it is not held yet.
  it('looks again where a message has come while it was reading', async () => {
    pops.pop(0);
    await pops.clock.advance(0);
    pops.ends[0] = 1;
    pops.polling.arrived('t', 0, 0);
    await pops.endRead();
    expect(pops.reads).toEqual([0, 0]);
  });

  // The other pop has told nobody: this one is not held yet.
  it('looks again at a queue that another pop was taking from, and has left with messages in it', async () => {
    pops.ends[0] = 1;
    const closeOther = pops.pop(0);
    await pops.clock.advance(0);
    pops.pop();
    await pops.clock.advance(0);
    expect(pops.reads).toEqual([0, 1]);
    closeOther();
    await pops.endRead();
    await pops.endRead();
    expect(pops.reads.slice(2)).toContain(0);
  });

  it('is held where the other pop still takes from the queue, and woken when that ends', async () => {
    pops.ends[0] = 1;
    const closeOther = pops.pop(0);
    await pops.clock.advance(0);
    pops.pop(0);
    await pops.clock.advance(0);
    expect([pops.reads, pops.polling.count('t', 'g', 0)]).toEqual([[0], 1]);
    closeOther();
    await pops.endRead();
    expect([pops.reads, pops.polling.count('t', 'g', 0)]).toEqual([[0, 0], 0]);
  });
});

it('answers that nothing has come when the time of a held pop is over', async () => {
  const pops = new Pops();
  pops.pop(0);
  await pops.clock.advance(0);
  await pops.endRead();
  const ended = pops.clock.advance(20_000);
  await pops.clock.advance(0);
  await ended;
  await pops.endRead();
  expect(pops.answers).toEqual([ResponseCode.POLLING_TIMEOUT]);
});
