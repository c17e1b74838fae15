// Owns the choice among the name servers of the list: one is kept while it answers, the next is asked when it does not.
import type { Connections, HeaderOf, Reply, RequestRow } from '@nest-rocketmq/remoting';
import { NameServerUnreachableError } from './errors.js';

export interface NameServersOptions {
  connections: Connections;
  addresses: readonly string[];
  /** For one server, ms. */
  timeout: number;
  /** [0, 1): where in the list to begin, so that clients spread over the servers. */
  random?: () => number;
}

export class NameServers {
  readonly addresses: readonly string[];
  readonly #connections: Connections;
  readonly #timeout: number;
  #current: number;

  constructor(options: NameServersOptions) {
    this.addresses = options.addresses;
    this.#connections = options.connections;
    this.#timeout = options.timeout;
    this.#current = Math.floor((options.random ?? Math.random)() * options.addresses.length);
  }

  /**
   * Asks one name server, and the others in turn while none answers.
   * @throws NameServerUnreachableError when none did
   */
  async request<Row extends RequestRow>(row: Row, header: HeaderOf<Row>): Promise<Reply<Row>> {
    const causes: unknown[] = [];
    const first = this.#current;
    for (let i = 0; i < this.addresses.length; i++) {
      const index = (first + i) % this.addresses.length;
      try {
        const connection = await this.#connections.get(this.addresses[index]!);
        const reply = await connection.request(row, header, { timeout: this.#timeout });
        this.#current = index;
        return reply;
      } catch (error) {
        causes.push(error);
      }
    }
    throw new NameServerUnreachableError(this.addresses, causes);
  }
}
