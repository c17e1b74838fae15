// The public door of nest-rocketmq/cqrs.

export { RocketMQCqrsModule } from './rocketmq-cqrs.module.js';
export { RocketMQPublisher } from './rocketmq-publisher.js';
export { eventTo } from './event-options.js';
export type { EventOptions, RocketMQCqrsOptions } from './event-options.js';
export type { Destination } from '../message/destination.js';
export type { SendOptions } from '../template/send-options.js';
