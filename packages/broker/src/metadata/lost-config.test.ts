// Files of the folder config are gone, or hold something else, when a broker starts: what can be found again is there,
// and what cannot is named in the log.
import { afterEach, describe, expect, it } from '@jest/globals';
import { Requests, ResponseCode, decodeTopicTable, parseJson } from '@nest-rocketmq/remoting/internal';
import type { Logger } from '@nest-rocketmq/remoting/internal';
import { TestBroker } from '../../test-kit/broker.js';
import type { TestClient } from '../../test-kit/broker.js';
import { memoryFileSystem } from '../store/files/memory-file-system.js';
import type { MemoryFileSystem } from '../store/files/memory-file-system.js';

const FOLDER = '/store/config';
const QUEUES = 3;
/** `undefined`: gone. */
const DAMAGES = [undefined, '', '[]', 'null', '{"topicConfigTable":[],"offsetTable":[]}'];

let running: TestBroker;
afterEach(() => running.stop());

let files: MemoryFileSystem;
let lines: string[];
const logger: Logger = {
  log: () => {},
  warn: (line) => void lines.push(`WARN ${line}`),
  error: (line) => void lines.push(`ERROR ${line}`),
};

function put(name: string, text: string | undefined): void {
  const path = `${FOLDER}/${name}`;
  files.removeSync(path);
  if (text === undefined) return;
  files.openSync(path, 'create').writeSync(Buffer.from(text), 0, Buffer.byteLength(text), 0);
}

function textOf(name: string): string {
  const path = `${FOLDER}/${name}`;
  const bytes = Buffer.alloc(files.statSync(path)?.size ?? 0);
  files.openSync(path, 'read').readSync(bytes, 0, bytes.length, 0);
  return bytes.toString();
}

/** Changes a file as a text. */
function edit(name: string, change: (text: string) => string): void {
  put(name, change(textOf(name)));
}

async function startAgain(): Promise<TestClient> {
  await running.restart();
  return running.client();
}

/** A broker with messages in all queues of a topic, a group that has consumed some, and a retry; stopped. */
async function used(): Promise<void> {
  files = memoryFileSystem();
  lines = [];
  running = await TestBroker.start({ fileSystem: files, logger, messageIndexEnable: false });
  const client = await running.client();
  for (let queueId = 0; queueId < QUEUES; queueId++)
    for (const body of ['a', 'b']) await client.send('orders', { body, queueId, header: { d: QUEUES } });
  await client.send('other', { body: 'c', header: { d: 1 } });
  await client.subscribe('me', 'workers', { orders: '*' });
  for (let queueId = 0; queueId < QUEUES; queueId++) await commit(client, queueId, 1);
  const [failed] = await client.messages('orders', { group: 'workers' });
  const back = { offset: failed.physicalOffset, group: 'workers', delayLevel: 1 };
  await client.connection.request(Requests.CONSUMER_SEND_MSG_BACK, back);
  await running.clock.advance(20_000);
  // Each file is saved twice, so that the backup has all but this.
  await commit(client, 0, 2);
  await running.stop();
  expect(lines).toEqual([]);
}

async function commit(client: TestClient, queueId: number, commitOffset: number): Promise<void> {
  const place = { consumerGroup: 'workers', topic: 'orders', queueId, commitOffset };
  expect((await client.connection.request(Requests.UPDATE_CONSUMER_OFFSET, place)).code).toBe(ResponseCode.SUCCESS);
}

/** 0: none. */
async function committed(client: TestClient, queueId: number): Promise<number | undefined> {
  const place = { consumerGroup: 'workers', topic: 'orders', queueId };
  return (await client.connection.request(Requests.QUERY_CONSUMER_OFFSET, place)).header.offset;
}

async function queuesOf(client: TestClient, topic: string): Promise<number[] | undefined> {
  const { body } = await client.connection.request(Requests.GET_ALL_TOPIC_CONFIG, {});
  const config = decodeTopicTable(parseJson(Buffer.from(body))).topicConfigTable.get(topic);
  return config && [config.readQueueNums, config.writeQueueNums, config.perm];
}

describe.each(['topics.json', 'subscriptionGroup.json', 'consumerOffset.json', 'delayOffset.json', 'kvConfig.json'])(
  '%s',
  (name) => {
    it.each(DAMAGES)('that holds %j beside a good backup is taken from that, and it is said', async (damage) => {
      await used();
      // A first save makes the backup too; what was never saved is not there.
      if (name === 'kvConfig.json') put('kvConfig.json.bak', '{"configTable":{}}');
      put(name, damage);
      const client = await startAgain();
      expect(lines).toEqual([expect.stringMatching(new RegExp(`WARN .*${name} .*backup is used`))]);
      expect(await queuesOf(client, 'orders')).toEqual([QUEUES, QUEUES, 6]);
      expect(await client.messages('orders', { queueId: 2 })).toHaveLength(2);
      expect(await committed(client, 2)).toBe(1);
      expect(await client.messages('%RETRY%workers', { group: 'workers' })).toHaveLength(1);
    });

    it.each(DAMAGES)('that holds %j, as its backup does, does not keep the broker from starting', async (damage) => {
      await used();
      put(name, damage);
      put(`${name}.bak`, damage);
      const client = await startAgain();
      expect(await queuesOf(client, 'orders')).toEqual([QUEUES, QUEUES, 6]);
      expect(await client.messages('orders', { queueId: 2 })).toHaveLength(2);
      expect((await client.send('orders', { body: 'more', queueId: 2 })).header.queueOffset).toBe(2);
      expect(await client.messages('%RETRY%workers', { group: 'workers' })).toHaveLength(1);
      expect(await committed(client, 2)).toBe(name === 'consumerOffset.json' ? 0 : 1);
      if (damage !== undefined)
        expect(lines).toContainEqual(expect.stringMatching(new RegExp(`ERROR .*${name} .*damaged-`)));
      // Nobody has put anything into that of the name server.
      else if (name !== 'kvConfig.json') expect(lines).not.toEqual([]);
      lines = [];
      await startAgain();
      expect(lines).toEqual([]);
    });
  },
);

