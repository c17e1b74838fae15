// Exports what our own packages and tests use. It may change with any release.
export { brand, isInstanceOf, isSameClass } from './both-formats.js';
export { signer } from './frame/acl.js';
export type { Credentials } from './frame/acl.js';
export {
  decodeDataVersion,
  decodeRegisterBroker,
  decodeSubscriptionGroupConfig,
  decodeTopicConfig,
  decodeTopicTable,
  encodeRegisterBroker,
  subscriptionGroupConfig,
  topicConfig,
  topicTableJson,
} from './bodies/config-data.js';
export type { DataVersion, SubscriptionGroupConfig, TopicConfig, TopicTable } from './bodies/config-data.js';
export { SlotRing } from './stats/slot-ring.js';
export { StatsColumn, StatsItem } from './stats/stats-item.js';
export type { StatsSnapshot, StatsView } from './stats/stats-item.js';
export { decodeConsumerConnection } from './bodies/consumer-connection.js';
export type { ConsumerConnection } from './bodies/consumer-connection.js';
export { memberSubscriptionsText, subscriptionsText } from './bodies/subscription-text.js';
export { decodeHeartbeat, decodeSubscription, encodeHeartbeat, subscriptionJson } from './bodies/heartbeat-data.js';
export type {
  ConsumeFromWhere,
  ConsumeType,
  ConsumerData,
  HeartbeatData,
  MessageModel,
  SubscriptionData,
} from './bodies/heartbeat-data.js';
export {
  decodeConsumerList,
  decodeLockBatch,
  decodeLockOk,
  decodeQueue,
  decodeQueueTable,
  encodeConsumerList,
  encodeLockBatch,
  encodeLockOk,
  queueJson,
  queueTable,
} from './bodies/queue-bodies.js';
export type { LockBatchBody } from './bodies/queue-bodies.js';
export { arrayIn, booleanIn, isObject, numberIn, objectOf, objectsIn, stringIn, stringsIn } from './bodies/read.js';
export {
  decodeAssignmentQuery,
  decodeBatchAck,
  decodeRequestMode,
  encodeAssignment,
  encodeBatchAck,
} from './bodies/pop-bodies.js';
export type {
  AssignmentQuery,
  BatchAck,
  BatchAckBody,
  MessageRequestMode,
  RequestModeBody,
} from './bodies/pop-bodies.js';
export {
  MASTER_ID,
  MAX_ROUTE_QUEUES,
  Permission,
  decodeClusterInfo,
  decodeRouteData,
  encodeClusterInfo,
  encodeMemberGroup,
  encodeRouteData,
} from './bodies/route-data.js';
export type { BrokerData, ClusterInfo, QueueData, TopicRouteData } from './bodies/route-data.js';
export {
  CONFIG_STRATEGY,
  allocateAveragely,
  allocateAveragelyByCircle,
  allocateByConfig,
  checkDivision,
  compareQueues,
} from './allocation/allocate.js';
export { allocateByConsistentHash } from './allocation/allocate-consistent-hash.js';
export type { AllocateMessageQueueStrategy } from './allocation/allocate.js';
export { systemClock } from './time/clock.js';
export type { Clock, TimerHandle } from './time/clock.js';
export { NO_BODY, ONEWAY_FLAG, RESPONSE_FLAG, emptyFields, isOneway, isResponse } from './frame/command.js';
export type { RemotingCommand, SerializeType } from './frame/command.js';
export { Connection } from './connection/connection.js';
export type { ConnectionOptions, EncodedRequest, RawHandler, RequestHandlers } from './connection/connection.js';
export { DEFAULT_REQUEST_TIMEOUT_MS } from './connection/request-command.js';
export type { RequestOptions } from './connection/request-command.js';
export { Connections, DEFAULT_CONNECT_TIMEOUT_MS, dialTcp } from './connection/connections.js';
export type { ConnectionsOptions, Dial } from './connection/connections.js';
export { Deadline } from './time/deadline.js';
export { Repeating } from './time/repeating.js';
export type { RepeatingOptions } from './time/repeating.js';
export { endsWithin, sharedAbortController, sleep, within } from './time/waiting.js';
export { DEFAULT_MESSAGE_DELAY_LEVEL, DELAY_UNITS, delayLevelNames, parseDelayLevels } from './time/delay-levels.js';
export { milliseconds } from './time/duration.js';
export type { Duration } from './time/duration.js';
export {
  AddressError,
  ClockHeldError,
  ConnectError,
  ConnectionClosedError,
  DecodeError,
  FrameError,
  HeaderError,
  InvalidOptionError,
  ListenError,
  NotRunningError,
  RequestRefusedError,
  RequestTimeoutError,
  ResponseError,
  RocketMQError,
  describe,
  shown,
  toldToPeer,
} from './errors.js';
export type { RemotingErrorCode } from './errors.js';
export { MAX_EXT_FIELDS, tooManyFields } from './requests/field.js';
export type { Field, Fields, HeaderCodec, HeaderOfFields } from './requests/field.js';
export {
  BINARY_TYPE,
  FRAME_HEAD,
  FrameDecoder,
  JSON_TYPE,
  decodeFrame,
  defaultFrameLimits,
  encodeFrame,
} from './frame/frame.js';
export type { FrameLimits } from './frame/frame.js';
export { HandlerTable, handlerTable } from './connection/handler-table.js';
export type { Handler, Handlers, IncomingRequest } from './connection/handler-table.js';
export { BINARY_REMARK_AT } from './frame/header-binary.js';
export { copyBytes, readInt, writeInt } from './frame/bytes.js';
export { addressIn, formatAddress, isDialable, packHost, parseAddress, unpackHost } from './connection/host.js';
export type { HostAndPort } from './connection/host.js';
export { duplexPair } from './connection/in-process.js';
export { encodeJson, entriesOf, parseJson, parseJsonObject, stringifyJson } from './json/json.js';
export { MAX_JSON_DEPTH } from './json/json-depth.js';
export type { JsonObject } from './json/json.js';
export { LANGUAGES, MQVersion, OUR_LANGUAGE, OUR_VERSION } from './requests/language.js';
export { LogThrottle, plainLog } from './connection/log-throttle.js';
export type { EventLog } from './connection/log-throttle.js';
export { printable, silentLogger } from './logger.js';
export type { Logger } from './logger.js';
export { ManualClock } from './time/manual-clock.js';
export type { TurnOptions } from './time/manual-clock.js';
export { lockFolder, lockHolder, nodeLockFiles } from './folder-lock.js';
export type { FolderLockOptions, LockFiles } from './folder-lock.js';
export { identityOf, isHolderAlive, systemOf } from './process-life.js';
export type { ProcessIdentity } from './process-life.js';
export {
  COMPRESSION_FLAGS,
  MAX_INFLATED_ANSWER_BYTES,
  MAX_INFLATED_BYTES,
  canCompress,
  compressBody,
  inflateBody,
} from './message/compression.js';
export type { CompressionType } from './message/compression.js';
export { bodyCrc, javaHashCode } from './message/hash.js';
export { decodeRecallHandle, encodeRecallHandle } from './message/recall-handle.js';
export type { RecallHandle } from './message/recall-handle.js';
export { decodeBatch, encodeBatch, encodedBatchSize } from './message/message-batch.js';
export type { BatchItem } from './message/message-batch.js';
export {
  BLANK_MAGIC,
  MAX_PROPERTIES_BYTES,
  MAX_TOPIC_BYTES_V1,
  MESSAGE_MAGIC_V1,
  MESSAGE_MAGIC_V2,
  RecordAt,
  decodeRecord,
  decodeRecords,
  inflatedBytes,
  encodeRecord,
  readLong,
  recordSize,
  writeLong,
} from './message/message-codec.js';
export type { DecodeOptions, RecordFields } from './message/message-codec.js';
export { Neighbours } from './message/neighbours.js';
export {
  UNIQUE_ID_LENGTH,
  UniqueIdMaker,
  decodeOffsetMsgId,
  encodeOffsetMsgId,
  localHost,
} from './message/message-id.js';
export type { OffsetMsgId } from './message/message-id.js';
export type { HostPort, MessageExt, MessageQueue } from './message/message.js';
export {
  MessageProperty,
  NAME_VALUE_SEPARATOR,
  PROPERTY_SEPARATOR,
  RESERVED_PROPERTIES,
  decodeProperties,
  encodeProperties,
} from './message/property.js';
export {
  SysFlag,
  compressionType,
  transactionType,
  withTransactionType,
  withoutCompression,
} from './message/sys-flag.js';
export { expectSuccess } from './connection/pending-requests.js';
export type { Reply, ReplyReceiver } from './connection/pending-requests.js';
export { request } from './requests/request.js';
export type { Answer, HeaderOf, Receiver, ReceiversOf, ReplyHeaderOf, RequestRow } from './requests/request.js';
export { Requests, requestByCode } from './requests/requests.js';
export type { RequestName, RequestsTo } from './requests/requests.js';
export { sendMessageFields } from './requests/produce.js';
export { ResponseCode, responseCodeName } from './requests/response-code.js';
export { RemotingServer, serverDefaults } from './connection/server.js';
export type { RemotingServerOptions, ServerLimits } from './connection/server.js';
export {
  MEMBER_GROUP_TOPIC_PREFIX,
  NAMESPACE_SEPARATOR,
  AUTO_CREATE_TOPIC_KEY,
  GROUP_MAX_LENGTH,
  HALF_TOPIC,
  NOT_ALLOWED_SEND_TOPICS,
  OFFSET_MOVED_EVENT,
  OP_HALF_TOPIC,
  SCHEDULE_TOPIC,
  TIMER_TOPIC,
  SELF_TEST_TOPIC,
  TOPIC_MAX_LENGTH,
  TRANS_CHECK_MAX_TIME_TOPIC,
  dlqTopic,
  groupOfRetryTopic,
  isDLQTopic,
  isRetryTopic,
  isPopRetryTopicV2,
  isTopicOrGroupIllegal,
  namePart,
  popRetryTopic,
  replyTopic,
  retryTopic,
  reviveTopic,
  withoutNamespace,
} from './names/topic-names.js';
export { UnsentBytes } from './connection/unsent-bytes.js';
