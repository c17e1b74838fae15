// Defines the options of message trace, with rocketmq-spring's names and defaults.
import { InvalidOptionError } from '@nest-rocketmq/remoting/internal';
import { checkTopic } from '../config/names.js';

/** Apache's default trace topic. Brokers have it with `traceTopicEnable=true`. */
export const DEFAULT_TRACE_TOPIC = 'RMQ_SYS_TRACE_TOPIC';

/** Options of message trace, of a producer or a consumer. */
export interface TraceOptions {
  /** Whether its messages are traced in Apache's format, for mqadmin's `queryMsgTraceById` and the dashboard. Default false. */
  enableMsgTrace?: boolean;
  /** The topic that the trace goes to. Default 'RMQ_SYS_TRACE_TOPIC', which a broker has with `traceTopicEnable=true`. */
  customizedTraceTopic?: string;
}

/** @throws InvalidOptionError, InvalidNameError */
export function resolveTraceOptions(options: TraceOptions): Required<TraceOptions> {
  const { enableMsgTrace = false, customizedTraceTopic = DEFAULT_TRACE_TOPIC } = options;
  if (typeof enableMsgTrace !== 'boolean') {
    throw new InvalidOptionError('enableMsgTrace', enableMsgTrace, 'true or false');
  }
  checkTopic(customizedTraceTopic);
  return { enableMsgTrace, customizedTraceTopic };
}
