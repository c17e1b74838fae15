// Logs servers that cannot be reached: one line when that begins, whoever meets it first, and one when it ends.
import { ConnectError, ConnectionClosedError, RequestTimeoutError } from '@nest-rocketmq/remoting/internal';
import type { Clock, Logger } from '@nest-rocketmq/remoting/internal';
import { BrokerNotFoundError, NameServerUnreachableError, describe } from './errors.js';

const NAME_SERVERS = 'name server ';

export class Outages {
  /** name of the server -> monotonic ms of its first failure */
  readonly #since = new Map<string, number>();
  readonly #listeners = new Set<() => void>();

  /** @param closing aborts when the client closes: a failure after that is not an outage */
  constructor(
    private readonly clock: Clock,
    private readonly logger: Logger,
    private readonly closing: AbortSignal,
  ) {}

  /** @returns false when the error does not mean an outage: then nothing is logged */
  met(error: unknown): boolean {
    const server = serverOf(error);
    if (server === undefined) return false;
    if (this.#since.has(server) || this.closing.aborted) return true;
    this.#since.set(server, this.clock.monotonic());
    this.#tell();
    const what = error instanceof ConnectionClosedError ? `the connection to ${server} was lost.` : describe(error);
    this.logger.warn(`${what} It is tried again until it answers.`);
    return true;
  }

  /** The server has answered. @param server its address; of a broker that had none in the route, its name */
  over(server: string): void {
    this.#end(server, 'answers again');
  }

  /** The routes may be others now: ends the outages of brokers that are not waited for any more. */
  endOthers(isAwaited: (broker: string) => boolean): void {
    for (const server of this.servers) {
      if (!server.startsWith(NAME_SERVERS) && !isAwaited(server)) this.#end(server, 'has another route, or none, now');
    }
  }

  get any(): boolean {
    return this.#since.size > 0;
  }

  /** Their addresses, or the names of those that have none. */
  get servers(): string[] {
    return [...this.#since.keys()];
  }

  /** Calls back when an outage has begun or ended. @returns ends that */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #end(server: string, how: string): void {
    const since = this.#since.get(server);
    if (since === undefined) return;
    this.#since.delete(server);
    this.#tell();
    const seconds = ((this.clock.monotonic() - since) / 1000).toFixed(1);
    this.logger.log(`${server} ${how}, after ${seconds} s`);
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}

/** For the name servers of a list, which count as one. */
export function nameServersKey(addresses: readonly string[]): string {
  return `${NAME_SERVERS}${addresses.join(', ')}`;
}

function serverOf(error: unknown): string | undefined {
  if (error instanceof ConnectError || error instanceof ConnectionClosedError || error instanceof RequestTimeoutError) {
    return error.address;
  }
  if (error instanceof NameServerUnreachableError) return nameServersKey(error.addresses);
  return error instanceof BrokerNotFoundError ? error.brokerName : undefined;
}
