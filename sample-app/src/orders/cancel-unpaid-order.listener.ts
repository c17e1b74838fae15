// Cancels an order that was not paid in time.
import { Logger, UsePipes } from '@nestjs/common';
import { Payload, RocketMQContext, RocketMQLocalTransactionState, RocketMQMessageListener } from 'nest-rocketmq';
import type { RocketMQListener } from 'nest-rocketmq';
import { Idempotent, RocketMQIdempotency } from 'nest-rocketmq/idempotency';
import { Database } from '../database/database.js';
import { MessageValidation } from '../validation.js';
import { OrderEvents } from './order-events.js';
import { CancelOrder, OrderCancelDue, OrderCancelled } from './order.js';
import type { Order } from './order.js';
import { OrdersService } from './orders.service.js';

const CONSUMER = 'order-cancel';
const logger = new Logger('CancelUnpaidOrder');

/** Once for each order, and not for each message: the cancel message itself may have been sent twice. */
@Idempotent<CancelOrder>({
  mode: 'transactional',
  scope: CONSUMER,
  key: ({ id }) => id,
  onDuplicate: ({ id }) => logger.log(`order ${id}: its cancel message came again and changes nothing`),
})
@RocketMQMessageListener({ topic: OrderCancelDue, consumerGroup: CONSUMER })
export class CancelUnpaidOrder implements RocketMQListener<CancelOrder> {
  constructor(
    private readonly database: Database,
    private readonly idempotency: RocketMQIdempotency,
    private readonly orders: OrdersService,
    private readonly events: OrderEvents,
  ) {}

  @UsePipes(MessageValidation)
  async onMessage(@Payload() { id }: CancelOrder, context: RocketMQContext): Promise<void> {
    const order = await this.#cancel(id, context);
    if (order.status === 'PENDING') {
      logger.log(`order ${id}: not paid in time, cancelled; ${order.quantity} × ${order.sku} back in stock`);
    } else {
      logger.log(`order ${id}: ${order.status}, left alone`);
    }
  }

  /** Publishes `order:cancelled` as well, if it is cancelled now. Returns the order as it was found. */
  async #cancel(id: string, context: RocketMQContext): Promise<Order> {
    let order!: Order;
    await this.events.publish(OrderCancelled, { id }, async (message) => {
      order = await this.database.transaction(async (transaction) => {
        await this.idempotency.claimIn(transaction, context);
        const found = await this.orders.cancelIfUnpaid(transaction, id);
        if (found.status === 'PENDING') await this.events.record(transaction, message);
        return found;
      });
      return order.status === 'PENDING' ? RocketMQLocalTransactionState.COMMIT : RocketMQLocalTransactionState.ROLLBACK;
    });
    return order;
  }
}
