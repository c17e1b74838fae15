// Answers pulls.
import { Permission, Requests, ResponseCode, printable, toldToPeer } from '@nest-rocketmq/remoting/internal';
import type { Answer, Clock, EventLog, Handlers, HeaderOf, IncomingRequest } from '@nest-rocketmq/remoting/internal';
import type { Clients } from '../clients/clients.js';
import type { Groups } from '../metadata/groups.js';
import type { LongPolling } from './long-polling.js';
import type { BrokerStats } from '../metrics/broker-stats.js';
import type { StoreStats } from '../metrics/store-stats.js';
import type { PullProgress, PullScheduler } from './pull-scheduler.js';
import type { ConsumerOffsets } from '../metadata/offsets.js';
import { pullCode } from './pull-code.js';
import type { GetResult, MessageRange, MessageStore } from '../store/store.js';
import type { SubscriptionFilter, SubscriptionFilters } from '../filter/subscription-filters.js';
import type { MessageFilter } from '../store/message.js';
import type { Topics } from '../metadata/topics.js';

/** Bits of a pull's sysFlag. */
const PullFlag = { COMMIT_OFFSET: 1, SUSPEND: 2, SUBSCRIPTION: 4 } as const;

export interface PullDeps {
  store: MessageStore;
  topics: Topics;
  groups: Groups;
  clients: Clients;
  offsets: ConsumerOffsets;
  longPolling: LongPolling;
  pullScheduler: PullScheduler;
  filters: SubscriptionFilters;
  stats: BrokerStats;
  storeStats: StoreStats;
  clock: Clock;
  log: EventLog;
  config: {
    brokerPermission: number;
    maxTransferBytesOnMessageInMemory: number;
    maxTransferCountOnMessageInMemory: number;
    maxSuspendTimeMillis: number;
    maxHeldPulls: number;
    litePullMessageEnable: boolean;
  };
}

const LITE_PULL_FORBIDDEN = 'the broker for lite pull message is forbidden';

type Row = typeof Requests.PULL_MESSAGE;
type Pull = IncomingRequest<Row>;
type Header = HeaderOf<Row>;

export function pullHandlers(deps: PullDeps): Pick<Handlers<'broker'>, 'PULL_MESSAGE' | 'LITE_PULL_MESSAGE'> {
  const pull = (request: Pull): Answer<Row> | undefined => {
    const filter = check(deps, request);
    if (!('forPull' in filter)) return filter;
    const elsewhere = movedByReset(deps, request);
    if (elsewhere) return elsewhere;
    commitOffset(deps, request);
    schedule(deps, request, filter, true);
    return undefined;
  };
  const litePull = (request: Pull): Answer<Row> | undefined =>
    deps.config.litePullMessageEnable ? pull(request) : no(ResponseCode.NO_PERMISSION, LITE_PULL_FORBIDDEN);
  return { PULL_MESSAGE: pull, LITE_PULL_MESSAGE: (request) => litePull(request as unknown as Pull) };
}

/** The filter to pull with, or the answer that says why not. In the order in which Apache checks. */
function check(deps: PullDeps, { header, connection }: Pull): SubscriptionFilter | Answer<Row> {
  const { topics, groups, config } = deps;
  if (!(config.brokerPermission & Permission.READ))
    return no(ResponseCode.NO_PERMISSION, 'the broker pulling message is forbidden');
  const group = groups.findOrCreate(header.consumerGroup);
  if (!group) {
    const remark = `subscription group [${printable(header.consumerGroup)}] does not exist`;
    return no(ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST, remark);
  }
  if (!group.consumeEnable)
    return no(ResponseCode.NO_PERMISSION, `subscription group no permission, ${group.groupName}`);
  const topic = topics.get(header.topic);
  if (!topic)
    return no(ResponseCode.TOPIC_NOT_EXIST, `topic[${printable(header.topic)}] not exist, apply first please!`);
  if (!(topic.perm & Permission.READ))
    return no(ResponseCode.NO_PERMISSION, `the topic[${topic.topicName}] pulling message is forbidden`);
  if (header.queueId < 0 || header.queueId >= topic.readQueueNums) {
    const where = `topic:[${topic.topicName}] topicConfig.readQueueNums:[${topic.readQueueNums}]`;
    const remark = `queueId[${header.queueId}] is illegal, ${where} consumer:[${connection.remoteAddress}]`;
    return no(ResponseCode.INVALID_PARAMETER, remark);
  }
  return subscriptionFilter(deps, header, group.consumeBroadcastEnable);
}