describe('topics whose file is gone', () => {
  it('are found again from the queues, and named with how many they have', async () => {
    await used();
    put('topics.json', undefined);
    put('topics.json.bak', undefined);
    const client = await startAgain();
    expect(lines).toEqual([expect.stringMatching(/WARN topics .*created again.*orders \(3\)/)]);
    expect(await queuesOf(client, 'other')).toEqual([1, 1, 6]);
    expect(await queuesOf(client, '%RETRY%workers')).toEqual([1, 1, 6]);
  });

  it('are found again where the backup is older than they are', async () => {
    await used();
    put('topics.json', '[]');
    edit('topics.json.bak', (text) => text.replaceAll('"other"', '"another"'));
    const client = await startAgain();
    expect(await queuesOf(client, 'other')).toEqual([1, 1, 6]);
    expect(lines).toContainEqual(expect.stringContaining('other (1)'));
  });

  it('are not made again after they were deleted', async () => {
    await used();
    const before = await startAgain();
    await before.connection.request(Requests.DELETE_TOPIC_IN_BROKER, { topic: 'other' });
    const client = await startAgain();
    expect(await queuesOf(client, 'other')).toBeUndefined();
    expect(lines).toEqual([]);
  });
});

describe('an entry that cannot be', () => {
  it.each(['"x"', '-1', '1e9', '1.5', 'null', '[]', '{}'])(
    'a number of queues of %s is named, the topic found again, and the others are as they were',
    async (number) => {
      await used();
      edit('topics.json', (text) => {
        const { topicConfigTable, ...rest } = JSON.parse(text) as { topicConfigTable: Record<string, object> };
        const orders = { ...topicConfigTable['orders'], writeQueueNums: 'HERE' };
        const all = { ...topicConfigTable, orders, other: { ...topicConfigTable['other'], perm: 4 } };
        return JSON.stringify({ ...rest, topicConfigTable: all }).replace('"HERE"', number);
      });
      const client = await startAgain();
      expect(lines).toContainEqual(expect.stringMatching(/WARN topics of topics.json .*: orders$/));
      expect(await queuesOf(client, 'orders')).toEqual([QUEUES, QUEUES, 6]);
      expect(await queuesOf(client, 'other')).toEqual([1, 1, 4]);
    },
  );

  it.each(['"x"', '-1', '1e300', '1.5', 'null', '[]', '{}'])(
    'an offset of %s is named, the others are kept',
    async (one) => {
      await used();
      put('consumerOffset.json', `{"offsetTable":{"orders@workers":{0:1,1:${one},2:1},"orders":{0:1},"x@y":[1]}}`);
      const client = await startAgain();
      expect(await committed(client, 0)).toBe(1);
      expect(await committed(client, 1)).toBe(0);
      expect(await committed(client, 2)).toBe(1);
      expect(lines).toContainEqual(
        expect.stringMatching(/WARN queues of orders@workers in consumerOffset.json .*: 1$/),
      );
      expect(lines).toContainEqual(expect.stringMatching(/WARN offsets of consumerOffset.json .*: orders, x@y$/));
    },
  );

  it('an offset beyond the end of its queue is lowered to it: what comes next is consumed', async () => {
    await used();
    put('consumerOffset.json', '{"offsetTable":{"orders@workers":{0:2,1:3000}}}');
    const client = await startAgain();
    expect(lines).toEqual([expect.stringContaining('orders 1 of workers from 3000 to 2')]);
    expect([await committed(client, 0), await committed(client, 1)]).toEqual([2, 2]);
  });

  it.each(['"x"', '-1', '1e300', 'null'])('a delay offset of %s is found out from the log', async (offset) => {
    await used();
    put('delayOffset.json', `{"offsetTable":{1:${offset}},"logOffset":1}`);
    const client = await startAgain();
    await running.clock.advance(20_000);
    expect(await client.messages('%RETRY%workers', { group: 'workers' })).toHaveLength(1);
    expect(lines).toContainEqual(expect.stringMatching(/WARN levels of delayOffset.json .*: 1$/));
  });
});

describe('groups whose file is gone', () => {
  it('are there with the default settings, and named', async () => {
    await used();
    put('subscriptionGroup.json', undefined);
    put('subscriptionGroup.json.bak', undefined);
    await running.restart();
    expect(lines).toEqual([expect.stringMatching(/WARN groups .*default settings now: .*workers/)]);
  });
});

describe('offsets whose file is gone', () => {
  it('are named as lost', async () => {
    await used();
    put('consumerOffset.json', undefined);
    put('consumerOffset.json.bak', undefined);
    await running.restart();
    expect(lines).toEqual([expect.stringMatching(/WARN consumerOffset.json is missing though/)]);
  });

  it('are not missed in a store that is new, nor when a new broker was killed', async () => {
    files = memoryFileSystem();
    lines = [];
    running = await TestBroker.start({ fileSystem: files, logger });
    await (await running.client()).send('t');
    await running.killAndRestart();
    expect(lines.filter((line) => line.includes('consumerOffset'))).toEqual([]);
  });
});
