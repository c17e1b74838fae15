// Defines an order, as it is in the database and in messages.

export type OrderStatus = 'PENDING' | 'PAID' | 'CANCELLED';

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

export const ORDER_TOPIC = 'order';
export const ORDER_CREATED = 'created';
export const ORDER_CANCEL_TOPIC = 'order-cancel';
