// Declares what a listener container is given by its app, and what it tells of each delivery.
import type { Clock } from '@nest-rocketmq/remoting/internal';
import type { RocketMQContext } from '../decorators/rocketmq-context.js';
import type { DiscoveredListener, ListenerExplorer } from '../discovery/listener-explorer.js';
import type { MessageConverter } from '../message/message-converter.js';
import type { CheckedConsumerSettings } from '../options/consumer-settings.js';
import type { ResolvedOptions } from '../options/rocketmq.options.js';
import type { RocketMQConnection } from '../rocketmq-connection.js';
import type { ListenerEvents } from './listener-events.js';

/** The outcome of one delivery. */
export interface Consumption {
  /** The consumer group. */
  readonly group: string;
  readonly context: RocketMQContext;
  /** Who was called; undefined if the group has no listener for the message any more. */
  readonly listener?: DiscoveredListener;
  /** 'failed': the message is delivered again, or goes to the dead letters. A broadcast message is not delivered again. */
  readonly outcome: 'consumed' | 'failed';
  /** What the listener threw, if it failed; not there if it said so by an Outcome. */
  readonly error?: unknown;
}

export interface ContainerSettings {
  readonly converter: MessageConverter;
  readonly defaults: CheckedConsumerSettings;
  /** A manual clock waits for running listeners. */
  readonly clock?: Clock | undefined;
  readonly hooks?: ResolvedOptions['hooks'];
  readonly onConsumption: (consumption: Consumption) => void;
  readonly events: ListenerEvents;
  /** Answers a request with what its listener returned. */
  readonly answer?: (listener: DiscoveredListener, context: RocketMQContext, returned: unknown) => Promise<void>;
  /** Calls a listener so that the app knows, within it, that it is in one. */
  readonly track: <T>(call: () => T) => T;
  /** A test may hold a delivery back. */
  readonly holdBack?: ((context: RocketMQContext) => Promise<void> | undefined) | undefined;
}

/** What the testing kit works with. @internal */
export interface ListenersUnderTest {
  readonly explorer: ListenerExplorer;
  readonly connection: RocketMQConnection;
  readonly options: ResolvedOptions;
  readonly settings: ContainerSettings;
}
