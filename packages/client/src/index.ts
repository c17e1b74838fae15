// The public door of @nest-rocketmq/client.
export { RocketMQClient } from './client.js';
export type { Admin, QueryMessageOptions } from './admin/admin.js';
export type { BrokerTopic, CreateTopicOptions } from './admin/topic-config.js';
export type { ResetOffset, ResetOffsetOptions } from './admin/reset-offsets.js';
export type { DeadLetter } from './dead-letters/dead-letter.js';
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
export { InvalidListenerResultError } from './consumer/consume/listener-errors.js';
export { LocalOffsetStoreError, TooManyConsumersError } from './consumer/offsets/local-offset-errors.js';
export { Outcome } from './consumer/options/outcome.js';
export type { OutcomeKind } from './consumer/options/outcome.js';
export { BatchSendFailedError, SendSkippedError } from './producer/batch/batch-errors.js';
export type { BatchFailure } from './producer/batch/batch-errors.js';
export { SendForbiddenError } from './producer/hooks/send-forbidden-error.js';
export type {
  CommunicationMode,
  EndTransactionContext,
  ProducerHook,
  SendMessageContext,
  SentMessageContext,
  SentMessageType,
} from './producer/options/producer-hooks.js';
export type {
  ConsumeMessageContext,
  ConsumedMessageContext,
  ConsumerHook,
  ConsumerHookContext,
  ReceiveMessageContext,
  ReceivedMessageContext,
  SettleMessageContext,
  SettledMessageContext,
} from './consumer/options/consumer-hooks.js';
export type { Producer } from './producer/producer.js';
export type { AutoBatchOptions } from './producer/options/auto-batch-options.js';
export type { ConsumerShutdownOptions, ShutdownOptions } from './shutdown-options.js';
export type { LatencyOptions } from './producer/options/latency-options.js';
export type { BackPressure, SendWindowState } from './send-window.js';
export { isRequest } from './producer/request-reply/reply.js';
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
} from './producer/options/producer-options.js';
export type { TraceOptions } from './trace/trace-options.js';
export type { LitePullConsumer } from './consumer/lite-pull/lite-pull-consumer.js';
export type { LitePullConsumerOptions } from './consumer/lite-pull/lite-pull-options.js';
export type { AssignmentListener } from './consumer/lite-pull/lite-pull-parts.js';
export type { PollOptions } from './consumer/lite-pull/lite-pull-reader.js';
export type { TopicQueuesListener } from './consumer/rebalance/topic-queues-listener.js';
export {
  CommitFailedError,
  PollInProgressError,
  QueueNotAssignedError,
  SeekOutOfRangeError,
  SubscriptionConflictError,
} from './consumer/lite-pull/lite-pull-errors.js';
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
} from './consumer/options/consumer-options.js';
export {
  allocateAveragely,
  allocateAveragelyByCircle,
  allocateByConfig,
  allocateByConsistentHash,
} from '@nest-rocketmq/remoting/internal';
export { allocateByMachineRoom, allocateByMachineRoomNearby } from './consumer/allocate/allocate-machine-room.js';
export type { MachineRoomResolver } from './consumer/allocate/allocate-machine-room.js';
export type { AllocateStrategyName } from './consumer/allocate/allocate-strategies.js';
export type { AllocateMessageQueueStrategy } from '@nest-rocketmq/remoting/internal';
