// The public door of nest-rocketmq/terminus.
export { RocketMQHealthIndicator } from './rocketmq-health-indicator.js';
export type { RocketMQHealthDetails } from './rocketmq-health-indicator.js';
export { RocketMQHealth } from '../health/rocketmq-health.js';
export type { GroupHealth, HealthOptions, HealthReport } from '../health/health-options.js';
export type { RocketMQStatus } from '../connection-status.js';
