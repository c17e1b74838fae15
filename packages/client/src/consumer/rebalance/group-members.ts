// Asks brokers who the members of a consumer group are.
import { Requests, decodeConsumerList, expectSuccess } from '@nest-rocketmq/remoting/internal';
import type { MessageQueue } from '@nest-rocketmq/remoting/internal';
import type { ClientContext } from '../../client-context.js';

export interface Members {
  /** In Java's order, by UTF-16 code units. */
  readonly clientIds: readonly string[];
  /** The broker that was asked; undefined when no broker of the queues is known. */
  readonly address: string | undefined;
}

export class GroupMembers {
  /** By topic: the members of the last answer. */
  readonly #last = new Map<string, readonly string[]>();

  constructor(
    private readonly context: ClientContext,
    private readonly group: string,
  ) {}

  /**
   * Asks any broker of the topic's queues: all brokers hear of all members. Where one misses members, another one is asked
   * too: a broker that comes back hears of them one by one, and who takes it at its word takes their queues.
   * @throws when the first one cannot be asked
   */
  async of(topic: string, queues: readonly MessageQueue[]): Promise<Members> {
    const brokerNames = [...new Set(queues.map((queue) => queue.brokerName))];
    const first = Math.floor(Math.random() * brokerNames.length);
    const members = await this.#ask(brokerNames[first]!);
    const { clientId } = this.context;
    const second = brokerNames[(first + 1) % brokerNames.length]!;
    const misses = (this.#last.get(topic) ?? []).some((id) => !members.clientIds.includes(id));
    const more = misses && brokerNames.length > 1 && members.clientIds.includes(clientId);
    const others = more ? await this.#ask(second).catch(() => undefined) : undefined;
    const clientIds = [...new Set([...members.clientIds, ...(others?.clientIds ?? [])])];
    clientIds.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
    this.#last.set(topic, clientIds);
    return { clientIds, address: members.address };
  }

  async #ask(bname: string): Promise<Members> {
    const { routes, brokers, options } = this.context;
    const address = routes.anyBrokerAddress(bname);
    if (!address) return { clientIds: [], address };
    const reply = await brokers.request(
      address,
      Requests.GET_CONSUMER_LIST_BY_GROUP,
      { consumerGroup: this.group, bname },
      { timeout: options.mqClientApiTimeout },
    );
    expectSuccess(reply, address);
    return { clientIds: decodeConsumerList(reply.body), address };
  }
}
