// Serves payments over HTTP.
import { Controller, HttpCode, HttpStatus, Param, Post, UseFilters } from '@nestjs/common';
import { OrderIdPipe } from '../orders/order-id.pipe.js';
import { OutageFilter } from '../outage.filter.js';
import { PaymentsService } from './payments.service.js';
import type { Payment } from './payments.service.js';

@UseFilters(OutageFilter)
@Controller('orders/:id/pay')
export class PaymentsController {
  constructor(private readonly payments: PaymentsService) {}

  @Post()
  @HttpCode(HttpStatus.OK)
  pay(@Param('id', OrderIdPipe) orderId: string): Promise<Payment> {
    return this.payments.pay(orderId);
  }
}
