// Defines an order, as it is in the database and in messages, and the topics of these messages.
import { IsInt, IsUUID, Min } from 'class-validator';
import { defineTopic } from 'nest-rocketmq';
import { IsSku } from '../stock/sku.js';

export type OrderStatus = 'PENDING' | 'PAID' | 'SHIPPED' | 'CANCELLED';

/** The payload of what has happened to an order. */
export class OrderEvent {
  @IsUUID()
  id!: string;
}

/** The payload of `OrderCreated`. */
export class NewOrder extends OrderEvent {
  @IsSku()
  sku!: string;

  @IsInt()
  @Min(1)
  quantity!: number;
}

/** The payload of `OrderCancelDue`. */
export class CancelOrder {
  @IsUUID()
  id!: string;
}

export interface Order extends NewOrder {
  status: OrderStatus;
  createdAt: Date;
}

/** Whatever happens to orders; the tag is the name of the event. */
export const OrderHistory = defineTopic<OrderEvent>('order');
export const OrderCreated = defineTopic<NewOrder>('order:created');
export const OrderPaid = defineTopic<OrderEvent>('order:paid');
export const OrderShipped = defineTopic<OrderEvent>('order:shipped');
export const OrderCancelled = defineTopic<OrderEvent>('order:cancelled');

/** Comes when an order has had its time to be paid. */
export const OrderCancelDue = defineTopic<CancelOrder>('order-cancel');
