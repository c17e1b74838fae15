// Cancels an order that was not paid in time.
import { Logger } from '@nestjs/common';
import { Payload, RocketMQMessageListener } from 'nest-rocketmq';
import type { RocketMQListener } from 'nest-rocketmq';
import { ProcessedMessages } from '../idempotency/processed-messages.js';
import { ORDER_CANCEL_TOPIC } from './order.js';
import type { CancelOrder } from './order.js';
import { OrdersService } from './orders.service.js';

const CONSUMER = 'order-cancel';

@RocketMQMessageListener({ topic: ORDER_CANCEL_TOPIC, consumerGroup: CONSUMER })
export class CancelUnpaidOrder implements RocketMQListener<CancelOrder> {
  private readonly logger = new Logger(CancelUnpaidOrder.name);

  constructor(
    private readonly processed: ProcessedMessages,
    private readonly orders: OrdersService,
  ) {}

  async onMessage(@Payload() { id }: CancelOrder): Promise<void> {
    // The order's id, not the message's: the cancel message itself may have been sent twice.
    const outcome = await this.processed.once(CONSUMER, id, (transaction) =>
      this.orders.cancelIfUnpaid(transaction, id),
    );
    if (!outcome.first) {
      this.logger.log(`order ${id}: its cancel message came again and changes nothing`);
    } else if (outcome.result?.status === 'PENDING') {
      const { quantity, sku } = outcome.result;
      this.logger.log(`order ${id}: not paid in time, cancelled; ${quantity} × ${sku} back in stock`);
    } else {
      this.logger.log(`order ${id}: ${outcome.result?.status ?? 'not there'}, left alone`);
    }
  }
}
