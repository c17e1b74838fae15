// Sends the trace of a producer or consumer: by a sender of its own, which is not traced.
import { AUTO_CREATE_TOPIC_KEY } from '@nest-rocketmq/remoting/internal';
import type { ClientContext } from '../../client-context.js';
import { Namespace } from '../../config/namespace.js';
import { MOST_TRACE_BYTES, TraceDispatcher } from '../../trace/trace-dispatcher.js';
import type { TraceOptions } from '../../trace/trace-options.js';
import { RoundRobin } from '../queues/choose-queue.js';
import { ProducerTrace } from './producer-trace.js';
import { prepare } from './outgoing.js';
import { Sender } from './send.js';

const GROUP_PREFIX = '_INNER_TRACE_PRODUCER';
const SEND_TIMEOUT_MS = 5_000;
/** One record may be larger than a message of them should be: its keys are the application's. */
const MOST_BODY_BYTES = 32 * MOST_TRACE_BYTES;

/** @returns undefined unless the options switch the trace on */
export function producerTrace(
  context: ClientContext,
  options: { group: string } & Required<TraceOptions>,
): ProducerTrace | undefined {
  const dispatcher = traceDispatcher(context, options, 'PRODUCE');
  return dispatcher && new ProducerTrace(dispatcher, options.group);
}

/** @returns undefined unless the options switch the trace on */
export function traceDispatcher(
  context: ClientContext,
  { group, enableMsgTrace, customizedTraceTopic: topic }: { group: string } & Required<TraceOptions>,
  kind: 'PRODUCE' | 'CONSUME',
): TraceDispatcher | undefined {
  if (!enableMsgTrace) return undefined;
  const { clock, routes, brokers, closing, logger, ids } = context;
  const sender = new Sender(
    { clock, routes, brokers, roundRobin: new RoundRobin(), closing },
    {
      group: `${GROUP_PREFIX}-${group}-${kind}-1`,
      createTopicKey: AUTO_CREATE_TOPIC_KEY,
      defaultTopicQueueNums: 4,
      retryTimesWhenSendFailed: 2,
      retryAnotherBrokerWhenNotStoreOK: false,
      sendMsgMaxTimeoutPerRequest: -1,
    },
  );
  const send = async (keys: string[], body: string): Promise<void> => {
    const message = { topic, body, keys };
    const options = { ids, now: clock.now(), maxMessageSize: MOST_BODY_BYTES, maxDelay: 1 };
    await sender.sendToAny(prepare(message, options), SEND_TIMEOUT_MS);
  };
  const names = new Namespace(context.options.namespace);
  return new TraceDispatcher({ clock, logger, traceTopic: topic, nameOf: (name) => names.strip(name), send });
}