function subscriptionFilter(
  deps: PullDeps,
  header: Header,
  broadcastEnable: boolean,
): SubscriptionFilter | Answer<Row> {
  if (header.sysFlag & PullFlag.SUBSCRIPTION) {
    return deps.filters.ofExpression(header.subscription ?? '', header.expressionType);
  }
  const group = deps.clients.consumers(header.consumerGroup);
  if (!group) return no(ResponseCode.SUBSCRIPTION_NOT_EXIST, "the consumer's group info not exist");
  if (!broadcastEnable && group.messageModel === 'BROADCASTING') {
    return no(ResponseCode.NO_PERMISSION, `the consumer group[${group.name}] can not consume by broadcast way`);
  }
  // As in Apache's broker, not for a pull that brings its subscription along.
  if (deps.groups.isReadingForbidden(group.name, header.topic)) {
    const remark = `the consumer group[${group.name}] is forbidden for topic[${printable(header.topic)}]`;
    return no(ResponseCode.NO_PERMISSION, remark);
  }
  const subscription = group.subscriptions.get(header.topic);
  if (!subscription) return no(ResponseCode.SUBSCRIPTION_NOT_EXIST, "the consumer's subscription not exist");
  if (subscription.subVersion < header.subVersion) {
    return no(ResponseCode.SUBSCRIPTION_NOT_LATEST, "the consumer's subscription not latest");
  }
  return deps.filters.ofSubscription(subscription);
}

/** @param maySuspend whether it may wait where it finds nothing */
function run(
  deps: PullDeps,
  request: Pull,
  filter: SubscriptionFilter,
  maySuspend: boolean,
): Promise<void> | undefined {
  const { store, clock } = deps;
  const { header, connection } = request;
  const { topic, queueId } = header;
  const elsewhere = movedByReset(deps, request);
  if (elsewhere) return reply(request, elsewhere);
  const { offset, maxCount, maxBytes, filter: wanted } = rangeOf(deps, request, filter);
  const memory = (length: number): Buffer => connection.memory(length);
  const share = connection.flow.toSocket;
  const started = clock.monotonic();
  const found = store.getMessage(topic, queueId, offset, maxCount, maxBytes, wanted, memory, share);
  if (!(found instanceof Promise)) return answerTo(deps, request, filter, maySuspend, found, started);
  // What was read ahead may have had to go from memory since.
  return found.then((late) => answerTo(deps, request, filter, maySuspend, late, started));
}

/** Answers with what was found, or holds the pull. @param started as in `answer` */
function answerTo(
  deps: PullDeps,
  request: Pull,
  filter: SubscriptionFilter,
  maySuspend: boolean,
  found: GetResult,
  started: number,
): undefined {
  const { store, longPolling, config, clock, offsets } = deps;
  const { header, connection } = request;
  if (connection.closed) return;
  const { topic, queueId } = header;
  deps.storeStats.read(found.count, clock.monotonic() - started);
  offsets.pulled(header.consumerGroup, topic, queueId, found.nextBeginOffset);
  const code = pullCode(found.status, header.queueOffset);
  const suspend = Math.min(header.suspendTimeoutMillis, config.maxSuspendTimeMillis);
  if (code === ResponseCode.PULL_NOT_FOUND && maySuspend && header.sysFlag & PullFlag.SUSPEND && suspend > 0) {
    if (longPolling.size >= config.maxHeldPulls) return reply(request, tooManyHeld(config.maxHeldPulls));
    const wake = (): void => schedule(deps, request, filter, false);
    const matches = arrivalFilter(store, topic, queueId, filter);
    longPolling.hold({ topic, queueId, offset: header.queueOffset, connection, matches, wake }, suspend);
    return;
  }
  answer(deps, request, code, found, started);
}

/** Tells whether a message that has just arrived wakes a pull: by its tags code, or by its record. */
function arrivalFilter(
  store: MessageStore,
  topic: string,
  queueId: number,
  filter: SubscriptionFilter,
): (tagsCode: number, queueOffset: number) => boolean {
  return (tagsCode, queueOffset) => {
    const byTagsCode = filter.byTagsCode(tagsCode);
    if (byTagsCode !== undefined) return byTagsCode;
    let matches: boolean | undefined;
    const look: MessageFilter = (_code, record) => {
      const bytes = matches === undefined ? record() : undefined;
      if (bytes) matches = filter.byRecord(bytes);
      return undefined;
    };
    const found = store.getMessage(topic, queueId, queueOffset, 1, 1, look);
    // What cannot be read now wakes the pull, which waits for it, and meets the same error.
    if (found instanceof Promise) found.catch(() => undefined);
    return matches ?? true;
  };
}

