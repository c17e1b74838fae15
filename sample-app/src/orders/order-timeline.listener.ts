// Keeps the timeline of each order: its events in the order in which they happened.
import { Logger } from '@nestjs/common';
import { Payload, RocketMQContext, RocketMQMessageListener } from 'nest-rocketmq';
import type { RocketMQListener } from 'nest-rocketmq';
import { ProcessedMessages } from '../idempotency/processed-messages.js';
import { ORDER_TOPIC } from './order.js';
import type { OrderEvent } from './order.js';
import { TimelineRepository } from './timeline.repository.js';

const CONSUMER = 'order-timeline';

/**
 * ORDERLY: if an event fails, those behind it in its queue wait while it is tried again. Without `maxReconsumeTimes` that has
 * no end, and one event that always fails would stop its queue for good. So it goes to the dead letters after 16 more tries.
 */
@RocketMQMessageListener({
  topic: ORDER_TOPIC,
  consumerGroup: CONSUMER,
  consumeMode: 'ORDERLY',
  maxReconsumeTimes: 16,
})
export class OrderTimeline implements RocketMQListener<OrderEvent> {
  private readonly logger = new Logger(OrderTimeline.name);

  constructor(
    private readonly processed: ProcessedMessages,
    private readonly timeline: TimelineRepository,
  ) {}

  async onMessage(@Payload() { id }: OrderEvent, context: RocketMQContext): Promise<void> {
    const name = context.tags ?? 'unknown';
    const { first } = await this.processed.once(CONSUMER, `${id} ${name}`, (transaction) =>
      this.timeline.add(transaction, id, { event: name, at: new Date(context.bornTimestamp) }),
    );
    if (first) this.logger.log(`order ${id}: ${name}`);
  }
}
