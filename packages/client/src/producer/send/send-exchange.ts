// Sends one message over an open connection, and makes its result of the answer: the hot path.
import type { Connection, EncodedRequest, MessageQueue, Reply, RequestRow } from '@nest-rocketmq/remoting/internal';
import type { PreparedMessage } from './outgoing.js';
import type { SendResult } from '../options/producer-options.js';
import { SendAnswer } from './send-answer.js';
import { SendFrames } from './send-frames.js';
import type { SendFramesOptions } from './send-frames.js';
import { toResult } from './send-result.js';
import type { SendRow } from './send-result.js';

type SendReply = Reply<SendRow>;

export interface SendExchangesOptions extends SendFramesOptions {
  /** Told of each message that was stored, and when its send began, ms since the epoch. */
  readonly stored: (message: PreparedMessage, result: SendResult, address: string, startedAt: number) => void;
  /** Told of each failure. */
  readonly failed: (error: unknown) => void;
  readonly defaultRegion: string;
}

export class SendExchanges {
  readonly frames: SendFrames;
  readonly answer = new SendAnswer();

  constructor(readonly options: SendExchangesOptions) {
    this.frames = new SendFrames(options);
  }

  /** @param connection that takes encoded requests. @throws as `Connection.request`, and ResponseError */
  send(
    connection: Connection,
    row: RequestRow,
    queue: MessageQueue,
    message: PreparedMessage,
    timeout: number,
    startedAt: number,
  ): Promise<SendResult> {
    return new Promise((resolve, reject) =>
      connection.requestEncoded(
        row,
        new SendExchange(this, row, queue, message, connection.address, startedAt, resolve, reject),
        timeout,
      ),
    );
  }
}

class SendExchange implements EncodedRequest {
  constructor(
    private readonly shared: SendExchanges,
    private readonly row: RequestRow,
    private readonly queue: MessageQueue,
    private readonly message: PreparedMessage,
    private readonly address: string,
    private readonly startedAt: number,
    private readonly done: (result: SendResult) => void,
    private readonly refuse: (error: Error) => void,
  ) {}

  encode(opaque: number, connection: Connection): Buffer {
    return this.shared.frames.encode(this.queue, this.message, this.row, opaque, connection);
  }

  binary(frame: Buffer): boolean {
    const { answer, options } = this.shared;
    const { msgId } = this.message;
    if (!answer.read(frame, msgId)) return false;
    const { topic, brokerName } = this.queue;
    const { transactionId, recallHandle } = answer;
    const result: SendResult = {
      sendStatus: 'SEND_OK',
      msgId,
      offsetMsgId: answer.msgId,
      messageQueue: { topic, brokerName, queueId: answer.queueId },
      queueOffset: answer.queueOffset,
      ...(transactionId !== undefined && { transactionId }),
      ...(recallHandle !== undefined && { recallHandle }),
      regionId: answer.region ?? options.defaultRegion,
      traceOn: answer.traceOn,
    };
    this.#stored(result);
    return true;
  }

  resolve(reply: Reply<RequestRow>): void {
    try {
      this.#stored(toResult(reply as SendReply, this.queue, this.message, this.address));
    } catch (error) {
      this.reject(error as Error);
    }
  }

  reject(error: Error): void {
    this.shared.options.failed(error);
    this.refuse(error);
  }

  #stored(result: SendResult): void {
    this.shared.options.stored(this.message, result, this.address, this.startedAt);
    this.done(result);
  }
}
