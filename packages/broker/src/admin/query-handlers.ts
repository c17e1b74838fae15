// Answers requests for single messages: by key, and by their position in the log.
import { ResponseCode } from '@nest-rocketmq/remoting/internal';
import type { Answer, Handlers, HeaderOf, Requests } from '@nest-rocketmq/remoting/internal';
import type { PullScheduler } from '../pull/pull-scheduler.js';
import type { MessageStore } from '../store/store.js';

/** Most messages in the answer to a query by unique key. */
const DEFAULT_QUERY_MAX_NUM = 32;

type Query = typeof Requests.QUERY_MESSAGE;

export interface QueryDeps {
  store: MessageStore;
  pullScheduler: PullScheduler;
}

export function queryHandlers({
  store,
  pullScheduler,
}: QueryDeps): Pick<Handlers<'broker'>, 'QUERY_MESSAGE' | 'VIEW_MESSAGE_BY_ID'> {
  return {
    QUERY_MESSAGE: ({ header, connection }) => pullScheduler.run(connection, () => query(store, header)),
    VIEW_MESSAGE_BY_ID: ({ header, connection }) => pullScheduler.run(connection, () => view(store, header.offset)),
  };
}

async function view(store: MessageStore, offset: number): Promise<Answer> {
  const record = offset < 0 ? undefined : await store.readRecord(offset);
  if (record) return { body: record };
  return { code: ResponseCode.SYSTEM_ERROR, remark: `can not find message by the offset, ${offset}` };
}

async function query(store: MessageStore, header: HeaderOf<Query>): Promise<Answer<Query>> {
  const maxNum = header._UNIQUE_KEY_QUERY ? DEFAULT_QUERY_MAX_NUM : header.maxNum;
  const { topic, key, beginTimestamp, endTimestamp } = header;
  const found = await store.queryByKey(topic, key, maxNum, beginTimestamp, endTimestamp);
  const fields = {
    indexLastUpdateTimestamp: found.lastUpdateTimestamp,
    indexLastUpdatePhyoffset: found.lastUpdatePhyoffset,
  };
  if (found.records.length > 0) return { header: fields, body: Buffer.concat(found.records) };
  const remark = 'can not find message, maybe time range not correct';
  return { code: ResponseCode.QUERY_NOT_FOUND, remark, header: fields };
}
