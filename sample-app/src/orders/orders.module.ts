// Assembles the orders module.
import { Module } from '@nestjs/common';
import { StockModule } from '../stock/stock.module.js';
import { CancelUnpaidOrder } from './cancel-unpaid-order.listener.js';
import { OrderEvents } from './order-events.js';
import { OrderTimeline } from './order-timeline.listener.js';
import { OrdersController } from './orders.controller.js';
import { OrdersRepository } from './orders.repository.js';
import { OrdersService } from './orders.service.js';
import { ScheduleCancel } from './schedule-cancel.listener.js';
import { TimelineRepository } from './timeline.repository.js';

@Module({
  imports: [StockModule],
  controllers: [OrdersController],
  providers: [
    OrdersService,
    OrdersRepository,
    OrderEvents,
    TimelineRepository,
    OrderTimeline,
    ScheduleCancel,
    CancelUnpaidOrder,
  ],
  exports: [OrdersRepository, OrderEvents],
})
export class OrdersModule {}
