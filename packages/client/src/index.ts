// The public door of @nest-rocketmq/client.
export { RocketMQClient } from './client.js';
export type { Admin, CreateTopicOptions, QueryMessageOptions } from './admin.js';
export { MQClientError } from './client-error.js';
export type { ClientErrorCode } from './client-error.js';
export type { ClientOptions } from './config/options.js';
export {
  BrokerNotFoundError,
  DelayNotSupportedError,
  DelayTooLongError,
  GroupInUseError,
  InvalidMessageError,
  InvalidNameError,
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
export {
  ConnectError,
  ConnectionClosedError,
  InvalidOptionError,
  NotRunningError,
  RequestTimeoutError,
  ResponseError,
  RocketMQError,
} from '@nest-rocketmq/remoting';
export type {
  Clock,
  ClusterInfo,
  Dial,
  Logger,
  MessageExt,
  MessageQueue,
  TopicRouteData,
} from '@nest-rocketmq/remoting';
export type { Producer } from './producer/producer.js';
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
export type { PushConsumer } from './consumer/push-consumer.js';
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
