// The public door of nest-rocketmq.

export { RocketMQModule } from './rocketmq.module.js';
export type { RocketMQModuleAsyncOptions, RocketMQOptionsFactory } from './rocketmq.module.js';
export type { RocketMQFeatureOptions } from './features/feature-module.js';
export type { TemplateOptions } from './template/extra-templates.js';
export {
  InjectRocketMQAdmin,
  InjectRocketMQHealth,
  InjectRocketMQListeners,
  InjectRocketMQTemplate,
  getRocketMQAdminToken,
  getRocketMQBackendToken,
  getRocketMQHealthToken,
  getRocketMQListenersToken,
  getRocketMQOptionsToken,
  getRocketMQTemplateToken,
} from './clusters/cluster-tokens.js';
export { NAME_SERVER_ENV } from './options/backend-choice.js';
export { fromConfig } from './options/from-config.js';
export { CONSUMERS_ENV } from './options/consumer-switch.js';
export type { ConsumersOption } from './options/consumer-switch.js';
export type { ConfigReader, Configurable, FromConfig, ResolveOption } from './options/option-reader.js';
export type { RocketMQHook } from './options/hooks.js';
export type { ListenerBatchOptions } from './options/batch-options.js';
export type { ErrorClass, RetryDelay, RetryOptions } from './options/retry-options.js';
export type { AutoBatchSettings, ProducerSettings } from './options/producer-settings.js';
export type { RocketMQModuleOptions } from './options/rocketmq.options.js';
export type { TopicOptions, TopicPermissions, TopicType } from './options/topic-options.js';
export type { ConsumerSettings } from './options/consumer-settings.js';
export { ROCKETMQ_BACKEND, ROCKETMQ_CONTEXT_TYPE, ROCKETMQ_OPTIONS } from './rocketmq.tokens.js';

export { RocketMQTemplate } from './template/rocketmq-template.js';
export { batchMessage } from './template/send-batch.js';
export type { BatchMessageOptions, BatchOptions, MessageWithOptions } from './template/send-batch.js';
export type {
  BeginTransactionOptions,
  QueueOptions,
  RecallOptions,
  SendOptions,
  TransactionMessage,
  TransactionOptions,
  TransactionResult,
} from './template/send-options.js';
export { InjectPullConsumer, getPullConsumerToken } from './pull/inject-pull-consumer.js';
export type { DeclaredPullConsumer, PullConsumerOptions } from './pull/pull-consumer-options.js';
export { RocketMQPullConsumer } from './pull/rocketmq-pull-consumer.js';
export type { PullOptions } from './pull/rocketmq-pull-consumer.js';
export type { ReceiveOptions } from './pull/receive-options.js';
export { ReceivedMessage } from './pull/received-message.js';
export type { RequestOptions } from './template/request-options.js';
export type { ReplyEvent } from './reply/replier.js';
export { RocketMQReply } from './message/rocketmq-reply.js';
export type { ReplyOptions } from './message/rocketmq-reply.js';
export type { MessageOptions } from './message/outgoing-message.js';
export type { Destination, DestinationObject } from './message/destination.js';
export { defineTopic } from './message/topic.js';
export type { AnyDestination, AnyTopic, DefineTopicOptions, PayloadOf, ReceivedOf, Topic } from './message/topic.js';
export type {
  SchemaInput,
  SchemaOutput,
  StandardIssue,
  StandardResult,
  StandardSchema,
} from './message/standard-schema.js';
export { deadLetters } from './message/dead-letters.js';
export type { DelayOptions } from './message/delay.js';
export { DEFAULT_MESSAGE_DELAY_LEVEL } from '@nest-rocketmq/remoting';
export type { Duration, MessageQueue } from '@nest-rocketmq/remoting';
export type { SendResult, SendStatus, Transaction } from '@nest-rocketmq/client';

