// Tells consumers whether there is something to pop, now or when it comes, and how many pops wait; and lets them peek.
import { Requests, ResponseCode, popRetryTopic } from '@nest-rocketmq/remoting/internal';
import type { Answer, Handlers, HeaderOf, IncomingRequest } from '@nest-rocketmq/remoting/internal';
import type { SubscriptionFilter, SubscriptionFilters } from '../filter/subscription-filters.js';
import type { MessageStore } from '../store/store.js';
import type { OrderInfos } from './order-infos.js';
import { groupMissing, heldUntil, queueIdsOf, queueRefusal } from './pop-checks.js';
import type { PopCheckDeps } from './pop-checks.js';
import { ANY_QUEUE } from './pop-polling.js';
import type { PopPolling } from './pop-polling.js';
import type { PopQueues } from './pop-queues.js';
import { MOST_POPPED } from './checkpoint.js';

export interface NotificationDeps extends PopCheckDeps {
  store: MessageStore;
  filters: SubscriptionFilters;
  queues: PopQueues;
  polling: PopPolling;
  orderInfos: OrderInfos;
  config: PopCheckDeps['config'] & { maxTransferBytesOnMessageInMemory: number; maxSuspendTimeMillis: number };
  /** Requests that wait to be told. */
  notifications: PopPolling;
}

/**
 * With so many messages in a queue none is compared with the filter: there is taken to be one that is wanted. Apache's
 * maxMessageFilterNumForNotification.
 */
const MAX_FILTERED = 64;
/** The same for all queues of a topic together. */
const MAX_FILTERED_IN_ALL = 1_024;

type Notification = typeof Requests.NOTIFICATION;
type Peek = typeof Requests.PEEK_MESSAGE;
type PollingInfo = typeof Requests.POLLING_INFO;

export function notificationHandlers(
  deps: NotificationDeps,
): Pick<Handlers<'broker'>, 'NOTIFICATION' | 'POLLING_INFO' | 'PEEK_MESSAGE'> {
  return {
    NOTIFICATION: (request) => begin(deps, request),
    POLLING_INFO: ({ header }) => pollingInfo(deps, header),
    PEEK_MESSAGE: ({ header }) => peek(deps, header),
  };
}

function pollingInfo(deps: NotificationDeps, header: HeaderOf<PollingInfo>): Answer<PollingInfo> {
  const { topic, consumerGroup, queueId } = header;
  const refusal = queueRefusal(deps, header) ?? groupRefusal(deps, consumerGroup);
  return refusal ?? { header: { pollingNum: deps.polling.count(topic, consumerGroup, Math.max(ANY_QUEUE, queueId)) } };
}

interface NotificationCall {
  readonly request: IncomingRequest<Notification>;
  /** Of the messages that the consumer wants; undefined where it wants all. */
  readonly filter: SubscriptionFilter | undefined;
  /** As of `heldUntil`. */
  readonly until: number;
}

function begin(deps: NotificationDeps, request: IncomingRequest<Notification>): Answer<Notification> | undefined {
  const { header } = request;
  const refusal = queueRefusal(deps, header) ?? groupRefusal(deps, header.consumerGroup);
  if (refusal) return refusal;
  const { exp, expType } = header;
  const filter = exp && expType ? deps.filters.ofExpression(exp, expType) : undefined;
  return notify(deps, { request, filter, until: heldUntil(header, deps.clock.now(), deps.config) });
}

function notify(deps: NotificationDeps, call: NotificationCall): Answer<Notification> | undefined {
  const { request, filter, until } = call;
  const { header, connection } = request;
  if (hasMessages(deps, call)) return { header: { hasMsg: true } };
  const { clock, notifications } = deps;
  const { topic, consumerGroup: group } = header;
  const left = until - clock.now();
  if (left <= 0) return { header: { hasMsg: false } };
  const wake = (over: boolean): void => {
    if (connection.closed || request.oneway) return;
    // What has come may belong to another by now: then it waits on.
    const hasMsg = hasMessages(deps, call);
    const answer = over || hasMsg ? { header: { hasMsg } } : notify(deps, call);
    if (answer) connection.answer(request, Requests.NOTIFICATION, answer);
  };
  const queueId = Math.max(ANY_QUEUE, header.queueId);
  const matches = (tagsCode: number): boolean => filter?.byTagsCode(tagsCode) ?? true;
  if (notifications.hold({ topic, group, queueId, connection, matches, wake }, left)) return undefined;
  return { header: { hasMsg: false, pollingFull: true } };
}

