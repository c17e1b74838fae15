// Answers pops: takes messages from the queues of a topic and from its pop retry topic, or holds the pop until some come.
import { Requests, ResponseCode, popRetryTopic, printable, toldToPeer } from '@nest-rocketmq/remoting/internal';
import type { Answer, EventLog, Handlers, HeaderOf, IncomingRequest } from '@nest-rocketmq/remoting/internal';
import type { SubscriptionFilter, SubscriptionFilters } from '../filter/subscription-filters.js';
import { REVIVE_QUEUES } from '../metadata/topics.js';
import type { BrokerStats } from '../metrics/broker-stats.js';
import type { MessageStore } from '../store/store.js';
import type { PullProgress, PullScheduler } from '../pull/pull-scheduler.js';
import { POP_ORDER_REVIVE_QUEUE } from './pop-handle.js';
import { heldUntil, popRefusal, queueIdsOf } from './pop-checks.js';
import type { PopCheckDeps } from './pop-checks.js';
import { ANY_QUEUE } from './pop-polling.js';
import type { PopPolling } from './pop-polling.js';
import { Pop } from './pop-queues.js';
import type { PopQueues } from './pop-queues.js';

export interface PopDeps extends PopCheckDeps {
  store: MessageStore;
  filters: SubscriptionFilters;
  pullScheduler: PullScheduler;
  stats: BrokerStats;
  queues: PopQueues;
  polling: PopPolling;
  log: EventLog;
  /** From 0 to 1; default Math.random. */
  random?: () => number;
  config: PopCheckDeps['config'] & {
    maxTransferBytesOnMessageInMemory: number;
    maxSuspendTimeMillis: number;
    popFromRetryProbability: number;
    retrieveMessageFromPopRetryTopicV1: boolean;
  };
}

type Row = typeof Requests.POP_MESSAGE;
type PopRequest = IncomingRequest<Row>;

interface PopCall {
  readonly request: PopRequest;
  readonly filter: SubscriptionFilter;
  /** As of `heldUntil`. */
  readonly until: number;
}

const INIT_MODE_MIN = 0;
const PERCENT = 100;

export function popHandlers(deps: PopDeps): Pick<Handlers<'broker'>, 'POP_MESSAGE'> {
  const handler = new PopHandler(deps);
  return { POP_MESSAGE: (request) => handler.handle(request) };
}

class PopHandler {
  /** Checkpoints go to the queues of the revive topic in turn. */
  #turn = 0;

  constructor(private readonly deps: PopDeps) {}

  handle(request: PopRequest): Answer<Row> | undefined {
    const { header } = request;
    const refusal = popRefusal(this.deps, request.header);
    if (refusal) return refusal;
    const { filters, clock, config } = this.deps;
    const filter = filters.ofExpression(header.exp || '*', header.exp ? header.expType : undefined);
    this.#schedule({ request, filter, until: heldUntil(header, clock.now(), config) }, false);
    return undefined;
  }

  /** @param over whether it has waited as long as it may */
  #schedule(call: PopCall, over: boolean): void {
    const { request } = call;
    const { connection, header } = request;
    const { pullScheduler, store, topics, queues, config } = this.deps;
    connection.flow.requestBegun();
    const isCold = (): boolean => {
      const { topic, consumerGroup } = header;
      const range = {
        maxCount: header.maxMsgNums,
        maxBytes: config.maxTransferBytesOnMessageInMemory,
        filter: undefined,
      };
      return queueIdsOf(topics, topic, header.queueId).some((queueId) =>
        store.isCold(topic, queueId, { ...range, offset: queues.nextOffset(topic, consumerGroup, queueId) }),
      );
    };
    const serve = (mayRead: boolean): PullProgress => {
      const cold = isCold();
      if (cold && !mayRead) return 'later';
      const done = this.#run(call, over)
        .catch((error: unknown) => this.#fail(request, error))
        .finally(() => connection.flow.requestEnded());
      return cold ? done : undefined;
    };
    pullScheduler.add({ connection, serve });
  }

