// Keeps the timeline of each order: its events in the order in which they happened.
import { Logger, UsePipes } from '@nestjs/common';
import { Payload, RocketMQContext, RocketMQMessageListener } from 'nest-rocketmq';
import type { RocketMQListener } from 'nest-rocketmq';
import { Idempotent, RocketMQIdempotency } from 'nest-rocketmq/idempotency';
import { Database } from '../database/database.js';
import { MessageValidation } from '../validation.js';
import { OrderEvent, OrderHistory } from './order.js';
import { TimelineRepository } from './timeline.repository.js';

const CONSUMER = 'order-timeline';

/** The tag of an event is its name. */
const nameOf = ({ tags }: RocketMQContext): string => tags ?? 'unknown';

/**
 * ORDERLY: if an event fails, those behind it in its queue wait while it is tried again. Without `maxReconsumeTimes` that has
 * no end, and one event that always fails would stop its queue for good. So it goes to the dead letters after 16 more tries.
 */
@Idempotent<OrderEvent>({
  mode: 'transactional',
  scope: CONSUMER,
  key: ({ id }, context) => `${id} ${nameOf(context)}`,
})
@RocketMQMessageListener({
  topic: OrderHistory,
  consumerGroup: CONSUMER,
  consumeMode: 'ORDERLY',
  maxReconsumeTimes: 16,
})
export class OrderTimeline implements RocketMQListener<OrderEvent> {
  private readonly logger = new Logger(OrderTimeline.name);

  constructor(
    private readonly database: Database,
    private readonly idempotency: RocketMQIdempotency,
    private readonly timeline: TimelineRepository,
  ) {}

  @UsePipes(MessageValidation)
  async onMessage(@Payload() { id }: OrderEvent, context: RocketMQContext): Promise<void> {
    const event = nameOf(context);
    await this.database.transaction(async (transaction) => {
      await this.idempotency.claimIn(transaction, context);
      await this.timeline.add(transaction, id, { event, at: new Date(context.bornTimestamp) });
    });
    this.logger.log(`order ${id}: ${event}`);
  }
}
