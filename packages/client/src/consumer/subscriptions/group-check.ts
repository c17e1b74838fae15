// Asks a broker from time to time whether the group's other members have the same subscriptions, and warns if not.
import {
  Requests,
  ResponseCode,
  decodeConsumerConnection,
  memberSubscriptionsText,
  printable,
} from '@nest-rocketmq/remoting/internal';
import type { ConsumerData } from '@nest-rocketmq/remoting/internal';
import type { ClientContext } from '../../client-context.js';
import { ClientIdCheck } from './client-id-check.js';
import { describe } from '../../errors.js';

/** Between two checks. ms */
const CHECK_INTERVAL_MS = 10_000;
/** Most members that a warning names when it cannot know which of them it is. */
const MOST_NAMED = 3;
/** Most different subscriptions of others that are warned of. */
const MOST_WARNINGS = 10;

export interface GroupCheckParts {
  context: Pick<ClientContext, 'clientId' | 'clock' | 'logger' | 'brokers' | 'options'>;
  /** The subscriptions that this member tells brokers. */
  own: () => ConsumerData;
}

export class GroupCheck {
  readonly #parts: GroupCheckParts;
  readonly #ids: ClientIdCheck;
  /** Monotonic, ms. */
  #lastAsked = -Infinity;
  /** Subscriptions of others that were warned of. */
  readonly #warned = new Set<string>();

  constructor(parts: GroupCheckParts) {
    this.#parts = parts;
    this.#ids = new ClientIdCheck(parts.context);
  }

  /** Called when a broker has listed the members. Never rejects. */
  async look(address: string, clientIds: readonly string[]): Promise<void> {
    const { context } = this.#parts;
    this.#ids.look(this.#parts.own().groupName, clientIds);
    const others = clientIds.filter((id) => id !== context.clientId);
    if (others.length === 0) {
      this.#warned.clear();
      return;
    }
    const now = context.clock.monotonic();
    if (now - this.#lastAsked < CHECK_INTERVAL_MS || this.#warned.size >= MOST_WARNINGS) return;
    this.#lastAsked = now;
    try {
      await this.#ask(address, others);
    } catch (error) {
      context.logger.debug?.(`cannot ask ${address} what the other members subscribe to: ${describe(error)}`);
    }
  }

  async #ask(address: string, others: readonly string[]): Promise<void> {
    const { context, own } = this.#parts;
    const mine = own();
    const header = { consumerGroup: mine.groupName };
    const timeout = context.options.mqClientApiTimeout;
    const reply = await context.brokers.request(address, Requests.GET_CONSUMER_CONNECTION_LIST, header, { timeout });
    if (reply.code !== ResponseCode.SUCCESS) return;
    // A broker keeps one answer for the whole group: that of the member with the last heartbeat. If it differs from ours,
    // it is another's; if it is ours, another's may come before the next check.
    const last = decodeConsumerConnection(reply.body);
    const theirs = memberSubscriptionsText(last.subscriptions, last);
    const ours = memberSubscriptionsText(mine.subscriptionDataSet, mine);
    if (theirs === ours || this.#warned.has(theirs)) return;
    this.#warned.add(theirs);
    const named = others.slice(0, MOST_NAMED).map(printable).join(', ');
    const who =
      others.length === 1
        ? `client ${named}`
        : `another member (there are ${named}${others.length > MOST_NAMED ? ', …' : ''})`;
    context.logger.warn(
      `the members of consumer group ${mine.groupName} subscribe differently: this client, ${context.clientId}, asks for ` +
        `${printable(ours)}, ${who} asks for ${printable(theirs)}. A group divides its queues among its members, so ` +
        `each of them misses messages. While a new version is rolled out this is normal for a short time; otherwise ` +
        `give each service a consumer group of its own.`,
    );
  }
}
