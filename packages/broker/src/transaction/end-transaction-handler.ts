// Answers a producer's verdict on its half message.
import {
  DecodeError,
  HALF_TOPIC,
  MessageProperty,
  ResponseCode,
  SysFlag,
  decodeRecord,
} from '@nest-rocketmq/remoting/internal';
import type { Answer, Clock, Handlers, HeaderOf, MessageExt, Requests } from '@nest-rocketmq/remoting/internal';
import type { MessageWriter } from '../message/message-writer.js';
import type { BrokerStats } from '../metrics/broker-stats.js';
import type { MessageStore } from '../store/store.js';
import { fromHalf } from '../message/half-message.js';
import type { HalfQueue } from './half-queue.js';

export interface EndTransactionDeps {
  store: MessageStore;
  messageWriter: MessageWriter;
  halves: HalfQueue;
  stats: BrokerStats;
  clock: Clock;
}

type Row = typeof Requests.END_TRANSACTION;
type Header = HeaderOf<Row>;

export function endTransactionHandlers(deps: EndTransactionDeps): Pick<Handlers<'broker'>, 'END_TRANSACTION'> {
  return { END_TRANSACTION: ({ header }) => end(deps, header) };
}

async function end(deps: EndTransactionDeps, header: Header): Promise<Answer<Row> | undefined> {
  const commit = header.commitOrRollback === SysFlag.TRANSACTION_COMMIT;
  // Unknown: the producer will be asked again, and expects no answer to this.
  if (!commit && header.commitOrRollback !== SysFlag.TRANSACTION_ROLLBACK) return undefined;
  const half = await readHalf(deps.store, header.commitLogOffset);
  if (!half) return wrong('Find prepared transaction message failed');
  const refusal = check(header, half) ?? checkImmunity(deps, header, half);
  if (refusal) return refusal;
  const { halves } = deps;
  const newest = halves.newest(half.queueOffset);
  // Apache answers with success too, and delivers the message once more.
  if (!halves.isOpen(newest)) return { remark: 'this transaction has been decided: its first verdict stands' };
  await halves.decide(newest, commit ? () => deliver(deps, half) : undefined);
  return {};
}

async function deliver({ messageWriter, stats }: EndTransactionDeps, half: MessageExt): Promise<void> {
  const message = fromHalf(half);
  const result = messageWriter.put(message);
  const { size, storeTimestamp } = result;
  await messageWriter.whenStored(result);
  // Counted for its own topic: with a delay level it is stored under the schedule topic.
  stats.put(message.topic, message.queueId, 1, size, storeTimestamp);
}

async function readHalf(store: MessageStore, physicalOffset: number): Promise<MessageExt | undefined> {
  const record = physicalOffset < 0 ? undefined : await store.readRecord(physicalOffset);
  if (!record) return undefined;
  try {
    const message = decodeRecord(record, 0, { inflate: false });
    return message.topic === HALF_TOPIC ? message : undefined;
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}

function check(header: Header, half: MessageExt): Answer<Row> | undefined {
  if (half.properties.get(MessageProperty.PGROUP) !== header.producerGroup) return wrong('The producer group wrong');
  if (half.queueOffset !== header.tranStateTableOffset) return wrong('The transaction state table offset wrong');
  if (half.physicalOffset !== header.commitLogOffset) return wrong('The commit log offset wrong');
  return undefined;
}

/** Refuses a verdict after the immunity time that the producer set: from then on only answers to checks count. */
function checkImmunity({ clock }: EndTransactionDeps, header: Header, half: MessageExt): Answer<Row> | undefined {
  const seconds = Number(half.properties.get(MessageProperty.CHECK_IMMUNITY_TIME_IN_SECONDS) ?? NaN);
  if (header.fromTransactionCheck || !(seconds >= 0) || clock.now() - half.bornTimestamp <= seconds * 1000)
    return undefined;
  return {
    code: ResponseCode.ILLEGAL_OPERATION,
    remark: 'the verdict comes after the immunity time of its transaction',
  };
}

function wrong(remark: string): Answer<Row> {
  return { code: ResponseCode.SYSTEM_ERROR, remark };
}
