// Makes the trace records of a producer.
import { MessageProperty } from '@nest-rocketmq/remoting/internal';
import type { TraceDispatcher } from '../../trace/trace-dispatcher.js';
import { TracedMessageType } from '../../trace/trace-record.js';
import type { EndTransactionRecord, TracedMessage } from '../../trace/trace-record.js';
import type { PreparedMessage } from './outgoing.js';
import type { SendResult } from '../options/producer-options.js';

const DEFAULT_REGION = 'DefaultRegion';

/** What a producer's parts tell the trace. */
export class ProducerTrace {
  readonly #dispatcher: TraceDispatcher;
  readonly #group: string;

  constructor(dispatcher: TraceDispatcher, group: string) {
    this.#dispatcher = dispatcher;
    this.#group = group;
  }

  /** A broker has answered an attempt to send. @param startedAt of that attempt, ms since the epoch */
  sent(message: PreparedMessage, result: SendResult, storeHost: string, startedAt: number): void {
    if (!result.traceOn || !this.#dispatcher.traces(message.topic)) return;
    this.#dispatcher.append({
      type: 'Pub',
      timestamp: startedAt,
      regionId: result.regionId,
      group: this.#group,
      message: tracedMessage(message.topic, message.msgId, message.properties),
      storeHost,
      bodyLength: message.body.length,
      costTime: this.#dispatcher.clock.now() - startedAt,
      messageType: messageTypeOf(message),
      offsetMsgId: result.offsetMsgId,
      success: result.sendStatus === 'SEND_OK',
    });
  }

  /** A broker was told how a transaction ended. */
  ended(
    end: Pick<EndTransactionRecord, 'message' | 'storeHost' | 'transactionId' | 'state' | 'fromCheck'>,
    regionId = DEFAULT_REGION,
  ): void {
    const timestamp = this.#dispatcher.clock.now();
    this.#dispatcher.append({ type: 'EndTransaction', timestamp, regionId, group: this.#group, ...end });
  }

  /** A broker has answered a recall. */
  recalled(topic: string, msgId: string, success: boolean, regionId = DEFAULT_REGION): void {
    const timestamp = this.#dispatcher.clock.now();
    const message = { topic, msgId };
    this.#dispatcher.append({ type: 'Recall', timestamp, regionId, group: this.#group, message, success });
  }

  /** Sends what waits. */
  close(): Promise<void> {
    return this.#dispatcher.close();
  }
}

/** What the records of a message say of it. */
export function tracedMessage(topic: string, msgId: string, properties: ReadonlyMap<string, string>): TracedMessage {
  return { topic, msgId, tags: properties.get(MessageProperty.TAGS), keys: properties.get(MessageProperty.KEYS) };
}

function messageTypeOf({ properties, delay }: PreparedMessage): number {
  if (delay || properties.has(MessageProperty.DELAY)) return TracedMessageType.DELAY;
  return properties.get(MessageProperty.TRAN_MSG) === 'true'
    ? TracedMessageType.TRANSACTION_HALF
    : TracedMessageType.NORMAL;
}
