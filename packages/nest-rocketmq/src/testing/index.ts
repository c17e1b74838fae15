// The public door of nest-rocketmq/testing.
export { ClockHeldError, ManualClock } from '@nest-rocketmq/remoting';
export type { TurnOptions } from '@nest-rocketmq/remoting';
export { rocketMQTesting } from './rocketmq-testing.js';
export type { RocketMQTesting, TestingOptions } from './rocketmq-testing.js';
export { NotConsumedError } from '../errors.js';
export { consumed, failed } from './consumed.js';
export type { ConsumptionMatch, WaitOptions } from './consumed.js';
export { idempotencyStoreContract } from './idempotency-contract.js';
export type { ContractTest, IdempotencyContractOptions } from './idempotency-contract.js';
