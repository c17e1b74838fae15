// The public door of @nest-rocketmq/remoting.
export { signer } from './acl.js';
export type { Credentials } from './acl.js';
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
export { SlotRing } from './slot-ring.js';
export { StatsColumn, StatsItem } from './stats-item.js';
export type { StatsSnapshot, StatsView } from './stats-item.js';
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
  MASTER_ID,
  Permission,
  decodeClusterInfo,
  decodeRouteData,
  encodeClusterInfo,
  encodeRouteData,
} from './bodies/route-data.js';
export type { BrokerData, ClusterInfo, QueueData, TopicRouteData } from './bodies/route-data.js';
export { systemClock } from './clock.js';
export type { Clock, TimerHandle } from './clock.js';
export { NO_BODY, ONEWAY_FLAG, RESPONSE_FLAG, emptyFields, isOneway, isResponse } from './command.js';
export type { RemotingCommand, SerializeType } from './command.js';
export { Connection, DEFAULT_REQUEST_TIMEOUT_MS } from './connection.js';
export type { ConnectionOptions, RawHandler, RequestHandlers, RequestOptions } from './connection.js';
export { Connections, DEFAULT_CONNECT_TIMEOUT_MS, dialTcp } from './connections.js';
export type { ConnectionsOptions, Dial } from './connections.js';
export { Deadline } from './deadline.js';
export { DEFAULT_MESSAGE_DELAY_LEVEL, DELAY_UNITS, delayLevelNames, parseDelayLevels } from './delay-levels.js';
export { milliseconds } from './duration.js';
export type { Duration } from './duration.js';
export {
  ClockHeldError,
  ConnectError,
  ConnectionClosedError,
  DecodeError,
  FrameError,
  HeaderError,
  RequestRefusedError,
  RequestTimeoutError,
  ResponseError,
  RocketMQError,
  toldToPeer,
} from './errors.js';
export { MAX_EXT_FIELDS, tooManyFields } from './field.js';
export type { Field, Fields, HeaderCodec, HeaderOfFields } from './field.js';
export {
  BINARY_TYPE,
  FRAME_HEAD,
  FrameDecoder,
  JSON_TYPE,
  decodeFrame,
  defaultFrameLimits,
  encodeFrame,
} from './frame.js';
export type { FrameLimits } from './frame.js';
export { HandlerTable, handlerTable } from './handler-table.js';
export type { Handler, Handlers, IncomingRequest } from './handler-table.js';
export { BINARY_REMARK_AT } from './header-binary.js';
export { AddressError, formatAddress, packHost, parseAddress, unpackHost } from './host.js';
export type { HostAndPort } from './host.js';
export { duplexPair } from './in-process.js';
export { encodeJson, entriesOf, parseJson, parseJsonObject, stringifyJson } from './json.js';
export { MAX_JSON_DEPTH } from './json-depth.js';
export type { JsonObject } from './json.js';
export { LANGUAGES, MQVersion, OUR_LANGUAGE, OUR_VERSION } from './language.js';
export { LogThrottle, plainLog } from './log-throttle.js';
export type { EventLog } from './log-throttle.js';
export { printable, silentLogger } from './logger.js';
export type { Logger } from './logger.js';
export { ManualClock } from './manual-clock.js';
export type { TurnOptions } from './manual-clock.js';
export { identityOf, isHolderAlive, systemOf } from './process-life.js';
export type { ProcessIdentity } from './process-life.js';
export { COMPRESSED_ZLIB, MAX_INFLATED_BYTES, compressBody, inflateBody } from './message/compression.js';
export { bodyCrc, javaHashCode } from './message/hash.js';
export { decodeBatch, encodeBatch } from './message/message-batch.js';
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
  encodeRecord,
  readLong,
  recordSize,
  writeLong,
} from './message/message-codec.js';
export type { DecodeOptions, RecordFields } from './message/message-codec.js';
export { UniqueIdMaker, decodeOffsetMsgId, encodeOffsetMsgId, localHost } from './message/message-id.js';
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
export { expectSuccess } from './pending-requests.js';
export type { Reply } from './pending-requests.js';
export { request } from './request.js';
export type { Answer, HeaderOf, Receiver, ReceiversOf, ReplyHeaderOf, RequestRow } from './request.js';
export { Requests, requestByCode } from './requests.js';
export type { RequestName, RequestsTo } from './requests.js';
export { sendMessageFields } from './requests/produce.js';
export { ResponseCode, responseCodeName } from './response-code.js';
export { ListenError, RemotingServer, serverDefaults } from './server.js';
export type { RemotingServerOptions, ServerLimits } from './server.js';
export {
  AUTO_CREATE_TOPIC_KEY,
  GROUP_MAX_LENGTH,
  HALF_TOPIC,
  NOT_ALLOWED_SEND_TOPICS,
  OFFSET_MOVED_EVENT,
  OP_HALF_TOPIC,
  SCHEDULE_TOPIC,
  SELF_TEST_TOPIC,
  TOPIC_MAX_LENGTH,
  TRANS_CHECK_MAX_TIME_TOPIC,
  dlqTopic,
  groupOfRetryTopic,
  isDLQTopic,
  isRetryTopic,
  isTopicOrGroupIllegal,
  retryTopic,
} from './topic-names.js';
export { UnsentBytes } from './unsent-bytes.js';
