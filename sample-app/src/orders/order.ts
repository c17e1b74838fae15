// Defines an order, as it is in the database and in messages.

export type OrderStatus = 'PENDING' | 'PAID' | 'SHIPPED' | 'CANCELLED';

/** The payload of `order:created`. */
export interface NewOrder {
  id: string;
  sku: string;
  quantity: number;
}

export interface Order extends NewOrder {
  status: OrderStatus;
  createdAt: Date;
}

/** The payload of `order-cancel`. */
export interface CancelOrder {
  id: string;
}

/** What happens to an order: the tags of topic `order`. */
export type OrderEventName = 'created' | 'paid' | 'shipped' | 'cancelled';

/** The payload of all messages of topic `order`. */
export interface OrderEvent {
  id: string;
}

export const ORDER_TOPIC = 'order';
export const ORDER_CREATED = 'created';
export const ORDER_CANCEL_TOPIC = 'order-cancel';
