// Owns the answers to pulls. Leaves when they are served to pull-turns.ts, waiting for messages to held-pulls.ts, and
// reading them to the store.
import {
  NO_BODY,
  OUR_LANGUAGE,
  OUR_VERSION,
  Permission,
  RESPONSE_FLAG,
  Requests,
  ResponseCode,
  emptyFields,
  encodeFrame,
  printable,
  toldToPeer,
} from '@nest-rocketmq/remoting/internal';
import type { Answer, Clock, EventLog, Handlers, HeaderOf, IncomingRequest } from '@nest-rocketmq/remoting/internal';
import type { Clients } from '../clients/clients.js';
import type { Groups } from '../metadata/groups.js';
import type { LongPolling } from './long-polling.js';
import type { BrokerStats } from '../metrics/broker-stats.js';
import type { StoreStats } from '../metrics/store-stats.js';
import type { PullScheduler, Turn } from './pull-scheduler.js';
import type { ConsumerOffsets } from '../metadata/offsets.js';
import type { GetMessageStatus, GetResult, MessageRange, MessageStore } from '../store/store.js';
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
  held: LongPolling;
  turns: PullScheduler;
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
  };
}

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
    takeTurn(deps, request, filter, true);
    return undefined;
  };
  return { PULL_MESSAGE: pull, LITE_PULL_MESSAGE: (request) => pull(request as unknown as Pull) };
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
  const subscription = group.subscriptions.get(header.topic);
  if (!subscription) return no(ResponseCode.SUBSCRIPTION_NOT_EXIST, "the consumer's subscription not exist");
  if (subscription.subVersion < header.subVersion) {
    return no(ResponseCode.SUBSCRIPTION_NOT_LATEST, "the consumer's subscription not latest");
  }
  return deps.filters.ofSubscription(subscription);
}

function run(deps: PullDeps, request: Pull, filter: SubscriptionFilter, maySuspend: boolean): Answer<Row> | undefined {
  const { store, held, config, clock, offsets } = deps;
  const { header, connection } = request;
  const { topic, queueId } = header;
  const elsewhere = movedByReset(deps, request);
  if (elsewhere) return elsewhere;
  const { offset, maxCount, maxBytes, filter: wanted } = rangeOf(deps, request, filter);
  const memory = (length: number): Buffer => connection.memory(length);
  const share = connection.flow.toSocket;
  const started = clock.monotonic();
  const found = store.getMessage(topic, queueId, offset, maxCount, maxBytes, wanted, memory, share);
  deps.storeStats.read(found.count, clock.monotonic() - started);
  offsets.pulled(header.consumerGroup, topic, queueId, found.nextBeginOffset);
  const code = codeOf(found.status, header.queueOffset);
  const suspend = Math.min(header.suspendTimeoutMillis, config.maxSuspendTimeMillis);
  if (code === ResponseCode.PULL_NOT_FOUND && maySuspend && header.sysFlag & PullFlag.SUSPEND && suspend > 0) {
    if (held.size >= config.maxHeldPulls) return tooManyHeld(config.maxHeldPulls);
    const wake = (): void => takeTurn(deps, request, filter, false);
    const matches = arrivalFilter(store, topic, queueId, filter);
    held.hold({ topic, queueId, offset: header.queueOffset, connection, matches, wake }, suspend);
    return undefined;
  }
  return answer(deps, request, code, found, started);
}

/** Whether a message that has just come wakes a pull: by its tags code, or by its record. */
function arrivalFilter(
  store: MessageStore,
  topic: string,
  queueId: number,
  filter: SubscriptionFilter,
): (tagsCode: number, queueOffset: number) => boolean {
  return (tagsCode, queueOffset) => {
    const byTagsCode = filter.byTagsCode(tagsCode);
    if (byTagsCode !== undefined) return byTagsCode;
    // What cannot be read wakes the pull too: the pull says then what is wrong.
    let matches: boolean | undefined;
    const look: MessageFilter = (_code, record) => {
      const bytes = matches === undefined ? record() : undefined;
      if (bytes) matches = filter.byRecord(bytes);
      return undefined;
    };
    store.getMessage(topic, queueId, queueOffset, 1, 1, look);
    return matches ?? true;
  };
}

/** Tells a consumer whose offset was reset where to go on. What it says of its old place is not taken. */
function movedByReset({ store, offsets }: PullDeps, { header }: Pull): Answer<Row> | undefined {
  const { consumerGroup, topic, queueId } = header;
  const reset = offsets.takeReset(consumerGroup, topic, queueId);
  if (reset === undefined || reset === header.queueOffset) return undefined;
  const [minOffset, maxOffset] = [store.minOffset(topic, queueId), store.maxOffset(topic, queueId)];
  const fields = { suggestWhichBrokerId: 0, nextBeginOffset: reset, minOffset, maxOffset };
  return { code: ResponseCode.PULL_OFFSET_MOVED, remark: 'OFFSET_RESET', header: fields };
}

