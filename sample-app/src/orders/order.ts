// Defines an order, as it is in the database and in messages, and the topics of these messages.
import { defineTopic } from 'nest-rocketmq';

export type OrderStatus = 'PENDING' | 'PAID' | 'SHIPPED' | 'CANCELLED';

/** The payload of `OrderCreated`. */
export interface NewOrder {
  id: string;
  sku: string;
  quantity: number;
}

export interface Order extends NewOrder {
  status: OrderStatus;
  createdAt: Date;
}

/** The payload of `OrderCancelDue`. */
export interface CancelOrder {
  id: string;
}

/** The payload of what has happened to an order. */
export interface OrderEvent {
  id: string;
}

/** Whatever happens to orders; the tag is the name of the event. */
export const OrderHistory = defineTopic<OrderEvent>('order');
export const OrderCreated = defineTopic<NewOrder>('order:created');
export const OrderPaid = defineTopic<OrderEvent>('order:paid');
export const OrderShipped = defineTopic<OrderEvent>('order:shipped');
export const OrderCancelled = defineTopic<OrderEvent>('order:cancelled');

/** Comes when an order has had its time to be paid. */
export const OrderCancelDue = defineTopic<CancelOrder>('order-cancel');
