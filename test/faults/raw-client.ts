// Speaks to a broker over TCP as a client that keeps no rules: it stops reading, drips, resets, and sends what it likes.
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import {
  Connection,
  FrameDecoder,
  NO_BODY,
  Requests,
  addressIn,
  decodeFrame,
  emptyFields,
  encodeFrame,
  encodeHeartbeat,
  encodeProperties,
  handlerTable,
  silentLogger,
} from '@nest-rocketmq/remoting/internal';
import type {
  Clock,
  HandlerTable,
  HeaderOf,
  RemotingCommand,
  Reply,
  RequestRow,
} from '@nest-rocketmq/remoting/internal';

/** The frame of a request. */
export function frameOf<Row extends RequestRow>(
  row: Row,
  header: HeaderOf<Row>,
  { opaque = 1, body = NO_BODY }: { opaque?: number; body?: Buffer } = {},
): Buffer {
  const extFields = emptyFields();
  row.header.encode(header, extFields);
  const rest = { flag: 0, language: 'JAVA', version: 400, remark: undefined, serializeType: 'json' as const };
  return encodeFrame({ ...rest, code: row.code, opaque, extFields, body });
}

export const sendHeader = (topic: string, more: Record<string, string> = {}, sysFlag = 0) => ({
  a: 'raw_producer',
  b: topic,
  c: 'TBW102',
  d: 1,
  e: 0,
  f: sysFlag,
  g: 0,
  h: 0,
  i: encodeProperties(Object.entries({ UNIQ_KEY: 'k', ...more })),
});

export const pullHeader = (topic: string, queueOffset: number, suspend = 0) => ({
  consumerGroup: 'raw_consumer',
  topic,
  queueId: 0,
  queueOffset,
  maxMsgNums: 32,
  sysFlag: suspend > 0 ? 6 : 4,
  commitOffset: 0,
  suspendTimeoutMillis: suspend,
  subVersion: 0,
  subscription: '*',
});

export const popHeader = (topic: string, more: object = {}) => ({
  consumerGroup: 'raw_popper',
  topic,
  queueId: -1,
  maxMsgNums: 32,
  invisibleTime: 10_000,
  pollTime: 0,
  bornTime: 0,
  initMode: 0,
  ...more,
});

/** A socket, which reads frames as long as it is not told otherwise. */
export class RawClient {
  readonly frames: RemotingCommand[] = [];
  readonly closed: Promise<unknown>;
  #waiting: (() => void)[] = [];

  private constructor(readonly socket: Socket) {
    socket.on('error', () => undefined);
    this.closed = new Promise((resolve) => socket.once('close', resolve));
    const decoder = new FrameDecoder();
    socket.on('data', (chunk: Buffer) => {
      decoder.push(chunk, (frame) => {
        this.frames.push(decodeFrame(Buffer.from(frame)));
        return true;
      });
      for (const resolve of this.#waiting.splice(0)) resolve();
    });
    socket.once('close', () => this.#waiting.splice(0).forEach((resolve) => resolve()));
  }

  static async connect(address: string): Promise<RawClient> {
    const socket = connect({ ...addressIn(address)!, noDelay: true });
    const client = new RawClient(socket);
    await once(socket, 'connect');
    return client;
  }

  /** Resolves with the frames when so many have come. */
  async received(count: number): Promise<RemotingCommand[]> {
    while (this.frames.length < count && !this.socket.destroyed)
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    return this.frames;
  }

  async ask<Row extends RequestRow>(row: Row, header: HeaderOf<Row>, body?: Buffer): Promise<RemotingCommand> {
    const count = this.frames.length + 1;
    this.socket.write(frameOf(row, header, { ...(body && { body }) }));
    return (await this.received(count))[count - 1]!;
  }

  /** Tells the broker of a producer's group, or of a consumer's. */
  async join(clientID: string, { producer, consumer }: { producer?: string; consumer?: string }): Promise<void> {
    const consumers = consumer === undefined ? [] : [consumerData(consumer)];
    const producerGroups = producer === undefined ? [] : [producer];
    const data = { clientID, producerGroups, consumers, heartbeatFingerprint: 0, withoutSub: false };
    await this.ask(Requests.HEART_BEAT, {}, encodeHeartbeat(data));
  }

  /** Ends the connection without a word of goodbye. */
  reset(): Promise<unknown> {
    this.socket.resetAndDestroy();
    return this.closed;
  }
}

const consumerData = (groupName: string) => ({
  groupName,
  consumeType: 'CONSUME_PASSIVELY',
  messageModel: 'CLUSTERING',
  consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
  subscriptionDataSet: [],
  unitMode: false,
});

/** A peer that keeps the rules, beside those that do not. */
export class HonestClient {
  private constructor(readonly connection: Connection) {}

  static async connect(address: string, clock: Clock, handlers?: HandlerTable): Promise<HonestClient> {
    const socket = connect({ ...addressIn(address)!, noDelay: true });
    await once(socket, 'connect');
    const options = { address, clock, logger: silentLogger, handlers: handlers ?? handlerTable() };
    return new HonestClient(new Connection(socket, options));
  }

  ask<Row extends RequestRow>(row: Row, header: HeaderOf<Row>, body?: Buffer): Promise<Reply<Row>> {
    return this.connection.request(row, header, { timeout: 600_000, ...(body && { body }) });
  }

  async send(topic: string, body: string): Promise<number> {
    return (await this.ask(Requests.SEND_MESSAGE_V2, sendHeader(topic), Buffer.from(body))).code;
  }

  async maxOffset(topic: string): Promise<number | undefined> {
    return (await this.ask(Requests.GET_MAX_OFFSET, { topic, queueId: 0 })).header.offset;
  }
}
