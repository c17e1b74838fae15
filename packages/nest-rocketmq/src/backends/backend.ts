// Owns the choice of where the messages are kept: the interface, and the backend of a cluster that runs elsewhere.
import { dialTcp } from '@nest-rocketmq/remoting/internal';
import type { Clock, Dial } from '@nest-rocketmq/remoting/internal';

/**
 * A place that speaks the RocketMQ protocol. Backends differ in how a connection is dialled and in nothing else; give
 * one of your own as the module option `backend`.
 */
export interface RocketMQBackend {
  /** For log lines: 'embedded', 'cluster', … */
  readonly name: string;
  /** Opens the byte stream to an address that the name server or a route names. */
  readonly dial: Dial;
  /** The clock that the backend lives by; the client then uses the same. Default: the machine's. */
  readonly clock?: Clock | undefined;
  /** Where broadcasting listeners keep their offsets: a folder, or 'memory'. Default: the client's. */
  readonly localOffsetStoreDir?: string;
  /** Makes it ready to be dialled. Resolves with the name servers: 'host:port;host2:port'. */
  start(): Promise<string>;
  /** The app has begun to close: `stop` will follow. */
  stopping?(): void;
  /** Frees all it holds. Called once, after the last connection has been closed. */
  stop(): Promise<void>;
}

export class ClusterBackend implements RocketMQBackend {
  readonly name = 'cluster';
  readonly dial = dialTcp;

  constructor(private readonly nameServer: string) {}

  start(): Promise<string> {
    return Promise.resolve(this.nameServer);
  }

  stop(): Promise<void> {
    return Promise.resolve();
  }
}
