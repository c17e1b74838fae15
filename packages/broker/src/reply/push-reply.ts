// Pushes replies to the clients that wait for them, and tells the replier whether they took them.
import { MessageProperty, Requests, ResponseCode, encodeProperties, printable } from '@nest-rocketmq/remoting/internal';
import type { Clock, EventLog, HeaderOf } from '@nest-rocketmq/remoting/internal';
import type { Clients } from '../clients/clients.js';

/** How long a requester may take to confirm a reply, ms: as in Apache's Broker2Client. */
const CONFIRM_TIMEOUT_MS = 10_000;

/** A reply as it goes to its requester, before the time of the push stands in its properties. */
export type ReplyHeader = HeaderOf<typeof Requests.PUSH_REPLY_MESSAGE_TO_CLIENT>;

export interface ReplyPushOptions {
  clients: Clients;
  clock: Clock;
  log: EventLog;
  /** Replies that may wait for their requesters at a time. */
  maxPendingReplies: number;
}

export class ReplyPush {
  #pending = 0;

  constructor(private readonly options: ReplyPushOptions) {}

  /** Whether as many replies wait for their requesters as may. */
  get full(): boolean {
    return this.#pending >= this.options.maxPendingReplies;
  }

  /**
   * The request is written before this returns, so that the body may be shared with the socket's buffer.
   * @returns undefined when the requester took it, else why not, in Apache's words. Never rejects.
   */
  async push(header: ReplyHeader, properties: ReadonlyMap<string, string>, body: Buffer): Promise<string | undefined> {
    const { clients, clock, log } = this.options;
    const requester = properties.get(MessageProperty.REPLY_TO_CLIENT);
    if (requester === undefined) return `reply message properties[${MessageProperty.REPLY_TO_CLIENT}] is null`;
    const connection = clients.producerConnection(requester);
    if (!connection || connection.closed) {
      const remark = `push reply message fail, channel of <${printable(requester)}> not found.`;
      log.say('warn', 'replies whose requester is gone', remark);
      return remark;
    }
    const pushed = new Map(properties).set(MessageProperty.PUSH_REPLY_TIME, String(clock.now()));
    const whole = { ...header, properties: encodeProperties(pushed) };
    const options = { body, timeout: CONFIRM_TIMEOUT_MS };
    this.#pending++;
    try {
      const reply = await connection.request(Requests.PUSH_REPLY_MESSAGE_TO_CLIENT, whole, options);
      if (reply.code === ResponseCode.SUCCESS) return undefined;
      return this.#failed(requester, reply.remark ?? `it answered with code ${reply.code}`);
    } catch (error) {
      return this.#failed(requester, error instanceof Error ? error.message : String(error));
    } finally {
      this.#pending--;
    }
  }

  #failed(requester: string, reason: string): string {
    const message = `a reply could not be pushed to client ${printable(requester)}: ${printable(reason)}`;
    this.options.log.say('warn', 'replies that were not pushed', message);
    return `push reply message to ${printable(requester)}fail.`;
  }
}
