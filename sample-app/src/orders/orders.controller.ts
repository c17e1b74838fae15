// Serves orders over HTTP.
import { Body, Controller, Get, HttpCode, HttpStatus, Param, Post, UseFilters, UsePipes } from '@nestjs/common';
import { OutageFilter } from '../outage.filter.js';
import { RequestValidation } from '../validation.js';
import { CreateOrderDto } from './create-order.dto.js';
import type { Order } from './order.js';
import { OrderIdPipe } from './order-id.pipe.js';
import { OrdersService } from './orders.service.js';
import type { TimelineEntry } from './timeline.repository.js';

@UseFilters(OutageFilter)
@UsePipes(RequestValidation)
@Controller('orders')
export class OrdersController {
  constructor(private readonly orders: OrdersService) {}

  @Post()
  place(@Body() order: CreateOrderDto): Promise<Order> {
    return this.orders.place(order);
  }

  @Get(':id')
  get(@Param('id', OrderIdPipe) id: string): Promise<Order> {
    return this.orders.get(id);
  }

  @Get(':id/timeline')
  timeline(@Param('id', OrderIdPipe) id: string): Promise<TimelineEntry[]> {
    return this.orders.timelineOf(id);
  }

  @Post(':id/ship')
  @HttpCode(HttpStatus.OK)
  ship(@Param('id', OrderIdPipe) id: string): Promise<Order> {
    return this.orders.ship(id);
  }
}
