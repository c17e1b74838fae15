// Cancels an order that was not paid in time.
import { Logger } from '@nestjs/common';
import { Payload, RocketMQLocalTransactionState, RocketMQMessageListener } from 'nest-rocketmq';
import type { RocketMQListener } from 'nest-rocketmq';
import { ProcessedMessages } from '../idempotency/processed-messages.js';
import type { Outcome } from '../idempotency/processed-messages.js';
import { OrderEvents } from './order-events.js';
import { ORDER_CANCEL_TOPIC } from './order.js';
import type { CancelOrder, Order } from './order.js';
import { OrdersService } from './orders.service.js';

const CONSUMER = 'order-cancel';

@RocketMQMessageListener({ topic: ORDER_CANCEL_TOPIC, consumerGroup: CONSUMER })
export class CancelUnpaidOrder implements RocketMQListener<CancelOrder> {
  private readonly logger = new Logger(CancelUnpaidOrder.name);

  constructor(
    private readonly processed: ProcessedMessages,
    private readonly orders: OrdersService,
    private readonly events: OrderEvents,
  ) {}

  async onMessage(@Payload() { id }: CancelOrder): Promise<void> {
    const outcome = await this.#cancel(id);
    if (!outcome.first) {
      this.logger.log(`order ${id}: its cancel message came again and changes nothing`);
    } else if (outcome.result?.status === 'PENDING') {
      const { quantity, sku } = outcome.result;
      this.logger.log(`order ${id}: not paid in time, cancelled; ${quantity} × ${sku} back in stock`);
    } else {
      this.logger.log(`order ${id}: ${outcome.result?.status ?? 'not there'}, left alone`);
    }
  }

  /** Publishes `order:cancelled` as well, if it is cancelled now. */
  async #cancel(id: string): Promise<Outcome<Order | undefined>> {
    let outcome: Outcome<Order | undefined> = { first: false };
    await this.events.publish('cancelled', { id }, async (message) => {
      // The order's id, not the message's: the cancel message itself may have been sent twice.
      outcome = await this.processed.once(CONSUMER, id, async (transaction) => {
        const order = await this.orders.cancelIfUnpaid(transaction, id);
        if (order?.status === 'PENDING') await this.events.record(transaction, message);
        return order;
      });
      const isCancelled = outcome.first && outcome.result?.status === 'PENDING';
      return isCancelled ? RocketMQLocalTransactionState.COMMIT : RocketMQLocalTransactionState.ROLLBACK;
    });
    return outcome;
  }
}
