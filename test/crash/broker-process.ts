// Owns a stand-alone broker as a process of its own, on ports that are free, and a way to speak to it. Leaves what is
// done to it to the tests, and its end, whatever happens, to children.ts.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Connection, dialTcp, handlerTable, silentLogger, systemClock } from '@nest-rocketmq/remoting';
import { startChild } from '../interop/harness/children.js';
import type { Child, ExitStatus } from '../interop/harness/children.js';

export const MAIN = join(import.meta.dirname, '../../packages/broker/dist/esm/main.js');
const READY = /^ready name-server=(\S+) broker=(\S+)$/;
const START_PATIENCE_MS = 60_000;

export interface BrokerProcessOptions {
  store: string;
  flush?: 'async' | 'sync';
  /** Most files that it may have open. */
  descriptors?: number;
}

/** Starts the command and waits for nothing. */
export function startCommand({ store, flush = 'async', descriptors }: BrokerProcessOptions): Child {
  if (!existsSync(MAIN)) throw new Error(`${MAIN} is not there: run npm run build`);
  const args = ['--listen', '127.0.0.1:0', '--name-server-listen', '127.0.0.1:0', '--store', store, '--flush', flush];
  const env = { NODE_OPTIONS: '' };
  if (descriptors === undefined) return startChild('the broker', process.execPath, [MAIN, ...args], { env });
  const limited = ['-c', `ulimit -n ${descriptors}; exec "$@"`, 'sh', process.execPath, MAIN, ...args];
  return startChild('the broker', 'sh', limited, { env });
}

export class BrokerProcess {
  readonly #connections: Connection[] = [];

  private constructor(
    readonly child: Child,
    readonly nameServer: string,
    readonly address: string,
  ) {}

  static async start(options: BrokerProcessOptions): Promise<BrokerProcess> {
    const child = startCommand(options);
    const [, nameServer, address] = READY.exec(await child.line(READY, START_PATIENCE_MS)) ?? [];
    return new BrokerProcess(child, nameServer, address);
  }

  async connect(): Promise<Connection> {
    const stream = await dialTcp(this.address);
    const options = { address: this.address, handlers: handlerTable(), clock: systemClock, logger: silentLogger };
    const connection = new Connection(stream, options);
    this.#connections.push(connection);
    return connection;
  }

  signal(signal: NodeJS.Signals): void {
    process.kill(this.child.pid, signal);
  }

  kill(): Promise<ExitStatus> {
    return this.child.kill();
  }

  /** SIGTERM. */
  async stop(): Promise<ExitStatus> {
    for (const connection of this.#connections) connection.close();
    return this.child.stop();
  }
}