/** When the pull comes, not when it is served: an update behind it must not be undone by it. */
function commitOffset({ offsets }: PullDeps, { header }: Pull): void {
  const { consumerGroup, topic, queueId, sysFlag, commitOffset: offset } = header;
  if (sysFlag & PullFlag.COMMIT_OFFSET && offset >= 0) offsets.commit(consumerGroup, topic, queueId, offset);
}

/** @param maySuspend whether it may wait where it finds nothing */
function takeTurn(deps: PullDeps, request: Pull, filter: SubscriptionFilter, maySuspend: boolean): void {
  const { connection, header } = request;
  const { topic, queueId } = header;
  const { store, turns } = deps;
  const warm = { connection, serve: () => serve(deps, request, filter, maySuspend) };
  const first = (mayRead: boolean): Turn => {
    const range = rangeOf(deps, request, filter);
    if (!mayRead && store.isCold(topic, queueId, range)) return 'later';
    const waiting = connection.closed ? undefined : store.warmUp(topic, queueId, range);
    if (!waiting) return warm.serve();
    return waiting.then(() => turns.take(warm));
  };
  connection.flow.requestBegun();
  turns.take({ connection, serve: first });
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
function serve(deps: PullDeps, request: Pull, filter: SubscriptionFilter, maySuspend: boolean): undefined {
  const { connection } = request;
  connection.flow.requestEnded();
  if (connection.closed) return;
  let found: Answer<Row> | undefined;
  try {
    found = run(deps, request, filter, maySuspend);
  } catch (error) {
    // Nobody stands above a pull that had to wait: what it meets is told to its client from here.
    deps.log.say('error', 'pulls failed', `a pull failed: ${error instanceof Error ? error.message : String(error)}`);
    found = no(ResponseCode.SYSTEM_ERROR, printable(toldToPeer(error)));
  }
  if (found && !request.oneway) connection.answer(request, Requests.PULL_MESSAGE, found);
}

/** @param started when it was served, on the clock's monotonic scale, ms */
function answer(
  deps: PullDeps,
  request: Pull,
  code: number,
  found: GetResult,
  started: number,
): Answer<Row> | undefined {
  const { nextBeginOffset, minOffset, maxOffset, status, body, count } = found;
  const header = { suggestWhichBrokerId: 0, nextBeginOffset, minOffset, maxOffset, topicSysFlag: 0, groupSysFlag: 0 };
  if (code !== ResponseCode.SUCCESS) return { code, remark: status, header };
  writeFound(request, header, body);
  const { topic, consumerGroup, queueId } = request.header;
  const size = body.reduce((sum, records) => sum + records.length, 0);
  deps.stats.got(topic, consumerGroup, queueId, count, size, deps.clock.monotonic() - started);
  return undefined;
}

/** Writes the records as the store gave them, without joining them into one body first. */
function writeFound(request: Pull, header: Record<string, number>, records: readonly Buffer[]): void {
  if (request.oneway) return;
  const extFields = emptyFields();
  for (const [name, value] of Object.entries(header)) extFields[name] = String(value);
  const head = encodeFrame({
    code: ResponseCode.SUCCESS,
    language: OUR_LANGUAGE,
    version: OUR_VERSION,
    opaque: request.opaque,
    flag: RESPONSE_FLAG,
    remark: 'FOUND',
    extFields,
    body: NO_BODY,
    serializeType: request.serializeType,
  });
  const bytes = records.reduce((sum, record) => sum + record.length, 0);
  head.writeUInt32BE(head.readUInt32BE(0) + bytes, 0);
  request.connection.write(head);
  for (const record of records) request.connection.write(record);
  // A reader on another core begins on it while the next pull is served: a quarter more in all.
  request.connection.flush();
}

function codeOf(status: GetMessageStatus, offset: number): number {
  switch (status) {
    case 'FOUND':
      return ResponseCode.SUCCESS;
    case 'NO_MATCHED_MESSAGE':
    case 'MESSAGE_WAS_REMOVING':
      return ResponseCode.PULL_RETRY_IMMEDIATELY;
    case 'OFFSET_FOUND_NULL':
    case 'OFFSET_OVERFLOW_ONE':
      return ResponseCode.PULL_NOT_FOUND;
    case 'NO_MATCHED_LOGIC_QUEUE':
    case 'NO_MESSAGE_IN_QUEUE':
      return offset === 0 ? ResponseCode.PULL_NOT_FOUND : ResponseCode.PULL_OFFSET_MOVED;
    case 'OFFSET_OVERFLOW_BADLY':
    case 'OFFSET_TOO_SMALL':
      return ResponseCode.PULL_OFFSET_MOVED;
  }
}

function no(code: number, remark: string): Answer<Row> {
  return { code, remark };
}
