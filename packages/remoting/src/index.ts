// The public door of @nest-rocketmq/remoting: what the signatures of the other packages mention.
export type { BrokerData, ClusterInfo, QueueData, TopicRouteData } from './bodies/route-data.js';
export type { Credentials } from './frame/acl.js';
export type { Dial } from './connection/connections.js';
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
} from './errors.js';
export type { RemotingErrorCode } from './errors.js';
export { silentLogger } from './logger.js';
export type { Logger } from './logger.js';
export type { AllocateMessageQueueStrategy } from './allocation/allocate.js';
export type { HostPort, MessageExt, MessageQueue } from './message/message.js';
export { MessageProperty } from './message/property.js';
export { ResponseCode } from './requests/response-code.js';
export { systemClock } from './time/clock.js';
export type { Clock, TimerHandle } from './time/clock.js';
export { DEFAULT_MESSAGE_DELAY_LEVEL } from './time/delay-levels.js';
export type { Duration } from './time/duration.js';
export { ManualClock } from './time/manual-clock.js';
export type { TurnOptions } from './time/manual-clock.js';
