// Defines what a client gives to its producers and consumers.
import type { Clock, Logger, UniqueIdMaker } from '@nest-rocketmq/remoting/internal';
import type { Brokers } from './routes/brokers.js';
import type { Namespace } from './config/namespace.js';
import type { Heartbeat } from './groups/heartbeat.js';
import type { GroupRegistry } from './groups/group-registry.js';
import type { Outages } from './outages.js';
import type { ResolvedClientOptions } from './config/options.js';
import type { PendingReplies } from './replies/pending-replies.js';
import type { SendWindow } from './send-window.js';
import type { KvConfig } from './routes/kv-config.js';
import type { Routes } from './routes/routes.js';

export interface ClientContext {
  readonly clientId: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly options: ResolvedClientOptions;
  readonly ids: UniqueIdMaker;
  readonly members: GroupRegistry;
  readonly routes: Routes;
  readonly brokers: Brokers;
  readonly heartbeat: Heartbeat;
  /** Of the option `namespace`. */
  readonly names: Namespace;
  readonly outages: Outages;
  /** What name servers keep for all clients. */
  readonly kvConfig: KvConfig;
  /** Shared by all producers of the client, as their connections are. */
  readonly sendWindow: SendWindow;
  /** Of the requests of all its producers. */
  readonly replies: PendingReplies;
  /** Aborts when the client closes its connections. */
  readonly closing: AbortSignal;
  /** Starts the client where it is not started yet. @throws NameServerUnreachableError */
  start(): Promise<void>;
  /** A producer or consumer of the client has been shut down. */
  ended(made: object): void;
  /** Tells all connected brokers that a group has ended. Never rejects. */
  unregister(groups: { producerGroup?: string; consumerGroup?: string }): Promise<void>;
}
