// Sends the cancel message of every new order. It is sent here and not in the HTTP request: a crash between the two would
// lose it, while this event is redelivered until the cancel message is stored.
import { Logger, UsePipes } from '@nestjs/common';
import { Payload, RocketMQMessageListener, RocketMQTemplate } from 'nest-rocketmq';
import type { RocketMQListener } from 'nest-rocketmq';
import { AppConfig } from '../config.js';
import { MessageValidation } from '../validation.js';
import { NewOrder, OrderCancelDue, OrderCreated } from './order.js';

@RocketMQMessageListener({ topic: OrderCreated, consumerGroup: 'order-schedule-cancel' })
export class ScheduleCancel implements RocketMQListener<NewOrder> {
  private readonly logger = new Logger(ScheduleCancel.name);

  constructor(
    private readonly rocketmq: RocketMQTemplate,
    private readonly config: AppConfig,
  ) {}

  @UsePipes(MessageValidation)
  async onMessage(@Payload() { id, sku, quantity }: NewOrder): Promise<void> {
    const delay = this.config.orderCancelAfter;
    await this.rocketmq.send(OrderCancelDue, { id }, { delay, keys: id });
    this.logger.log(`order ${id}: ${quantity} × ${sku}, will be cancelled in ${delay} unless it is paid`);
  }
}
