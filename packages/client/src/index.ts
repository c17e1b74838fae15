// The public door of the package.
export { RocketMQClient } from './client.js';
export { Admin } from './admin.js';
export type { CreateTopicOptions, QueryMessageOptions } from './admin.js';
export type { ClientOptions } from './config/options.js';
export {
  BrokerNotFoundError,
  DelayNotSupportedError,
  DelayTooLongError,
  GroupInUseError,
  InvalidMessageError,
  InvalidNameError,
  MQClientError,
  MessageTooLargeError,
  NameServerUnreachableError,
  NoBrokerError,
  RecallFailedError,
  SendFailedError,
  SubscriptionRefusedError,
  TooManySendsError,
  TopicNotFoundError,
  TransactionEndedError,
  TransactionNotBegunError,
} from './errors.js';
export type { RecallFailure, SendFailure } from './errors.js';
export { InvalidOptionError, NotRunningError } from '@nest-rocketmq/remoting/internal';
export { Producer } from './producer/producer.js';
export type {
  LocalTransactionState,
  OutgoingMessage,
  ProducerOptions,
  SendOptions,
  SendResult,
  SendStatus,
  Transaction,
  TransactionListener,
  TransactionSendResult,
} from './producer/producer-options.js';
export { PushConsumer } from './consumer/push-consumer.js';
export type {
  ConsumeContext,
  ConsumeFromWhere,
  ConsumeMode,
  ConsumeResult,
  ExpressionType,
  MessageListener,
  MessageModel,
  PushConsumerOptions,
  Subscription,
} from './consumer/consumer-options.js';
export {
  allocateAveragely,
  allocateAveragelyByCircle,
  allocateByConfig,
  allocateByConsistentHash,
} from './consumer/allocate.js';
export type { AllocateMessageQueueStrategy } from './consumer/allocate.js';
