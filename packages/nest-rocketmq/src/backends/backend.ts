// Defines what a backend is, and the backend of a cluster that runs elsewhere.
import { dialTcp } from '@nest-rocketmq/remoting/internal';
import type { WatchedWork } from './embedded-options.js';
import type { Clock, Dial } from '@nest-rocketmq/remoting/internal';

/**
 * Where the messages are kept: anything that speaks the RocketMQ protocol. Backends differ only in how a connection is
 * opened. Give one of your own as the module option `backend`.
 */
export interface RocketMQBackend {
  /** Names it in log lines: 'embedded', 'cluster', … */
  readonly name: string;
  /** Opens a byte stream to an address, 'host:port', that `start` returned or a route names. */
  readonly dial: Dial;
  /** The backend's clock. The client then uses the same one. Default: the machine's. */
  readonly clock?: Clock | undefined;
  /** Where broadcasting listeners keep their offsets: a folder, or 'memory'. Default: the client's own default. */
  readonly localOffsetStoreDir?: string;
  /** Makes the backend ready for connections. Resolves with the name servers: 'host:port;host2:port'. */
  start(): Promise<string>;
  /** Called when the app begins to close; `stop` follows. */
  stopping?(): void;
  /** Called with the app's RocketMQListeners, for a backend that a test uses. @internal */
  adopt?(listeners: object): void;
  /** Called with what the app waits for outside of its brokers, for a backend that a test uses. @internal */
  watch?(work: WatchedWork): void;
  /** Called before the app connects to any cluster, for a backend that a test uses. @internal */
  discovering?(): void;
  /** Releases everything. Called once, after the last connection is closed. */
  stop(): Promise<void>;
}

/**
 * A cluster that is reached over TCP: Apache RocketMQ 4.9 or 5.x, or our stand-alone broker. The option `nameServer` makes one.
 */
export class ClusterBackend implements RocketMQBackend {
  readonly name = 'cluster';
  readonly dial = dialTcp;

  /** @param nameServer 'host:port;host2:port' */
  constructor(private readonly nameServer: string) {}

  start(): Promise<string> {
    return Promise.resolve(this.nameServer);
  }

  stop(): Promise<void> {
    return Promise.resolve();
  }
}
