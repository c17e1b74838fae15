// The public door of @nest-rocketmq/client.
export { RocketMQClient } from './client.js';
export type { Admin, QueryMessageOptions } from './admin/admin.js';
export type { BrokerTopic, CreateTopicOptions } from './admin/topic-config.js';
export type { ResetOffset, ResetOffsetOptions } from './admin/reset-offsets.js';
export type { DeadLetter } from './dead-letters/dead-letter.js';
export { DeadLettersNotReadableError } from './dead-letters/errors.js';
export type {
  DeadLetters,
  ListDeadLettersOptions,
  Replay,
  ReplayDeadLettersOptions,
} from './dead-letters/dead-letters.js';
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
export { NotARequestError, ReplyTimeoutError, RequesterGoneError, TooManyRequestsError } from './replies/errors.js';
export type { DroppedReply, DroppedReplyKind, RequestCounts } from './replies/pending-replies.js';
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
export { InvalidListenerResultError } from './consumer/listener-errors.js';
export { LocalOffsetStoreError, TooManyConsumersError } from './consumer/local-offset-errors.js';
export { Outcome } from './consumer/outcome.js';
export type { OutcomeKind } from './consumer/outcome.js';
export { BatchSendFailedError, SendSkippedError } from './producer/batch-errors.js';
export type { BatchFailure } from './producer/batch-errors.js';
export { SendForbiddenError } from './producer/send-forbidden-error.js';
export type {
  CommunicationMode,
  EndTransactionContext,
  ProducerHook,
  SendMessageContext,
  SentMessageContext,
  SentMessageType,
} from './producer/producer-hooks.js';
export type {
  ConsumeMessageContext,
  ConsumedMessageContext,
  ConsumerHook,
  ConsumerHookContext,
  ReceiveMessageContext,
  ReceivedMessageContext,
  SettleMessageContext,
  SettledMessageContext,
} from './consumer/consumer-hooks.js';
export type { Producer } from './producer/producer.js';
export type { AutoBatchOptions } from './producer/auto-batch-options.js';
export type { ConsumerShutdownOptions, ShutdownOptions } from './shutdown-options.js';
export type { LatencyOptions } from './producer/latency-options.js';
export type { BackPressure, SendWindowState } from './send-window.js';
export { isRequest } from './producer/reply.js';
export type {
  AskOptions,
  BatchMessage,
  LocalTransactionState,
  OutgoingMessage,
  ProducerOptions,
  ReplyOptions,
  SendOptions,
  SendResult,
  SendStatus,
  Transaction,
  TransactionListener,
  TransactionSendResult,
} from './producer/producer-options.js';
export type { TraceOptions } from './trace/trace-options.js';
export type { LitePullConsumer } from './consumer/lite-pull-consumer.js';
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
export type { PushConsumer } from './consumer/push-consumer.js';
export type {
  ConsumeContext,
  ConsumeFromWhere,
  ConsumeMode,
  ConsumeResult,
  ExpressionType,
  MessageListener,
  MessageQueueListener,
  MessageModel,
  PushConsumerOptions,
  Subscription,
  ListenerResult,
} from './consumer/consumer-options.js';
export {
  allocateAveragely,
  allocateAveragelyByCircle,
  allocateByConfig,
  allocateByConsistentHash,
} from '@nest-rocketmq/remoting/internal';
export { allocateByMachineRoom, allocateByMachineRoomNearby } from './consumer/allocate-machine-room.js';
export type { MachineRoomResolver } from './consumer/allocate-machine-room.js';
export type { AllocateStrategyName } from './consumer/allocate-strategies.js';
export type { AllocateMessageQueueStrategy } from '@nest-rocketmq/remoting/internal';
