// Decides whether a pop is refused, and at which queues it looks.
import { Permission, ResponseCode, popRetryTopic, printable } from '@nest-rocketmq/remoting/internal';
import type { Clock, HeaderOf, Requests } from '@nest-rocketmq/remoting/internal';
import type { Groups } from '../metadata/groups.js';
import type { Topics } from '../metadata/topics.js';
import { MOST_POPPED } from './checkpoint.js';
import { ANY_QUEUE } from './pop-polling.js';

/** A pop that is older than its longest wait and this has been given up by its client, ms. As in Apache's broker. */
const TOO_LATE_MS = 500;
/** A pop is answered so long before its client stops waiting, ms. As in Apache's broker. */
const ANSWER_EARLY_MS = 50;

export interface PopCheckDeps {
  topics: Topics;
  groups: Groups;
  clock: Clock;
  config: {
    brokerPermission: number;
    timerWheelEnable: boolean;
    timerMaxDelaySec: number;
    enableRetryTopicV2: boolean;
  };
}

interface Refusal {
  code: number;
  remark: string;
}

/** The queues that a pop looks at, from one on that is drawn by lot. */
export function queueIdsOf(topics: Topics, topic: string, queueId: number, lot = 0): number[] {
  if (queueId > ANY_QUEUE) return [queueId];
  const count = topics.get(topic)?.readQueueNums ?? 0;
  return Array.from({ length: count }, (_, i) => (lot + i) % count);
}

/** When a client began to wait, ms since the epoch. As in Apache's broker, 0 means: when its request came. */
const bornAt = ({ bornTime }: { bornTime: number }, now: number): number => (bornTime === 0 ? now : bornTime);

/**
 * Until when a request may be held, ms since the epoch; not after `now` where it may not. Call it once, when the request
 * comes: called again at each wake-up, it would let a request without a bornTime wait for ever.
 */
export function heldUntil(
  header: { bornTime: number; pollTime: number },
  now: number,
  { maxSuspendTimeMillis }: { maxSuspendTimeMillis: number },
): number {
  if (header.pollTime <= 0) return now;
  return Math.min(bornAt(header, now) + header.pollTime - ANSWER_EARLY_MS, now + maxSuspendTimeMillis);
}

/** Why a pop is refused; undefined where it is not. In the order in which Apache checks. */
export function popRefusal(deps: PopCheckDeps, header: HeaderOf<typeof Requests.POP_MESSAGE>): Refusal | undefined {
  const { clock, config, topics, groups } = deps;
  const { pollTime, maxMsgNums, invisibleTime, consumerGroup } = header;
  const now = clock.now();
  if (now - bornAt(header, now) - pollTime > TOO_LATE_MS)
    return no(ResponseCode.POLLING_TIMEOUT, 'the pop is older than the time that its client waits');
  if (maxMsgNums > MOST_POPPED || maxMsgNums < 1)
    return no(ResponseCode.INVALID_PARAMETER, `a pop is for 1 to ${MOST_POPPED} messages, not for ${maxMsgNums}`);
  if (!config.timerWheelEnable)
    return no(ResponseCode.SYSTEM_ERROR, 'pop message is forbidden because timerWheelEnable is false');
  const longest = config.timerMaxDelaySec * 1_000;
  if (invisibleTime < 0 || invisibleTime > longest)
    return no(
      ResponseCode.INVALID_PARAMETER,
      `invisibleTime ${invisibleTime} is not within 0 to ${longest} ms, timerMaxDelaySec`,
    );
  const refusal = queueRefusal(deps, header);
  if (refusal) return refusal;
  const group = groups.findOrCreate(consumerGroup);
  if (!group) return groupMissing(consumerGroup);
  if (!group.consumeEnable)
    return no(ResponseCode.NO_PERMISSION, `subscription group no permission, ${printable(consumerGroup)}`);
  // What is popped must find its place later.
  if (!header.order) topics.requireRoomFor(popRetryTopic(header.topic, consumerGroup, config.enableRetryTopicV2));
  return undefined;
}

/** Why a queue cannot be popped or looked at; undefined where it can. */
export function queueRefusal(
  { topics, config }: { topics: Topics; config: { brokerPermission: number } },
  header: { topic: string; queueId: number },
): Refusal | undefined {
  if (!(config.brokerPermission & Permission.READ))
    return no(ResponseCode.NO_PERMISSION, 'the broker popping message is forbidden');
  const topic = topics.get(header.topic);
  if (!topic)
    return no(ResponseCode.TOPIC_NOT_EXIST, `topic[${printable(header.topic)}] not exist, apply first please!`);
  if (!(topic.perm & Permission.READ))
    return no(ResponseCode.NO_PERMISSION, `the topic[${topic.topicName}] peeking message is forbidden`);
  if (header.queueId < topic.readQueueNums) return undefined;
  const remark = `queueId[${header.queueId}] is illegal, topic:[${topic.topicName}] topicConfig.readQueueNums:[${topic.readQueueNums}]`;
  return no(ResponseCode.INVALID_PARAMETER, remark);
}

export const groupMissing = (group: string): Refusal =>
  no(ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST, `subscription group [${printable(group)}] does not exist`);

const no = (code: number, remark: string): Refusal => ({ code, remark });
