// The public door of the package.
export { RocketMQClient } from './client.js';
export { Admin } from './admin.js';
export type { CreateTopicOptions, QueryMessageOptions } from './admin.js';
export type { ClientOptions } from './config/options.js';
export {
  BrokerNotFoundError,
  GroupInUseError,
  InvalidMessageError,
  InvalidNameError,
  MQClientError,
  MessageTooLargeError,
  NameServerUnreachableError,
  NoBrokerError,
  SendFailedError,
  SubscriptionRefusedError,
  TooManySendsError,
  TopicNotFoundError,
} from './errors.js';
export type { SendFailure } from './errors.js';
export { NotARequestError, ReplyTimeoutError, RequesterGoneError, TooManyRequestsError } from './replies/errors.js';
export type { RequestCounts } from './replies/pending-replies.js';
export { InvalidOptionError, NotRunningError } from '@nest-rocketmq/remoting/internal';
export { Producer } from './producer/producer.js';
export { isRequest } from './producer/reply.js';
export type {
  AskOptions,
  LocalTransactionState,
  OutgoingMessage,
  ProducerOptions,
  ReplyOptions,
  SendOptions,
  SendResult,
  SendStatus,
  TransactionListener,
  TransactionSendResult,
} from './producer/producer-options.js';
export { LitePullConsumer } from './consumer/lite-pull-consumer.js';
export type { LitePullConsumerOptions } from './consumer/lite-pull-options.js';
export type { AssignmentListener } from './consumer/lite-pull-parts.js';
export type { PollOptions } from './consumer/lite-pull-reader.js';
export type { TopicQueuesListener } from './consumer/topic-queues-listener.js';
export {
  CommitFailedError,
  PollInProgressError,
  QueueNotAssignedError,
  SeekOutOfRangeError,
  SubscriptionConflictError,
} from './consumer/lite-pull-errors.js';
export type { QueueOffset } from './groups/group-registry.js';
export { PushConsumer } from './consumer/push-consumer.js';
export type {
  ConsumeContext,
  ConsumeFromWhere,
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
