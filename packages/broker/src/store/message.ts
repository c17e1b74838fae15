// Declares the messages that go into the store, and the results that come out of it.

/** What became of an append; the names are Apache's. */
export type PutStatus =
  | 'PUT_OK'
  | 'MESSAGE_ILLEGAL'
  | 'PROPERTIES_SIZE_EXCEEDED'
  /** The time of delivery is no number, is further away than timerMaxDelaySec, or is that of a recall and has passed. */
  | 'WHEEL_TIMER_MSG_ILLEGAL'
  /** As many timer messages wait as may: maxPendingTimers. */
  | 'WHEEL_TIMER_FLOW_CONTROL'
  /** maxPendingRecalls recalls are looking for their messages already. */
  | 'RECALL_FLOW_CONTROL'
  /** timerWheelEnable is false. */
  | 'WHEEL_TIMER_NOT_ENABLE'
  /** Closed, disk full by the watermark, or a flush has failed: see `MessageStore.refusal`. */
  | 'SERVICE_NOT_AVAILABLE'
  /** More is waiting for the disk than `maxPendingBytes`. */
  | 'OS_PAGE_CACHE_BUSY';

/** What a read of a queue found; the names are Apache's. */
export type GetMessageStatus =
  | 'FOUND'
  | 'NO_MATCHED_MESSAGE'
  | 'MESSAGE_WAS_REMOVING'
  | 'OFFSET_FOUND_NULL'
  | 'OFFSET_OVERFLOW_BADLY'
  | 'OFFSET_OVERFLOW_ONE'
  | 'OFFSET_TOO_SMALL'
  | 'NO_MATCHED_LOGIC_QUEUE'
  | 'NO_MESSAGE_IN_QUEUE';

export interface HostAddress {
  /** 4 or 16 bytes. */
  address: Buffer;
  port: number;
}

/** A message as it is to be stored. */
export interface MessageInner {
  /** The topic it is stored under. */
  topic: string;
  queueId: number;
  flag: number;
  /** The bits for IPv6 hosts are set by the store. */
  sysFlag: number;
  /** ms since the epoch. */
  bornTimestamp: number;
  /** 4 or 16 bytes. */
  bornHost: Buffer;
  bornPort: number;
  reconsumeTimes: number;
  preparedTransactionOffset: number;
  body: Buffer;
  /** Encoded properties: `name 0x01 value 0x02 …`, UTF-8. */
  properties: Buffer;
  /** Java's hash of the property TAGS, 0 without; on the timer topic when it is due, see `timerTagsCode`. */
  tagsCode: number;
  /** On the schedule topic, ms: the consume queue then keeps the time of delivery instead of the tags. */
  deliverDelayMs?: number;
  /** Default: the broker's. */
  storeHost?: HostAddress;
  /** It was stored before: the limit of a body, which may have been lowered since, does not count. */
  again?: boolean;
}

/** One object that the store uses again for the next append: copy what you keep. */
export interface AppendResult {
  status: PutStatus;
  /** Position of the record in the commit log, bytes. */
  physicalOffset: number;
  /** Place in the queue. */
  queueOffset: number;
  /** Length of the record, bytes. */
  size: number;
  /** ms since the epoch. */
  storeTimestamp: number;
}

export interface GetResult {
  status: GetMessageStatus;
  nextBeginOffset: number;
  minOffset: number;
  /** Exclusive. */
  maxOffset: number;
  /** Whole records, several to a buffer. The caller's own. */
  body: Buffer[];
  /** Number of records in `body`. */
  count: number;
}

/** Entry of a consume queue. */
export interface QueueEntry {
  physicalOffset: number;
  size: number;
  tagsCode: number;
}

export interface QueryResult {
  /** Newest first. */
  records: Buffer[];
  lastUpdateTimestamp: number;
  lastUpdatePhyoffset: number;
}

/**
 * Decides by the low 32 bits of the tags code, and where that is not enough by the record. The record is read only
 * when asked for. Undefined: the read ends before this message.
 */
export type MessageFilter = (tagsCode: number, record: () => Buffer | undefined) => boolean | undefined;

/** `failure` set: every record above the previous `upTo` was refused and is gone. */
export type CommittedListener = (upTo: number, failure?: Error) => void;
export type ArrivedListener = (topic: string, queueId: number, maxOffset: number, tagsCode: number) => void;
