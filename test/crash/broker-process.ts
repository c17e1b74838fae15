// Runs a stand-alone broker as a process on free ports, and connects to it.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Connection, dialTcp, handlerTable, silentLogger, systemClock } from '@nest-rocketmq/remoting/internal';
import { startChild } from '../interop/harness/children.js';
import type { Child, ExitStatus } from '../interop/harness/children.js';

export const MAIN = join(import.meta.dirname, '../../packages/broker/dist/esm/main.js');
const READY = /^ready name-server=(\S+) broker=(\S+)$/;
const LISTEN = ['--listen', '127.0.0.1:0', '--name-server-listen', '127.0.0.1:0'];
const START_PATIENCE_MS = 60_000;

export interface BrokerProcessOptions {
  store: string;
  flush?: 'async' | 'sync';
  /** Most files that it may have open. */
  descriptors?: number;
  /** Largest heap of its JavaScript, MB. */
  heap?: number;
  /** Arguments of strace: it runs under that, and stays the child whose signals and end are its own. */
  strace?: string[];
  /** Path of a broker.conf. */
  conf?: string;
}

/** Starts the command and waits for nothing. */
export function startCommand(options: BrokerProcessOptions): Child {
  const { store, flush = 'async', descriptors, heap, strace, conf } = options;
  if (!existsSync(MAIN)) throw new Error(`${MAIN} is not there: run npm run build`);
  const [command, ...args] = [
    ...(descriptors === undefined ? [] : ['sh', '-c', `ulimit -n ${descriptors}; exec "$@"`, 'sh']),
    ...(strace === undefined ? [] : ['strace', '-D', '-f', '-qq', ...strace]),
    process.execPath,
    ...(heap === undefined ? [] : [`--max-old-space-size=${heap}`]),
    MAIN,
    ...LISTEN,
    '--store',
    store,
    '--flush',
    flush,
    ...(conf === undefined ? [] : ['--config', conf]),
  ];
  return startChild('the broker', command!, args, { env: { NODE_OPTIONS: '' } });
}

export class BrokerProcess {
  readonly #connections: Connection[] = [];

  private constructor(
    readonly child: Child,
    readonly nameServer: string,
    readonly address: string,
  ) {}

  static async start(options: BrokerProcessOptions): Promise<BrokerProcess> {
    return BrokerProcess.of(startCommand(options));
  }

  /** A process that says where its broker is as the command does. */
  static async of(child: Child): Promise<BrokerProcess> {
    const [, nameServer = '', address = ''] = READY.exec(await child.line(READY, START_PATIENCE_MS)) ?? [];
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
