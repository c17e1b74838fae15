// Says where half messages are, and how transactions end.
import { SysFlag, decodeOffsetMsgId } from '@nest-rocketmq/remoting/internal';
import type { LocalTransactionState, SendResult } from '../options/producer-options.js';

/** END_TRANSACTION's commitOrRollback. */
export const COMMIT_OR_ROLLBACK: Record<LocalTransactionState, number> = {
  COMMIT_MESSAGE: SysFlag.TRANSACTION_COMMIT,
  ROLLBACK_MESSAGE: SysFlag.TRANSACTION_ROLLBACK,
  UNKNOW: SysFlag.TRANSACTION_NOT_TYPE,
};

/** Where the half message is. Each time that its broker asks, it has stored it anew. */
export interface HalfPlace {
  readonly brokerName: string;
  readonly tranStateTableOffset: number;
  readonly commitLogOffset: number;
}

export interface Verdict {
  readonly state: LocalTransactionState;
  /** Why it is unknown, for the broker's log. */
  readonly remark?: string;
}

export function placeOf({ messageQueue: { brokerName }, queueOffset, offsetMsgId }: SendResult): HalfPlace {
  const { physicalOffset } = decodeOffsetMsgId(offsetMsgId);
  return { brokerName, tranStateTableOffset: queueOffset, commitLogOffset: physicalOffset };
}

export function transactionIdOf(sent: SendResult): string {
  return sent.transactionId ?? sent.msgId;
}

/** Anything but the two ends is unknown: a listener in plain JavaScript may return nothing. */
export function toVerdict(state: LocalTransactionState): Verdict {
  return { state: state === 'COMMIT_MESSAGE' || state === 'ROLLBACK_MESSAGE' ? state : 'UNKNOW' };
}

/** What hooks are told of it. */
export function endOf(topic: string, msgId: string, transactionId: string, { state }: Verdict) {
  return { topic, msgId, transactionId, transactionState: state };
}
