// Stores acknowledgements of popped messages, and checkpoints of those whose invisible time was changed.
import { printable } from '@nest-rocketmq/remoting/internal';
import type { Clock, HostPort } from '@nest-rocketmq/remoting/internal';
import type { MessageWriter } from '../message/message-writer.js';
import type { ConsumerOffsets } from '../metadata/offsets.js';
import { ackMessage, checkpointMessage, reviveTimeOf } from './checkpoint.js';
import type { Acknowledgement, Checkpoint } from './checkpoint.js';
import type { BrokerStats } from '../metrics/broker-stats.js';
import type { InFlight } from './in-flight.js';
import type { OrderInfos } from './order-infos.js';
import type { PopHandle } from './pop-handle.js';
import type { PopPolling } from './pop-polling.js';

export interface AcknowledgementDeps {
  messageWriter: MessageWriter;
  offsets: ConsumerOffsets;
  inFlight: InFlight;
  orderInfos: OrderInfos;
  polling: PopPolling;
  stats: BrokerStats;
  clock: Clock;
  storeHost: HostPort;
  reviveTopic: string;
  brokerName: string;
}

/** Where an acknowledged message lies: in the topic itself or in a pop retry topic. */
export interface PoppedPlace {
  readonly topic: string;
  readonly group: string;
  readonly queueId: number;
}

export class Acknowledgements {
  constructor(private readonly deps: AcknowledgementDeps) {}

  /**
   * Resolves when it is stored. One that comes too late, twice, or for what another broker has popped changes nothing, and
   * is no error.
   * @throws PutError
   */
  async acknowledge(place: PoppedPlace, handle: PopHandle, offsets: readonly number[]): Promise<void> {
    const { messageWriter, inFlight, polling, clock, brokerName, reviveTopic, storeHost, stats } = this.deps;
    // As Apache's broker does, which counts those that change nothing, too.
    stats.acknowledged(place.topic, place.group, offsets.length);
    const reviveTime = reviveTimeOf(handle);
    const now = clock.now();
    if (handle.brokerName !== brokerName || reviveTime <= now) return;
    const { startOffset, popTime } = handle;
    const ack: Acknowledgement = { ...place, startOffset, popTime, brokerName, offsets };
    const fresh = inFlight.acknowledge(ack) ?? offsets;
    if (fresh.length === 0) return;
    const stored = { ...ack, offsets: fresh };
    const revivePlace = { topic: reviveTopic, queueId: handle.reviveQueueId, host: storeHost, now };
    try {
      await messageWriter.whenStored(messageWriter.put(ackMessage(stored, reviveTime, revivePlace)));
    } catch (error) {
      inFlight.undo(stored);
      throw error;
    }
    // A pop may have found as many in flight as may be.
    polling.wake(place.topic, place.group, place.queueId);
  }

  /**
   * Makes a message visible `invisibleTime` ms from now, instead of when it would have been.
   * @param suspend whether its next try does not count as one
   * @returns the times that its handle names from now on
   * @throws PutError
   */
  async changeTime(
    place: PoppedPlace,
    handle: PopHandle,
    offset: number,
    invisibleTime: number,
    suspend: boolean,
  ): Promise<{ popTime: number; invisibleTime: number }> {
    const { messageWriter, inFlight, clock, reviveTopic, storeHost, brokerName, stats } = this.deps;
    const now = clock.now();
    // Two handles of one message must differ.
    const popTime = Math.max(now, handle.popTime + 1);
    const left = Math.max(0, now + invisibleTime - popTime);
    const origin = { ...place, startOffset: offset, popTime, brokerName };
    const checkpoint: Checkpoint = { ...origin, invisibleTime: left, offsets: [offset], suspend };
    const revivePlace = { topic: reviveTopic, queueId: handle.reviveQueueId, host: storeHost, now };
    inFlight.add(checkpoint);
    try {
      await messageWriter.whenStored(messageWriter.put(checkpointMessage(checkpoint, revivePlace)));
    } catch (error) {
      inFlight.end(checkpoint);
      throw error;
    }
    stats.checkpoint(place.topic, place.group);
    await this.acknowledge(place, handle, [offset]);
    return { popTime, invisibleTime: left };
  }

  /** @returns what is wrong with it, undefined where nothing is */
  acknowledgeInOrder({ topic, group, queueId }: PoppedPlace, popTime: number, offset: number): string | undefined {
    const { offsets, orderInfos, polling, clock } = this.deps;
    const committed = offsets.query(group, topic, queueId);
    if (offset < committed) return undefined;
    const info = orderInfos.get(topic, group, queueId);
    // The messages were popped again since: an acknowledgement of the first time does not count.
    if (info && info.popTime !== popTime) return undefined;
    if (info && !info.acknowledge(offset))
      return `offset is illegal, key:${printable(topic)}@${printable(group)}@${queueId}, old:${committed}, commit:${offset}`;
    offsets.commit(group, topic, queueId, info?.nextOffset ?? offset + 1);
    orderInfos.changed(topic, group, queueId);
    if (info?.blockedUntil(clock.now()) === undefined) polling.wake(topic, group, queueId);
    return undefined;
  }

  /** @returns when the message becomes visible, ms since the epoch; undefined where it is acknowledged already */
  changeTimeInOrder(
    { topic, group, queueId }: PoppedPlace,
    popTime: number,
    offset: number,
    invisibleTime: number,
  ): number | undefined {
    const { offsets, orderInfos, clock } = this.deps;
    if (offset < offsets.query(group, topic, queueId)) return undefined;
    const visibleAt = clock.now() + invisibleTime;
    const info = orderInfos.get(topic, group, queueId);
    if (info?.popTime === popTime) {
      info.makeVisibleAt(offset, visibleAt);
      orderInfos.changed(topic, group, queueId);
    }
    return visibleAt;
  }
}
