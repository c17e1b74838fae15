// The public door of nest-rocketmq/microservices.

export { ROCKETMQ_TRANSPORT, RocketMQServer } from './rocketmq-server.js';
export type { RocketMQServerEvents, RocketMQServerOptions } from './rocketmq-server.js';
export { RocketMQClientProxy } from './rocketmq-client-proxy.js';
export type { RocketMQClientOptions } from './rocketmq-client-proxy.js';
export { RocketMQRecord, RocketMQRecordBuilder } from './rocketmq-record.js';
export type { RocketMQRecordOptions } from './rocketmq-record.js';
export type { RocketMQPatternOptions } from './pattern-handlers.js';
export type { RocketMQStatus } from './own-connection.js';