  async #run(call: PopCall, over: boolean): Promise<void> {
    const { request, filter } = call;
    const { connection, header } = request;
    if (connection.closed) return;
    const { clock, stats, polling, queues } = this.deps;
    const started = clock.monotonic();
    const before = this.#arrived(header);
    const pop = new Pop(this.#wanted(header, filter));
    await this.#takeFromAll(pop, header.queueId);
    if (connection.closed) return;
    const { topic, consumerGroup, queueId } = header;
    if (pop.count > 0) {
      this.#reply(request, pop, ResponseCode.SUCCESS);
      if (pop.rest > 0) polling.wake(topic, consumerGroup, queueId);
      stats.answered(topic, consumerGroup, queueId, clock.monotonic() - started);
    } else if (pop.unfinished || this.#arrived(header) !== before || queues.isOneFree(pop)) this.#schedule(call, over);
    else this.#holdOrReply(call, pop, over);
  }

  #wanted(header: HeaderOf<Row>, filter: SubscriptionFilter): Pop['wanted'] {
    const { topic, consumerGroup: group, maxMsgNums: most, invisibleTime, order, initMode, attemptId } = header;
    return {
      topic,
      group,
      most,
      popTime: this.deps.clock.now(),
      invisibleTime,
      reviveQueueId: order ? POP_ORDER_REVIVE_QUEUE : this.#turn++ % REVIVE_QUEUES,
      fromFirst: initMode === INIT_MODE_MIN,
      attemptId,
      filter,
    };
  }

  /** Sometimes the pop retry topic comes first, so that neither keeps the other from being popped. */
  async #takeFromAll(pop: Pop, queueId: number): Promise<void> {
    const { topics, config, random = Math.random, queues } = this.deps;
    const { topic, group, reviveQueueId } = pop.wanted;
    const lot = Math.floor(random() * PERCENT);
    const retryFirst = lot < config.popFromRetryProbability;
    const fromRetries = async (): Promise<void> => {
      if (reviveQueueId === POP_ORDER_REVIVE_QUEUE) return;
      const v2 = config.enableRetryTopicV2 && !(config.retrieveMessageFromPopRetryTopicV1 && lot % 2 === 0);
      const retries = popRetryTopic(topic, group, v2);
      for (const id of queueIdsOf(topics, retries, ANY_QUEUE, lot)) await queues.take(pop, retries, id);
    };
    if (retryFirst) await fromRetries();
    for (const id of queueIdsOf(topics, topic, queueId, lot)) await queues.take(pop, topic, id);
    if (!retryFirst) await fromRetries();
  }

  /** Changes when a message arrives that the pop may have missed. */
  #arrived({ topic, consumerGroup, queueId }: HeaderOf<Row>): number {
    const { topics, store } = this.deps;
    const names: [string, number][] = [
      [topic, queueId],
      [popRetryTopic(topic, consumerGroup, false), ANY_QUEUE],
      [popRetryTopic(topic, consumerGroup, true), ANY_QUEUE],
    ];
    let sum = 0;
    for (const [name, id] of names) for (const each of queueIdsOf(topics, name, id)) sum += store.maxOffset(name, each);
    return sum;
  }

  #holdOrReply(call: PopCall, pop: Pop, over: boolean): void {
    const { request, filter, until } = call;
    const { header, connection } = request;
    const { clock, polling } = this.deps;
    const { topic, consumerGroup: group } = header;
    const left = until - clock.now();
    if (over || left <= 0) return this.#reply(request, pop, ResponseCode.POLLING_TIMEOUT);
    const queueId = Math.max(ANY_QUEUE, header.queueId);
    const matches = (tagsCode: number): boolean => filter.byTagsCode(tagsCode) ?? true;
    const wake = (isOver: boolean): void => this.#schedule(call, isOver);
    if (polling.hold({ topic, group, queueId, connection, matches, wake }, left)) return;
    this.#reply(request, pop, ResponseCode.POLLING_FULL);
  }

  #reply(request: PopRequest, pop: Pop, code: number): void {
    if (request.oneway) return;
    const { popTime, invisibleTime, reviveQueueId: reviveQid } = pop.wanted;
    const { orderCountInfo } = pop.lists;
    const header = {
      popTime,
      invisibleTime,
      reviveQid,
      restNum: pop.rest,
      ...pop.lists.fields,
      ...(reviveQid === POP_ORDER_REVIVE_QUEUE && { orderCountInfo }),
    };
    const remark = code === ResponseCode.SUCCESS ? 'FOUND' : 'NO_MESSAGE_IN_QUEUE';
    request.connection.answer(request, Requests.POP_MESSAGE, { code, remark, header, body: pop.body });
    request.connection.flush();
  }

  #fail(request: PopRequest, error: unknown): void {
    this.deps.log.say(
      'error',
      'pops failed',
      `a pop failed: ${error instanceof Error ? error.message : String(error)}`,
    );
    if (request.oneway || request.connection.closed) return;
    const answer = { code: ResponseCode.SYSTEM_ERROR, remark: printable(toldToPeer(error)) };
    request.connection.answer(request, Requests.POP_MESSAGE, answer);
  }
}
