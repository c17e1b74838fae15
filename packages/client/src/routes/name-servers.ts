// Sends requests to the name servers: to the same one as long as it answers, then to the next.
import { Requests, ResponseCode, ResponseError } from '@nest-rocketmq/remoting/internal';
import type { Clock, Connections, HeaderOf, Reply, RequestRow } from '@nest-rocketmq/remoting/internal';
import { NameServerUnreachableError, NotNameServerError } from '../errors.js';
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

  /** The next request begins with the next server: what the current one says may be out of date. */
  turn(): void {
    this.#current = (this.#current + 1) % this.addresses.length;
  }

  /**
   * Asks one name server, and the others in turn while none answers with what can be read. Where none can be reached, all
   * are tried again, with growing pauses: a name server that is being restarted is back soon.
   * @param read takes what is wanted from the answer; where it throws, the next server is asked
   * @throws NameServerUnreachableError when none answered; NotNameServerError, or what `read` has thrown, when one did
   */
  async request<Row extends RequestRow, T>(
    row: Row,
    header: HeaderOf<Row>,
    read: (reply: Reply<Row>) => T,
  ): Promise<T> {
    const backoff = new Backoff(this.#options);
    for (;;) {
      try {
        const answer = await this.#askAll(row, header, read);
        if (this.#options.outages.any) this.#options.outages.over(nameServersKey(this.addresses));
        return answer;
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

  async #askAll<Row extends RequestRow, T>(
    row: Row,
    header: HeaderOf<Row>,
    read: (reply: Reply<Row>) => T,
  ): Promise<T> {
    const { connections, timeout } = this.#options;
    const causes: unknown[] = [];
    const unread: unknown[] = [];
    const first = this.#current;
    for (let i = 0; i < this.addresses.length; i++) {
      const index = (first + i) % this.addresses.length;
      let reply: Reply<Row>;
      try {
        const connection = await connections.get(this.addresses[index]!);
        reply = await connection.request(row, header, { timeout });
      } catch (error) {
        causes.push(error);
        continue;
      }
      try {
        if (row.code === Requests.GET_ROUTEINFO_BY_TOPIC.code) refuseBroker(reply, this.addresses[index]!);
        const answer = read(reply);
        this.#current = index;
        return answer;
      } catch (error) {
        unread.push(error);
      }
    }
    if (unread.length > 0) throw unread[0];
    throw new NameServerUnreachableError(this.addresses, causes);
  }
}

/** The most frequent mistake in a configuration: the broker's port. @throws NotNameServerError */
function refuseBroker({ code, remark, row }: Reply<RequestRow>, address: string): void {
  if (code !== ResponseCode.REQUEST_CODE_NOT_SUPPORTED) return;
  throw new NotNameServerError(address, { cause: new ResponseError(code, remark, address, row.name) });
}
