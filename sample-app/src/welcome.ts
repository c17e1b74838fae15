// Prints what a person who starts the app needs to know.
import type { AppConfig } from './config.js';

export function welcome(url: string, config: AppConfig): string {
  return `
The order service listens on ${url}
An order that is not paid within ${config.orderCancelAfter} is cancelled. To watch it: ORDER_CANCEL_AFTER=7s npm start

Try:
  curl -X POST ${url}/orders -H 'content-type: application/json' -d '{"sku":"coffee","quantity":2}'
  curl ${url}/orders/ID          (the id that the first answered)
  curl -X POST ${url}/orders/ID/pay
  curl -X POST ${url}/orders/ID/ship
  curl ${url}/orders/ID/timeline (created, paid, shipped or cancelled)
  curl ${url}/stock/coffee

`;
}
