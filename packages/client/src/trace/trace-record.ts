// Writes trace records as Java's TraceDataEncoder does, so that mqadmin and the dashboard read them.
const FIELD_END = '\u0001';
const RECORD_END = '\u0002';
/** What Java's StringBuilder writes for a text that is not there. */
const NULL = 'null';

/** The position in Java's MessageType. */
export const TracedMessageType = { NORMAL: 0, TRANSACTION_HALF: 1, TRANSACTION_COMMIT: 2, DELAY: 3 } as const;
/** The position in Java's ConsumeReturnType. */
export const ConsumeReturnType = { SUCCESS: 0, TIME_OUT: 1, EXCEPTION: 2, RETURN_NULL: 3, FAILED: 4 } as const;

interface Common {
  /** When it began, ms since the epoch. */
  readonly timestamp: number;
  readonly regionId: string;
  /** The producer's or consumer's. */
  readonly group: string;
}

/** What every record says of a message. */
export interface TracedMessage {
  readonly topic: string;
  readonly msgId: string;
  readonly tags?: string | undefined;
  /** Separated by spaces. */
  readonly keys?: string | undefined;
}

/** A message was stored. */
export interface PubRecord extends Common {
  readonly type: 'Pub';
  readonly message: TracedMessage;
  /** The broker's address. */
  readonly storeHost: string;
  /** Bytes, as sent. */
  readonly bodyLength: number;
  /** ms */
  readonly costTime: number;
  readonly messageType: number;
  readonly offsetMsgId: string;
  readonly success: boolean;
}

/** A listener is about to be called. */
export interface SubBeforeRecord extends Common {
  readonly type: 'SubBefore';
  /** The same as of the SubAfter of this call. */
  readonly requestId: string;
  readonly messages: readonly (TracedMessage & { readonly retryTimes: number })[];
}

/** A listener's call has ended. */
export interface SubAfterRecord extends Common {
  readonly type: 'SubAfter';
  readonly requestId: string;
  readonly messages: readonly TracedMessage[];
  /** ms, for each of the messages. */
  readonly costTime: number;
  readonly success: boolean;
  /** Of ConsumeReturnType. */
  readonly contextCode: number;
}

/** A broker was told how a transaction ended. */
export interface EndTransactionRecord extends Common {
  readonly type: 'EndTransaction';
  readonly message: TracedMessage;
  readonly storeHost: string;
  readonly transactionId: string;
  readonly state: 'COMMIT_MESSAGE' | 'ROLLBACK_MESSAGE' | 'UNKNOW';
  readonly fromCheck: boolean;
}

/** A delayed message was taken back, or could not be. */
export interface RecallRecord extends Common {
  readonly type: 'Recall';
  readonly message: TracedMessage;
  readonly success: boolean;
}

/** What is traced of a message on its way. */
export type TraceRecord = PubRecord | SubBeforeRecord | SubAfterRecord | EndTransactionRecord | RecallRecord;

/** The record as text; of a list of messages, one record for each. */
export function encodeTraceRecord(record: TraceRecord): string {
  return rowsOf(record)
    .map((fields) => fields.map((field) => String(field ?? NULL)).join(FIELD_END) + RECORD_END)
    .join('');
}

/** The keys by which the record is found: ids and keys of its messages. */
export function traceKeysOf(record: TraceRecord): string[] {
  return messagesOf(record)
    .flatMap(({ msgId, keys = '' }) => [msgId, ...keys.split(' ')])
    .filter((key) => key !== '');
}

/** Records of one topic go out together. */
export function tracedTopicOf(record: TraceRecord): string {
  return messagesOf(record)[0]?.topic ?? '';
}

/** The same record with other names of its group and topics. */
export function renamed(record: TraceRecord, nameOf: (name: string) => string): TraceRecord {
  const rename = <M extends TracedMessage>(message: M): M => ({ ...message, topic: nameOf(message.topic) });
  const group = nameOf(record.group);
  switch (record.type) {
    case 'SubBefore':
      return { ...record, group, messages: record.messages.map(rename) };
    case 'SubAfter':
      return { ...record, group, messages: record.messages.map(rename) };
    default:
      return { ...record, group, message: rename(record.message) };
  }
}

function messagesOf(record: TraceRecord): readonly TracedMessage[] {
  return 'messages' in record ? record.messages : [record.message];
}

type Field = string | number | boolean | undefined;

function rowsOf(record: TraceRecord): Field[][] {
  const { type, timestamp, regionId, group } = record;
  const head: Field[] = [type, timestamp, regionId, group];
  switch (record.type) {
    case 'Pub': {
      const { message, storeHost, bodyLength, costTime, messageType, offsetMsgId, success } = record;
      const { topic, msgId, tags, keys } = message;
      const rest = [storeHost, bodyLength, costTime, messageType, offsetMsgId, success];
      return [[...head, topic, msgId, tags, keys, ...rest]];
    }
    case 'SubBefore':
      return record.messages.map(({ msgId, retryTimes, keys }) => [...head, record.requestId, msgId, retryTimes, keys]);
    case 'SubAfter': {
      const { requestId, costTime, success, contextCode } = record;
      return record.messages.map(({ msgId, keys }) => [
        type,
        requestId,
        msgId,
        costTime,
        success,
        keys,
        contextCode,
        timestamp,
        group,
      ]);
    }
    case 'EndTransaction': {
      const { message, storeHost, transactionId, state, fromCheck } = record;
      const { topic, msgId, tags, keys } = message;
      const end = [storeHost, TracedMessageType.TRANSACTION_COMMIT, transactionId, state, fromCheck];
      return [[...head, topic, msgId, tags, keys, ...end]];
    }
    case 'Recall':
      return [[...head, record.message.topic, record.message.msgId, record.success]];
  }
}
