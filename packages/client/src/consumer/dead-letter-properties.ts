// Names the properties that this client adds to dead letters and to their replays. Other peers ignore them.

/** Why the message is a dead letter, in words. */
export const DLQ_REASON = 'DLQ_REASON';
/** Which replay has sent the message again. */
export const DLQ_REPLAY_ID = 'DLQ_REPLAY_ID';
/** The offsetMsgId of the dead letter that was replayed. */
export const DLQ_REPLAY_OF = 'DLQ_REPLAY_OF';
