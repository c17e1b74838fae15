// The public door of the package.
export { RocketMQModule } from './rocketmq.module.js';
export type { RocketMQModuleAsyncOptions, RocketMQOptionsFactory } from './rocketmq.module.js';
export { NAME_SERVER_ENV } from './rocketmq.options.js';
export type { ConsumerSettings } from './consumer-settings.js';
export type { ProducerSettings, RocketMQModuleOptions } from './rocketmq.options.js';
export { ROCKETMQ_BACKEND, ROCKETMQ_CONTEXT_TYPE, ROCKETMQ_OPTIONS } from './rocketmq.tokens.js';
export { RocketMQTemplate } from './rocketmq-template.js';
export type { SendOptions, TransactionOptions, TransactionResult } from './rocketmq-template.js';
export type { DelayOptions, MessageOptions } from './outgoing-message.js';
export { RocketMQMessageListener } from './decorators/rocketmq-message-listener.js';
export { Payload } from './decorators/payload.js';
export { RocketMQTransactionListener } from './decorators/rocketmq-transaction-listener.js';
export { RocketMQLocalTransactionState } from './listener-metadata.js';
export type {
  MessageListenerOptions,
  PayloadType,
  RocketMQListener,
  RocketMQLocalTransactionListener,
  TransactionContext,
  TransactionListenerOptions,
} from './listener-metadata.js';
export { RocketMQContext } from './rocketmq-context.js';
export { RocketMQListeners } from './rocketmq-listeners.js';
export type { Consumption } from './listener-container.js';
export { JsonMessageConverter } from './message-converter.js';
export type { BigIntegerPolicy } from './json-decoding.js';
export type {
  EncodedBody,
  IncomingBody,
  JsonMessageConverterOptions,
  MessageConverter,
  PayloadKind,
} from './message-converter.js';
export { DelayLevels, milliseconds } from './delay.js';
export type { Duration } from './delay.js';
export type { Destination, DestinationObject } from './destination.js';
export { ClusterBackend } from './backend.js';
export type { RocketMQBackend } from './backend.js';
export { EmbeddedBackend } from './embedded-backend.js';
export type { EmbeddedOptions } from './embedded-options.js';
export {
  GroupMissingError,
  InvalidListenerError,
  InvalidOptionError,
  ListenerAbortedError,
  ListenerConflictError,
  MessageDecodeError,
  MessageEncodeError,
  ModuleTwiceError,
  NotRunningError,
  StoreInUseError,
  TransactionListenerError,
} from './errors.js';
export { DEFAULT_MESSAGE_DELAY_LEVEL, RocketMQError } from '@nest-rocketmq/remoting';
export type { SendResult } from '@nest-rocketmq/client';