export { RocketMQMessageListener } from './decorators/rocketmq-message-listener.js';
export { RocketMQTransactionListener } from './decorators/rocketmq-transaction-listener.js';
export { Payload } from './decorators/payload.js';
export { Ctx, Header, Headers, Keys, Tag } from './decorators/message-params.js';
export type { ParamPipe } from './decorators/mark-param.js';
export { isRocketMQContext, switchToRocketMQ } from './pipeline/switch-to-rocketmq.js';
export type { RocketMQArgumentsHost } from './pipeline/switch-to-rocketmq.js';
export { RocketMQLocalTransactionState } from './decorators/listener-metadata.js';
export type {
  DeclaredListenerOptions,
  DeclaredTransactionListenerOptions,
  MessageListenerOptions,
  PayloadType,
  RocketMQBatchListener,
  RocketMQListener,
  RocketMQLocalTransactionListener,
  RocketMQTransactionChecker,
  TransactionContext,
  TransactionListenerOptions,
} from './decorators/listener-metadata.js';
export { Outcome } from '@nest-rocketmq/client';
export type { OutcomeKind } from '@nest-rocketmq/client';
export { Message } from './decorators/message.js';
export { RocketMQBatchContext } from './decorators/rocketmq-batch-context.js';
export { RocketMQContext } from './decorators/rocketmq-context.js';
export { RocketMQHealth } from './health/rocketmq-health.js';
export type { GroupHealth, HealthOptions, HealthReport } from './health/health-options.js';
export type { RocketMQStatus } from './connection-status.js';
export type { SubscribedGroup } from './listeners/subscribed-group.js';
export { RocketMQAdmin } from './admin/rocketmq-admin.js';
export type { BacktrackOptions } from './admin/rocketmq-admin.js';
export type { DeadLetter, GroupDeadLetters } from './admin/group-dead-letters.js';
export type { ListDeadLettersOptions, Replay, ReplayDeadLettersOptions, ResetOffset } from '@nest-rocketmq/client';
export { RocketMQListeners } from './listeners/rocketmq-listeners.js';
export type { ListenerGroupState } from './listeners/group-state.js';
export type {
  ConsumedEvent,
  DeadLetteredEvent,
  DeliveryEvent,
  FailedEvent,
  GroupEvent,
  ListenerEvent,
  RepliedEvent,
  RetriedEvent,
} from './listeners/listener-events.js';
export type { Consumption } from './listeners/container-settings.js';
export type { HostPort, MessageExt } from '@nest-rocketmq/remoting';
export {
  allocateByConfig,
  allocateByConsistentHash,
  allocateByMachineRoom,
  allocateByMachineRoomNearby,
} from '@nest-rocketmq/client';
export type {
  AllocateMessageQueueStrategy,
  AllocateStrategyName,
  ConsumeFromWhere,
  ConsumeMode,
  ExpressionType,
  MachineRoomResolver,
  MessageModel,
} from '@nest-rocketmq/client';

export { PostgresTransactionLog } from './transaction-log/postgres-transaction-log.js';
export type { PostgresQueryable, PostgresTransactionLogOptions } from './transaction-log/postgres-transaction-log.js';
export type { TransactionLog } from './transaction-log/transaction-log.js';

export { JsonMessageConverter } from './message/message-converter.js';
export type { BigIntegerPolicy } from './message/json-decoding.js';
export type {
  EncodedBody,
  IncomingBody,
  JsonMessageConverterOptions,
  MessageConverter,
  PayloadKind,
} from './message/message-converter.js';

export { ClusterBackend } from './backends/backend.js';
export type { RocketMQBackend } from './backends/backend.js';
export { EmbeddedBackend } from './backends/embedded-backend.js';
export type { EmbeddedOptions } from './backends/embedded-options.js';
export type { Clock, Dial, Logger, TimerHandle } from '@nest-rocketmq/remoting';

// What an app may have to catch: errors of this module, then of the client, the connection and the embedded broker.
export {
  GroupMissingError,
  InvalidListenerError,
  ListenerAbortedError,
  ListenerConflictError,
  MessageDecodeError,
  MessageEncodeError,
  MessageValidationError,
  ModuleTwiceError,
  UnknownClusterError,
  ClusterStartError,
  StoreInUseError,
  TopicNotCreatedError,
  TransactionListenerError,
} from './errors.js';
export {
  BatchSendFailedError,
  BrokerNotFoundError,
  CommitFailedError,
  DelayNotSupportedError,
  DelayTooLongError,
  InvalidListenerResultError,
  InvalidMessageError,
  InvalidNameError,
  MQClientError,
  MessageTooLargeError,
  NameServerUnreachableError,
  NotNameServerError,
  NoBrokerError,
  PollInProgressError,
  QueueNotAssignedError,
  NotARequestError,
  RecallFailedError,
  ReplyTimeoutError,
  RequesterGoneError,
  SendFailedError,
  SeekOutOfRangeError,
  SubscriptionConflictError,
  SendForbiddenError,
  SendSkippedError,
  SubscriptionRefusedError,
  TooManyRequestsError,
  TooManySendsError,
  TopicNotFoundError,
  TransactionEndedError,
  TransactionNotBegunError,
} from '@nest-rocketmq/client';
export type {
  CommunicationMode,
  ConsumeMessageContext,
  ConsumedMessageContext,
  ConsumerHook,
  ConsumerHookContext,
  EndTransactionContext,
  ProducerHook,
  ReceiveMessageContext,
  ReceivedMessageContext,
  SendMessageContext,
  SentMessageContext,
  SentMessageType,
  SettleMessageContext,
  SettledMessageContext,
} from '@nest-rocketmq/client';
export type { AssignmentListener, QueueOffset, Subscription } from '@nest-rocketmq/client';
export type {
  BatchFailure,
  DroppedReply,
  DroppedReplyKind,
  RecallFailure,
  RequestCounts,
  SendFailure,
} from '@nest-rocketmq/client';
export {
  AddressError,
  ConnectError,
  ConnectionClosedError,
  InvalidOptionError,
  ListenError,
  NotRunningError,
  RequestTimeoutError,
  ResponseError,
  RocketMQError,
} from '@nest-rocketmq/remoting';
export { StoreError, StoreLockedError } from '@nest-rocketmq/broker/errors';
