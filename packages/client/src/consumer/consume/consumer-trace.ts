// Makes the trace records of a consumer: before each call of its listener, and after it.
import { MessageProperty } from '@nest-rocketmq/remoting/internal';
import type { MessageExt, UniqueIdMaker } from '@nest-rocketmq/remoting/internal';
import type { ClientContext } from '../../client-context.js';
import { tracedMessage } from '../../producer/send/producer-trace.js';
import { traceDispatcher } from '../../producer/send/trace-sender.js';
import type { TraceOptions } from '../../trace/trace-options.js';
import type { TraceDispatcher } from '../../trace/trace-dispatcher.js';
import { ConsumeReturnType } from '../../trace/trace-record.js';
import type { MessageListener } from '../options/consumer-options.js';
import { Outcome } from '../options/outcome.js';

export interface ConsumerTraceParts {
  readonly dispatcher: TraceDispatcher;
  readonly group: string;
  readonly ids: UniqueIdMaker;
  /** How long a call may take before its message is given back, ms. */
  readonly consumeTimeout: number;
}

type Ended = (code: number) => void;

/** @param consumeTimeout ms @returns undefined unless the options switch the trace on */
export function consumerTrace(
  context: ClientContext,
  options: { group: string } & Required<TraceOptions>,
  consumeTimeout = Infinity,
): ConsumerTrace | undefined {
  const dispatcher = traceDispatcher(context, options, 'CONSUME');
  return dispatcher && new ConsumerTrace({ dispatcher, group: options.group, ids: context.ids, consumeTimeout });
}

export class ConsumerTrace {
  readonly #parts: ConsumerTraceParts;

  constructor(parts: ConsumerTraceParts) {
    this.#parts = parts;
  }

  /** Sends what waits. */
  close(): Promise<void> {
    return this.#parts.dispatcher.close();
  }

  /** The same listener, traced. */
  listener(listener: MessageListener): MessageListener {
    return async (messages, context) => {
      const ended = this.begin(messages);
      try {
        const result = await listener(messages, context);
        const results = result instanceof Map ? [...result.values()] : [result].flat();
        ended(results.some(isFailure) ? ConsumeReturnType.FAILED : ConsumeReturnType.SUCCESS);
        return result;
      } catch (error) {
        // A thrown outcome says the same as one that is returned.
        if (!Outcome.is(error)) ended(ConsumeReturnType.EXCEPTION);
        else ended(isFailure(error) ? ConsumeReturnType.FAILED : ConsumeReturnType.SUCCESS);
        throw error;
      }
    };
  }

  /** Traces that messages are handed out. @returns traces how that ended: one of ConsumeReturnType */
  begin(all: readonly MessageExt[]): Ended {
    const { dispatcher, group, ids, consumeTimeout } = this.#parts;
    const messages = all.filter(isTraced);
    const regionId = messages.at(-1)?.properties.get(MessageProperty.MSG_REGION);
    // Java has no record either of a message whose broker named no region.
    if (regionId === undefined) return () => undefined;
    const timestamp = dispatcher.clock.now();
    const requestId = ids.next(timestamp);
    const traced = messages.map(({ topic, msgId, properties, reconsumeTimes }) => ({
      ...tracedMessage(topic, msgId, properties),
      retryTimes: reconsumeTimes,
    }));
    dispatcher.append({ type: 'SubBefore', timestamp, regionId, group, requestId, messages: traced });
    return (code) => {
      const now = dispatcher.clock.now();
      const took = now - timestamp;
      dispatcher.append({
        type: 'SubAfter',
        timestamp: now,
        regionId,
        group,
        requestId,
        messages: traced,
        costTime: Math.trunc(took / all.length),
        success: code === ConsumeReturnType.SUCCESS,
        contextCode: code !== ConsumeReturnType.EXCEPTION && took >= consumeTimeout ? ConsumeReturnType.TIME_OUT : code,
      });
    };
  }
}

function isFailure(result: unknown): boolean {
  if (Outcome.is(result)) return result.kind !== 'ack';
  return result === 'RECONSUME_LATER' || result === 'SUSPEND_CURRENT_QUEUE_A_MOMENT';
}

function isTraced({ properties }: MessageExt): boolean {
  return properties.get(MessageProperty.TRACE_ON) !== 'false';
}
