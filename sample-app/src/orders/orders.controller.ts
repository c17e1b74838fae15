// Serves orders over HTTP.
import { Body, Controller, Get, HttpCode, HttpStatus, Param, ParseUUIDPipe, Post } from '@nestjs/common';
import { CreateOrderDto } from './create-order.dto.js';
import type { Order } from './order.js';
import { OrdersService } from './orders.service.js';
import type { TimelineEntry } from './timeline.repository.js';

@Controller('orders')
export class OrdersController {
  constructor(private readonly orders: OrdersService) {}

  @Post()
  place(@Body() order: CreateOrderDto): Promise<Order> {
    return this.orders.place(order);
  }

  @Get(':id')
  get(@Param('id', ParseUUIDPipe) id: string): Promise<Order> {
    return this.orders.get(id);
  }

  @Get(':id/timeline')
  timeline(@Param('id', ParseUUIDPipe) id: string): Promise<TimelineEntry[]> {
    return this.orders.timelineOf(id);
  }

  @Post(':id/ship')
  @HttpCode(HttpStatus.OK)
  ship(@Param('id', ParseUUIDPipe) id: string): Promise<Order> {
    return this.orders.ship(id);
  }
}