function hasMessages(deps: NotificationDeps, { request: { header }, filter }: NotificationCall): boolean {
  const { topic, consumerGroup: group, queueId, order, attemptId } = header;
  const { topics, queues, orderInfos, clock } = deps;
  const isFree = (id: number): boolean =>
    !order || orderInfos.get(topic, group, id)?.blockedUntil(clock.now(), attemptId) === undefined;
  let looked = 0;
  const hasOne = (id: number): boolean => {
    if (!isFree(id)) return false;
    const behind = queues.behind(topic, group, id);
    if (!filter || behind === 0 || behind >= MAX_FILTERED) return behind > 0;
    looked += behind;
    return looked > MAX_FILTERED_IN_ALL || hasWanted(deps, header, id, filter);
  };
  if (queueIdsOf(topics, topic, queueId).some(hasOne)) return true;
  // Retries are of messages that were wanted.
  return retryTopicsOf(topic, group).some((name) =>
    queueIdsOf(topics, name, ANY_QUEUE).some((id) => queues.behind(name, group, id) > 0),
  );
}

/** Whether a message that the group has not popped may be wanted, by the hash codes of its tags. */
function hasWanted(
  { queues, store }: NotificationDeps,
  { topic, consumerGroup }: HeaderOf<Notification>,
  queueId: number,
  filter: SubscriptionFilter,
): boolean {
  const first = Math.max(queues.nextOffset(topic, consumerGroup, queueId), store.minOffset(topic, queueId));
  for (let offset = first; offset < store.maxOffset(topic, queueId); offset++) {
    const entry = store.readConsumeQueue(topic, queueId, offset);
    if (entry instanceof Promise) {
      // On the disk only: the pop that follows looks at it, and meets the same error.
      entry.catch(() => undefined);
      return true;
    }
    if (entry && (filter.byTagsCode(entry.tagsCode) ?? true)) return true;
  }
  return false;
}

/** Shows messages without taking them. */
async function peek(deps: NotificationDeps, header: HeaderOf<Peek>): Promise<Answer<Peek>> {
  const { topic, consumerGroup: group, queueId } = header;
  const refusal = queueRefusal(deps, header) ?? groupRefusal(deps, group);
  if (refusal) return refusal;
  const { topics, queues, store, config } = deps;
  const most = Math.max(0, Math.min(header.maxMsgNums, MOST_POPPED));
  const body: Buffer[] = [];
  let [count, bytes, restNum] = [0, 0, 0];
  for (const name of [...retryTopicsOf(topic, group), topic]) {
    for (const id of queueIdsOf(topics, name, name === topic ? queueId : ANY_QUEUE)) {
      restNum += queues.behind(name, group, id);
      const room = config.maxTransferBytesOnMessageInMemory - bytes;
      if (count >= most || room <= 0) continue;
      const offset = Math.max(queues.nextOffset(name, group, id), store.minOffset(name, id));
      const found = await store.getMessage(name, id, offset, most - count, room);
      count += found.count;
      for (const records of found.body) {
        bytes += records.length;
        body.push(records);
      }
    }
  }
  if (count === 0) return { code: ResponseCode.PULL_NOT_FOUND, remark: 'NO_MESSAGE_IN_QUEUE', header: { restNum } };
  return { remark: 'FOUND', header: { restNum }, body };
}

const retryTopicsOf = (topic: string, group: string): string[] => [
  popRetryTopic(topic, group, false),
  popRetryTopic(topic, group, true),
];

function groupRefusal({ groups }: NotificationDeps, name: string): { code: number; remark: string } | undefined {
  const group = groups.findOrCreate(name);
  if (!group) return groupMissing(name);
  if (group.consumeEnable) return undefined;
  return { code: ResponseCode.NO_PERMISSION, remark: `subscription group no permission, ${group.groupName}` };
}
