// Names the properties that this client adds to dead letters and to their replays. Other peers ignore them.
import { MessageProperty } from '@nest-rocketmq/remoting/internal';

/** Why the message is a dead letter, in words. */
export const DLQ_REASON = 'DLQ_REASON';
/** Which replay has sent the message again. */
export const DLQ_REPLAY_ID = 'DLQ_REPLAY_ID';
/** The offsetMsgId of the dead letter that was replayed. */
export const DLQ_REPLAY_OF = 'DLQ_REPLAY_OF';

/** What brokers and clients have noted on the way of the old message; a broker would take the new one for a timer's. */
export const OF_ONE_DELIVERY: ReadonlySet<string> = new Set([
  MessageProperty.TRAN_MSG,
  MessageProperty.MIN_OFFSET,
  MessageProperty.MAX_OFFSET,
  MessageProperty.DELAY,
  MessageProperty.REAL_TOPIC,
  MessageProperty.REAL_QID,
  MessageProperty.CONSUME_START_TIME,
  ...Object.values(MessageProperty).filter((name) => name.startsWith('TIMER_')),
]);
