// Answers acknowledgements of popped messages, single and in batches, and requests to change how long one is invisible.
import {
  RequestRefusedError,
  ResponseCode,
  decodeBatchAck,
  popRetryTopic,
  printable,
} from '@nest-rocketmq/remoting/internal';
import type { Answer, BatchAck, Handlers, HeaderOf, Requests } from '@nest-rocketmq/remoting/internal';
import type { Groups } from '../metadata/groups.js';
import { REVIVE_QUEUES } from '../metadata/topics.js';
import type { Topics } from '../metadata/topics.js';
import type { MessageStore } from '../store/store.js';
import type { Acknowledgements, PoppedPlace } from './acknowledgements.js';
import { groupMissing } from './pop-checks.js';
import { POP_ORDER_REVIVE_QUEUE, isOrderly, parseHandle } from './pop-handle.js';

export interface AckDeps {
  acknowledgements: Acknowledgements;
  store: MessageStore;
  topics: Topics;
  groups: Groups;
  config: { timerMaxDelaySec: number; maxBatchAcks: number };
}

type Ack = typeof Requests.ACK_MESSAGE;
type Change = typeof Requests.CHANGE_MESSAGE_INVISIBLETIME;
type BatchAckRow = typeof Requests.BATCH_ACK_MESSAGE;

export function ackHandlers(
  deps: AckDeps,
): Pick<Handlers<'broker'>, 'ACK_MESSAGE' | 'BATCH_ACK_MESSAGE' | 'CHANGE_MESSAGE_INVISIBLETIME'> {
  return {
    ACK_MESSAGE: ({ header }) => acknowledge(deps, header),
    BATCH_ACK_MESSAGE: ({ body }) => acknowledgeBatch(deps, body),
    CHANGE_MESSAGE_INVISIBLETIME: ({ header }) => changeTime(deps, header),
  };
}

async function acknowledge(deps: AckDeps, header: HeaderOf<Ack>): Promise<Answer<Ack>> {
  const { acknowledgements, store } = deps;
  const { topic, queueId, offset, extraInfo, consumerGroup: group } = header;
  const refusal = placeRefusal(deps, header);
  if (refusal) return refusal;
  const [first, end] = [store.minOffset(topic, queueId), store.maxOffset(topic, queueId)];
  if (offset < first || offset > end) {
    const remark = `offset is illegal, key:${topic}@${queueId}, commit:${offset}, store:${first}~${end}`;
    return { code: ResponseCode.NO_MESSAGE, remark };
  }
  const handle = parseHandle(extraInfo, REVIVE_QUEUES);
  const place = { topic, group, queueId };
  if (isOrderly(handle)) {
    const fault = acknowledgements.acknowledgeInOrder(place, handle.popTime, offset);
    return fault === undefined ? {} : { code: ResponseCode.MESSAGE_ILLEGAL, remark: fault };
  }
  await acknowledgements.acknowledge(place, handle, [offset]);
  return {};
}

async function acknowledgeBatch(deps: AckDeps, body: Buffer): Promise<Answer<BatchAckRow>> {
  const { brokerName, acks } = body.length > 0 ? decodeBatchAck(body) : { brokerName: '', acks: [] };
  if (acks.length === 0) return { code: ResponseCode.NO_MESSAGE };
  let room = deps.config.maxBatchAcks;
  const faults: string[] = [];
  // Read before anything is acknowledged: a batch is refused as a whole.
  const wanted = acks.map((ack) => {
    const offsets = offsetsOf(ack, room);
    room -= offsets.length;
    return { ack, place: placeOf(ack), offsets };
  });
  // As in Apache's broker, entries of queues that do not exist are ignored.
  const ofPops = wanted.filter(
    ({ place }) => placeRefusal(deps, { ...place, consumerGroup: place.group }) === undefined,
  );
  const done = ofPops.map(({ ack, place, offsets }) => acknowledgeOne(deps, ack, brokerName, place, offsets, faults));
  await Promise.all(done);
  return faults.length > 0 ? { code: ResponseCode.MESSAGE_ILLEGAL, remark: faults[0] } : {};
}

