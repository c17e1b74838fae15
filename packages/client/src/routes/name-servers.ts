// Sends requests to the name servers: to the same one as long as it answers, then to the next.
import type { Clock, Connections, HeaderOf, Reply, RequestRow } from '@nest-rocketmq/remoting/internal';
import { NameServerUnreachableError } from '../errors.js';
import { nameServersKey } from '../outages.js';
import type { Outages } from '../outages.js';
import { Backoff, isUnreached } from '../time/backoff.js';

export interface NameServersOptions {
  clock: Clock;
  connections: Connections;
  addresses: readonly string[];
  /** For one server's answer, and for dialling all of them again while none can be reached, ms. */
  timeout: number;
  /** Aborts when the client closes: no server is dialled again then. */
  closing: AbortSignal;
  outages: Outages;
  /** In [0, 1): where to begin in the list, so that clients spread over the servers. */
  random?: () => number;
}

export class NameServers {
  readonly addresses: readonly string[];
  readonly #options: NameServersOptions;
  #current: number;

  constructor(options: NameServersOptions) {
    this.addresses = options.addresses;
    this.#options = options;
    this.#current = Math.floor((options.random ?? Math.random)() * options.addresses.length);
  }

  /**
   * Asks one name server, and the others in turn while none answers. Where none can be reached, all are tried again, with
   * growing pauses: a name server that is being restarted is back soon.
   * @throws NameServerUnreachableError when none answered
   */
  async request<Row extends RequestRow>(row: Row, header: HeaderOf<Row>): Promise<Reply<Row>> {
    const backoff = new Backoff(this.#options);
    for (;;) {
      try {
        const reply = await this.#askAll(row, header);
        if (this.#options.outages.any) this.#options.outages.over(nameServersKey(this.addresses));
        return reply;
      } catch (error) {
        const refused = error instanceof NameServerUnreachableError && error.causes.every(isUnreached);
        if (!refused || !(await backoff.pause())) throw error;
      }
    }
  }

  /**
   * Asks every name server of the list.
   * @throws NameServerUnreachableError when one of them did not answer; the others may have carried out the request
   */
  async requestEach<Row extends RequestRow>(row: Row, header: HeaderOf<Row>): Promise<Reply<Row>[]> {
    const { connections, timeout } = this.#options;
    return Promise.all(
      this.addresses.map(async (address) => {
        try {
          return await (await connections.get(address)).request(row, header, { timeout });
        } catch (error) {
          throw new NameServerUnreachableError([address], [error]);
        }
      }),
    );
  }

  async #askAll<Row extends RequestRow>(row: Row, header: HeaderOf<Row>): Promise<Reply<Row>> {
    const { connections, timeout } = this.#options;
    const causes: unknown[] = [];
    const first = this.#current;
    for (let i = 0; i < this.addresses.length; i++) {
      const index = (first + i) % this.addresses.length;
      try {
        const connection = await connections.get(this.addresses[index]!);
        const reply = await connection.request(row, header, { timeout });
        this.#current = index;
        return reply;
      } catch (error) {
        causes.push(error);
      }
    }
    throw new NameServerUnreachableError(this.addresses, causes);
  }
}
