// Pops and acknowledges as a client does, in tests of the broker.
import { MessageProperty, Requests, decodeRecords, popRetryTopic } from '@nest-rocketmq/remoting/internal';
import type { HeaderOf, MessageExt, Reply } from '@nest-rocketmq/remoting/internal';
import { TestBroker } from './broker.js';
import type { TestClient } from './broker.js';
import type { BrokerOptions } from '../src/config/broker-options.js';

export const SECOND = 1_000;
export const INVISIBLE = 10 * SECOND;

type PopHeader = HeaderOf<typeof Requests.POP_MESSAGE>;

export interface Popped {
  reply: Reply<typeof Requests.POP_MESSAGE>;
  messages: MessageExt[];
  handles: string[];
}

/** A broker with messages of topic t in queue 0, and group g that pops them. */
export class PopClient {
  private constructor(
    readonly broker: TestBroker,
    public client: TestClient,
  ) {}

  static async start(bodies: readonly string[], options: BrokerOptions = {}): Promise<PopClient> {
    // A clean stop would write large files.
    const broker = await TestBroker.start({ mappedFileSizeTimerLog: 65_536, messageIndexEnable: false, ...options });
    const client = new PopClient(broker, await broker.client());
    for (const body of bodies) await client.send(body);
    return client;
  }

  /** After the broker was started again. */
  async reconnect(): Promise<void> {
    this.client = await this.broker.client();
  }

  async send(body: string, queueId = 0): Promise<void> {
    await this.client.send('t', { body, tags: body, queueId });
  }

  async pop(header: Partial<PopHeader> = {}): Promise<Popped> {
    const fields = {
      consumerGroup: 'g',
      topic: 't',
      queueId: -1,
      maxMsgNums: 32,
      invisibleTime: INVISIBLE,
      pollTime: 0,
      bornTime: this.broker.clock.now(),
      initMode: 0,
      ...header,
    };
    const reply = await this.client.connection.request(Requests.POP_MESSAGE, fields, { timeout: 600 * SECOND });
    const messages = decodeRecords(reply.body);
    return { reply, messages, handles: handlesOf(reply, messages) };
  }

  ack(extraInfo: string, more: object = {}): Promise<Reply<typeof Requests.ACK_MESSAGE>> {
    const header = { consumerGroup: 'g', extraInfo, ...placeOf(extraInfo), ...more };
    return this.client.connection.request(Requests.ACK_MESSAGE, header);
  }

  changeTime(
    extraInfo: string,
    invisibleTime: number,
    more: object = {},
  ): Promise<Reply<typeof Requests.CHANGE_MESSAGE_INVISIBLETIME>> {
    const header = { consumerGroup: 'g', extraInfo, invisibleTime, ...placeOf(extraInfo), ...more };
    return this.client.connection.request(Requests.CHANGE_MESSAGE_INVISIBLETIME, header);
  }

  advance(ms: number): Promise<void> {
    return this.broker.clock.advance(ms);
  }

  stop(): Promise<void> {
    return this.broker.stop();
  }
}

export const bodiesOf = ({ messages }: Popped): string[] => messages.map(({ body }) => body.toString());

/** As Apache's client makes them from the answer's lists. */
function handlesOf({ header }: Popped['reply'], messages: readonly MessageExt[]): string[] {
  const starts = (header.startOffsetInfo ?? '').split(';').map((one) => one.split(' '));
  return messages.map(({ properties, queueId, queueOffset }) => {
    const own = properties.get(MessageProperty.POP_CK);
    if (own !== undefined) return own;
    const start = starts.find(([flag, id]) => flag === '0' && Number(id) === queueId)?.[2];
    const { popTime, invisibleTime, reviveQid } = header;
    return [start, popTime, invisibleTime, reviveQid, 0, 'broker-a', queueId, queueOffset].join(' ');
  });
}

function placeOf(handle: string): { topic: string; queueId: number; offset: number } {
  const [, , , , flag, , queueId, offset] = handle.split(' ');
  const topic = flag === '1' || flag === '2' ? popRetryTopic('t', 'g', flag === '2') : 't';
  return { topic, queueId: Number(queueId ?? 0), offset: Number(offset ?? 0) };
}
