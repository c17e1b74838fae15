// Defines what a message and its queue are.

/** A queue of a topic on one broker. `queueId` counts from 0. */
export interface MessageQueue {
  readonly topic: string;
  readonly brokerName: string;
  readonly queueId: number;
}

/** An address as message records have it. */
export interface HostPort {
  /** The IP address, packed in 4 or 16 bytes. */
  readonly address: Buffer;
  readonly port: number;
}

/** A message as a broker has stored it. */
export interface MessageExt {
  topic: string;
  queueId: number;
  /** The application's own number, 32 bits. */
  flag: number;
  /** bits of SysFlag; those of compression are cleared when the body has been inflated */
  sysFlag: number;
  body: Buffer;
  properties: Map<string, string>;
  /** ms since the epoch */
  bornTimestamp: number;
  bornHost: HostPort;
  /** ms since the epoch */
  storeTimestamp: number;
  storeHost: HostPort;
  /** position in its queue, counted in messages */
  queueOffset: number;
  /** position in the commit log, in bytes; Apache's commitLogOffset */
  physicalOffset: number;
  /** of the half message that it was, 0 when it was none */
  preparedTransactionOffset: number;
  /** How often it has been delivered again: 0 at the first time. */
  reconsumeTimes: number;
  /** bytes of its record */
  storeSize: number;
  /** CRC32 of the body as it was stored. */
  bodyCrc: number;
  /** UNIQ_KEY where the producer set one, else the offsetMsgId */
  msgId: string;
  offsetMsgId: string;
  /** set by the consumer that pulled it */
  brokerName?: string;
}
