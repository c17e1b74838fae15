// Serves payments over HTTP.
import { Controller, HttpCode, HttpStatus, Param, ParseUUIDPipe, Post } from '@nestjs/common';
import { PaymentsService } from './payments.service.js';
import type { Payment } from './payments.service.js';

@Controller('orders/:id/pay')
export class PaymentsController {
  constructor(private readonly payments: PaymentsService) {}

  @Post()
  @HttpCode(HttpStatus.OK)
  pay(@Param('id', ParseUUIDPipe) orderId: string): Promise<Payment> {
    return this.payments.pay(orderId);
  }
}
