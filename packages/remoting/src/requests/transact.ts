// Declares the request by which a producer ends a transaction.
import { flag, int, long, maybe, text } from './field.js';
import { request } from './request.js';
import { viaRpc } from './common.js';

export const transactRequests = {
  /** Sent one-way by producers. commitOrRollback: 8 commit, 12 rollback, 0 unknown. */
  END_TRANSACTION: request(37, 'END_TRANSACTION', ['broker'], {
    topic: maybe(text()),
    producerGroup: text(),
    tranStateTableOffset: long(),
    commitLogOffset: long(),
    commitOrRollback: int(),
    fromTransactionCheck: maybe(flag()),
    msgId: text(),
    transactionId: maybe(text()),
    ...viaRpc,
  }),
};
