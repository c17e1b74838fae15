// The public door of nest-rocketmq/testing.
export { ClockHeldError, ManualClock } from '@nest-rocketmq/remoting';
export type { TurnOptions } from '@nest-rocketmq/remoting';
export { RocketMQTesting, rocketMQTesting } from './rocketmq-testing.js';
export type { TestingOptions } from './cluster-under-test.js';
export type { WaitForOptions } from './deliveries.js';
export type { DeliverOptions, DeliveryResult, ListenerChoice } from './deliver.js';
export type { ClusterChoice, SentOptions, TopicChoice, UntypedChoice } from './expectations.js';
export { RocketMQFaults } from './faults.js';
export type { FaultOptions, ResponseCodeName } from './faults.js';
export type { AsymmetricMatcher, Fixed, MessageMatch, PartialDeep } from './matching.js';
export type { PendingEvent } from './pending.js';
export type {
  DeliveredMessage,
  DeliveryMatch,
  DeliveryTarget,
  ListenerClass,
  PayloadOf,
} from './recorded-deliveries.js';
export type { SentMatch, SentMessage } from './recorded-messages.js';
export {
  NotConsumedError,
  NotSentError,
  NothingPendingError,
  TestingNotWiredError,
  UnexpectedMessageError,
} from '../testing-errors.js';
export { RocketMQTemplateFake } from './template-fake.js';
export { consumed, failed } from './consumed.js';
export type { ConsumptionMatch, WaitOptions } from './consumed.js';
export { backendContract } from './backend-contract.js';
export type { BackendContractOptions } from './backend-contract.js';
export { idempotencyStoreContract } from './idempotency-contract.js';
export type { ContractTest, IdempotencyContractOptions } from './idempotency-contract.js';