async function acknowledgeOne(
  { acknowledgements, store }: AckDeps,
  ack: BatchAck,
  brokerName: string,
  place: PoppedPlace,
  given: readonly number[],
  faults: string[],
): Promise<void> {
  const { topic, queueId } = place;
  const [first, end] = [store.minOffset(topic, queueId), store.maxOffset(topic, queueId)];
  const offsets = given.filter((offset) => offset >= first && offset <= end);
  if (offsets.length === 0) return;
  if (ack.reviveQueueId === POP_ORDER_REVIVE_QUEUE) {
    for (const offset of offsets) {
      const fault = acknowledgements.acknowledgeInOrder(place, ack.popTime, offset);
      if (fault !== undefined) faults.push(fault);
    }
    return;
  }
  await acknowledgements.acknowledge(place, { ...ack, brokerName }, offsets);
}

/** @throws RequestRefusedError where the entry is of no pop of this broker */
function placeOf({ topic, consumerGroup: group, retry, queueId, reviveQueueId }: BatchAck): PoppedPlace {
  const whole = Number.isSafeInteger(queueId) && queueId >= 0 && Number.isSafeInteger(reviveQueueId);
  const known = reviveQueueId === POP_ORDER_REVIVE_QUEUE || (reviveQueueId >= 0 && reviveQueueId < REVIVE_QUEUES);
  if (!whole || !known || !['0', '1', '2'].includes(retry)) {
    const remark = `an entry of the batch is no handle of popped messages: retry ${printable(retry)}, queue ${queueId}, revive queue ${reviveQueueId}`;
    throw new RequestRefusedError(ResponseCode.SYSTEM_ERROR, remark);
  }
  return { topic: retry === '0' ? topic : popRetryTopic(topic, group, retry === '2'), group, queueId };
}

/** @throws RequestRefusedError where there are more than `most` */
function offsetsOf({ bits, startOffset }: BatchAck, most: number): number[] {
  const offsets: number[] = [];
  for (const [at, byte] of bits.entries()) {
    for (let bit = 0; byte !== 0 && bit < 8; bit++) if (byte & (1 << bit)) offsets.push(startOffset + at * 8 + bit);
    if (offsets.length > most)
      throw new RequestRefusedError(
        ResponseCode.INVALID_PARAMETER,
        'a batch acknowledges more messages than maxBatchAcks',
      );
  }
  return offsets;
}

async function changeTime(deps: AckDeps, header: HeaderOf<Change>): Promise<Answer<Change>> {
  const { acknowledgements, store, config } = deps;
  const { topic, queueId, offset, extraInfo, consumerGroup: group, invisibleTime } = header;
  const refusal = placeRefusal(deps, header);
  if (refusal) return refusal;
  if (offset < store.minOffset(topic, queueId) || offset >= store.maxOffset(topic, queueId))
    return { code: ResponseCode.NO_MESSAGE };
  const longest = config.timerMaxDelaySec * 1_000;
  if (invisibleTime < 0 || invisibleTime > longest) {
    const remark = `invisibleTime ${invisibleTime} is not within 0 to ${longest} ms, timerMaxDelaySec`;
    return { code: ResponseCode.INVALID_PARAMETER, remark };
  }
  const handle = parseHandle(extraInfo, REVIVE_QUEUES);
  const place = { topic, group, queueId };
  const reviveQid = handle.reviveQueueId;
  if (isOrderly(handle)) {
    const { popTime } = handle;
    const visibleAt = acknowledgements.changeTimeInOrder(place, popTime, offset, invisibleTime);
    return visibleAt === undefined ? {} : { header: { popTime, invisibleTime: visibleAt - popTime, reviveQid } };
  }
  const times = await acknowledgements.changeTime(place, handle, offset, invisibleTime, header.suspend ?? false);
  return { header: { ...times, reviveQid } };
}

/** Only what exists can have been popped: a peer must not make the broker keep offsets of names that it makes up. */
function placeRefusal(
  { topics, groups }: AckDeps,
  { topic, queueId, consumerGroup }: { topic: string; queueId: number; consumerGroup: string },
): { code: number; remark: string } | undefined {
  const config = topics.get(topic);
  if (!config) {
    const remark = `topic[${printable(topic)}] not exist, apply first please!`;
    return { code: ResponseCode.TOPIC_NOT_EXIST, remark };
  }
  if (queueId < 0 || queueId >= config.readQueueNums) {
    const remark = `queueId[${queueId}] is illegal, topic:[${topic}] topicConfig.readQueueNums:[${config.readQueueNums}]`;
    return { code: ResponseCode.MESSAGE_ILLEGAL, remark };
  }
  // A group that a kill has lost is created again, as by a pop.
  return groups.findOrCreate(consumerGroup) ? undefined : groupMissing(consumerGroup);
}
