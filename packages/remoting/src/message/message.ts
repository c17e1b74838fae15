// Owns what a message and its queue are, to everybody who handles them.

export interface MessageQueue {
  readonly topic: string;
  readonly brokerName: string;
  readonly queueId: number;
}

export interface HostPort {
  /** packed in 4 or 16 bytes */
  readonly address: Buffer;
  readonly port: number;
}

/** A message as a broker has stored it. */
export interface MessageExt {
  topic: string;
  queueId: number;
  /** the user's own number */
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
  reconsumeTimes: number;
  /** bytes of its record */
  storeSize: number;
  bodyCrc: number;
  /** UNIQ_KEY where the producer set one, else the offsetMsgId */
  msgId: string;
  offsetMsgId: string;
  /** set by the consumer that pulled it */
  brokerName?: string;
}