/** Tells a consumer whose offset was reset where to continue. The offset that it brings along is ignored. */
function movedByReset({ store, offsets }: PullDeps, { header }: Pull): Answer<Row> | undefined {
  const { consumerGroup, topic, queueId } = header;
  const reset = offsets.takeReset(consumerGroup, topic, queueId);
  if (reset === undefined || reset === header.queueOffset) return undefined;
  const [minOffset, maxOffset] = [store.minOffset(topic, queueId), store.maxOffset(topic, queueId)];
  const fields = { suggestWhichBrokerId: 0, nextBeginOffset: reset, minOffset, maxOffset };
  return { code: ResponseCode.PULL_OFFSET_MOVED, remark: 'OFFSET_RESET', header: fields };
}

/** Commits when the pull arrives, not when it is served: it must not undo a later update. */
function commitOffset({ offsets }: PullDeps, { header }: Pull): void {
  const { consumerGroup, topic, queueId, sysFlag, commitOffset: offset } = header;
  if (sysFlag & PullFlag.COMMIT_OFFSET && offset >= 0) offsets.commit(consumerGroup, topic, queueId, offset);
}

/** @param maySuspend whether it may wait where it finds nothing */
function schedule(deps: PullDeps, request: Pull, filter: SubscriptionFilter, maySuspend: boolean): void {
  const { connection, header } = request;
  const { topic, queueId } = header;
  const { store, pullScheduler } = deps;
  const warm = { connection, serve: () => serve(deps, request, filter, maySuspend) };
  const first = (mayRead: boolean): PullProgress => {
    const range = rangeOf(deps, request, filter);
    if (!mayRead && store.isCold(topic, queueId, range)) return 'later';
    const waiting = connection.closed ? undefined : store.prefetch(topic, queueId, range);
    if (!waiting) return warm.serve();
    return waiting.then(() => pullScheduler.add(warm));
  };
  connection.flow.requestBegun();
  pullScheduler.add({ connection, serve: first });
}

function rangeOf(deps: PullDeps, request: Pull, filter: SubscriptionFilter): MessageRange {
  const { queueOffset: offset, maxMsgBytes = Infinity } = request.header;
  const maxBytes = Math.min(maxMsgBytes, deps.config.maxTransferBytesOnMessageInMemory);
  return { offset, maxCount: countOf(deps, request), maxBytes, filter: filter.forPull() };
}

function tooManyHeld(limit: number): Answer<Row> {
  return no(ResponseCode.SYSTEM_BUSY, `as many pulls wait for messages as may, maxHeldPulls=${limit}: ask again later`);
}

/** The Go client's pull consumer asks for 0 messages by default, and Apache's broker gives it one at a time. */
function countOf({ config }: PullDeps, { header }: Pull): number {
  return Math.max(1, Math.min(header.maxMsgNums, config.maxTransferCountOnMessageInMemory));
}

/** @param maySuspend whether it may wait where it finds nothing */
function serve(deps: PullDeps, request: Pull, filter: SubscriptionFilter, maySuspend: boolean): PullProgress {
  const { connection } = request;
  connection.flow.requestEnded();
  if (connection.closed) return undefined;
  try {
    return run(deps, request, filter, maySuspend)?.catch((error: unknown) => fail(deps, request, error));
  } catch (error) {
    return fail(deps, request, error);
  }
}

/** No caller catches the error of a pull that had to wait, so its client is answered here. */
function fail({ log }: PullDeps, request: Pull, error: unknown): undefined {
  log.say('error', 'pulls failed', `a pull failed: ${error instanceof Error ? error.message : String(error)}`);
  reply(request, no(ResponseCode.SYSTEM_ERROR, printable(toldToPeer(error))));
}

/** @param started when it was served, on the clock's monotonic scale, ms */
function answer(deps: PullDeps, request: Pull, code: number, found: GetResult, started: number): void {
  const { nextBeginOffset, minOffset, maxOffset, status, body, count } = found;
  const header = { suggestWhichBrokerId: 0, nextBeginOffset, minOffset, maxOffset, topicSysFlag: 0, groupSysFlag: 0 };
  if (code !== ResponseCode.SUCCESS) return reply(request, { code, remark: status, header });
  reply(request, { remark: status, header, body });
  // Flushed now, so that a reader on another core begins while the next pull is served: 25 % more in all.
  if (!request.oneway) request.connection.flush();
  const { topic, consumerGroup, queueId } = request.header;
  const size = body.reduce((sum, records) => sum + records.length, 0);
  deps.stats.got(topic, consumerGroup, queueId, count, size, deps.clock.monotonic() - started);
}

function reply(request: Pull, answer: Answer<Row>): undefined {
  if (!request.oneway) request.connection.answer(request, Requests.PULL_MESSAGE, answer);
}

function no(code: number, remark: string): Answer<Row> {
  return { code, remark };
}
