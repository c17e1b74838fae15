// Lists the dead letters of a group, shows them, has the group get them again, and undoes that.
import { randomUUID } from 'node:crypto';
import {
  AUTO_CREATE_TOPIC_KEY,
  InvalidOptionError,
  decodeOffsetMsgId,
  dlqTopic,
} from '@nest-rocketmq/remoting/internal';
import type { MessageExt, MessageQueue } from '@nest-rocketmq/remoting/internal';
import type { Namespace } from '../config/namespace.js';
import type { ClientContext } from '../client-context.js';
import { checkGroup } from '../config/names.js';
import { integerIn } from '../config/options.js';
import { RoundRobin } from '../producer/queues/choose-queue.js';
import { Sender } from '../producer/send/send.js';
import { toDeadLetter } from './dead-letter.js';
import type { DeadLetter } from './dead-letter.js';
import { readQueue } from './queue-reader.js';
import { replayOf } from './replay.js';
import { SkippedReplays } from './skipped-replays.js';

/** What dead letters need of the administration. */
export interface QueueOffsets {
  maxOffset(queue: MessageQueue): Promise<number>;
  minOffset(queue: MessageQueue): Promise<number>;
  searchOffset(queue: MessageQueue, timestamp: number): Promise<number>;
  viewMessage(topic: string, offsetMsgId: string): Promise<MessageExt>;
}

/** Which dead letters to list. */
export interface ListDeadLettersOptions {
  /** Those that became dead letters at this time or later: a Date, or ms since the epoch. Default: all. */
  since?: Date | number;
  /** Messages of one request, 1 to 1024. Default 32. */
  pageSize?: number;
}

/** How to replay dead letters. */
export interface ReplayDeadLettersOptions {
  /**
   * 'group': only the group gets them, through its retry topic. 'topic': they are sent to their topics, and all groups there get
   * them. An Apache broker takes no retries of a group that consumes in order: use 'topic' for it. Default 'group'.
   */
  to?: 'group' | 'topic';
}

/** What a replay has done. */
export interface Replay {
  /** Marks each message of the replay, in its property DLQ_REPLAY_ID. `DeadLetters.skip` takes it. */
  readonly id: string;
  /** How many messages were sent. */
  readonly count: number;
}

const DEFAULT_PAGE_SIZE = 32;
const SEND_TIMEOUT_MS = 3_000;
const REPLAYER_GROUP = 'CLIENT_INNER_PRODUCER';

/** The dead letters of one group: `client.admin.deadLetters(group)`. `for await` lists them, the oldest of each queue first. */
export class DeadLetters implements AsyncIterable<DeadLetter> {
  readonly #context: ClientContext;
  readonly #names: Namespace;
  /** The group that has failed to consume them. */
  readonly group: string;
  readonly #offsets: QueueOffsets;
  readonly #skipped: SkippedReplays;
  readonly #sender: Sender;

  /** @internal */
  constructor(context: ClientContext, offsets: QueueOffsets, group: string) {
    checkGroup(group);
    this.#context = context;
    this.#names = context.names;
    this.group = this.#names.strip(group);
    this.#offsets = offsets;
    this.#skipped = new SkippedReplays(context.kvConfig);
    const { clock, routes, brokers, closing } = context;
    this.#sender = new Sender(
      { clock, routes, brokers, roundRobin: new RoundRobin(), closing },
      {
        group: REPLAYER_GROUP,
        createTopicKey: AUTO_CREATE_TOPIC_KEY,
        defaultTopicQueueNums: 1,
        retryTimesWhenSendFailed: 2,
        retryAnotherBrokerWhenNotStoreOK: false,
        sendMsgMaxTimeoutPerRequest: -1,
      },
    );
  }

  /** The topic that they are in: %DLQ%group. */
  get topic(): string {
    return dlqTopic(this.group);
  }

  [Symbol.asyncIterator](): AsyncIterator<DeadLetter> {
    return this.list()[Symbol.asyncIterator]();
  }

  /**
   * Lists those that are there when it is called, page by page. A group without any has none.
   * @throws InvalidOptionError
   */
  async *list(options: ListDeadLettersOptions = {}): AsyncGenerator<DeadLetter, void> {
    const pageSize = integerIn('pageSize', options.pageSize, DEFAULT_PAGE_SIZE, 1, 1_024);
    const since = options.since === undefined ? undefined : timeOf(options.since);
    const route = await this.#context.routes.resolve(this.#names.wrap(this.topic));
    if (!route || route.assumed) return;
    for (const queue of route.readable) {
      const to = await this.#offsets.maxOffset(queue);
      const from = await (since === undefined
        ? this.#offsets.minOffset(queue)
        : this.#offsets.searchOffset(queue, since));
      for await (const message of readQueue(this.#context, { queue, from, to, pageSize }))
        yield toDeadLetter(message, this.#names);
    }
  }

  /** The dead letter with this id. @throws ResponseError when there is none, DecodeError when it is no such id */
  async get(id: string): Promise<DeadLetter> {
    decodeOffsetMsgId(id);
    return toDeadLetter(await this.#offsets.viewMessage(this.#names.wrap(this.topic), id), this.#names);
  }

  /**
   * Has the group get dead letters again, as for the first time: the count of deliveries begins anew. They stay where they
   * are, too.
   * @param which one, several, their ids, or a function that says whether one is to be replayed
   * @throws SendFailedError, ResponseError; those before it are replayed then
   */
  async replay(
    which:
      | DeadLetter
      | string
      | readonly (DeadLetter | string)[]
      | ((letter: DeadLetter) => boolean | Promise<boolean>),
    { to = 'group' }: ReplayDeadLettersOptions = {},
  ): Promise<Replay> {
    const id = randomUUID();
    let count = 0;
    for await (const letter of typeof which === 'function' ? this.#where(which) : this.#named([which].flat())) {
      const now = this.#context.clock.now();
      const names = this.#names;
      const message = await replayOf(
        { ...letter, topic: names.wrap(letter.topic) },
        { group: names.wrap(this.group), replayId: id, to, now },
      );
      await this.#sender.sendToAny(message, SEND_TIMEOUT_MS);
      count++;
    }
    return { id, count };
  }

  /**
   * Undoes a replay: consumers of this client, in all processes, skip those of its messages that they have not consumed yet.
   * They ask the name servers, which keep that for good. Java's consumers know nothing of it.
   * @param replayId of the result of `replay`
   * @throws NameServerUnreachableError when one of the name servers could not be told
   */
  async skip(replayId: string): Promise<void> {
    await this.#skipped.skip(replayId, this.#context.clock.now());
  }

  async *#where(accepts: (letter: DeadLetter) => boolean | Promise<boolean>): AsyncGenerator<DeadLetter> {
    for await (const letter of this.list()) if (await accepts(letter)) yield letter;
  }

  async *#named(which: readonly (DeadLetter | string)[]): AsyncGenerator<DeadLetter> {
    for (const each of which) yield typeof each === 'string' ? await this.get(each) : each;
  }
}

function timeOf(given: unknown): number {
  const time = given instanceof Date ? given.getTime() : given;
  if (typeof time === 'number' && Number.isSafeInteger(time) && time >= 0) return time;
  throw new InvalidOptionError('since', given, 'a valid Date, or ms since the epoch');
}
