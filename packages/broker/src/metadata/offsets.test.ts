import { afterEach, describe, expect, it } from '@jest/globals';
import { Requests, ResponseCode } from '@nest-rocketmq/remoting/internal';
import type { MemoryFileSystem } from '../store/files/memory-file-system.js';
import { memoryFileSystem } from '../store/files/memory-file-system.js';
import { TestBroker } from '../../test-kit/broker.js';
import type { TestClient } from '../../test-kit/broker.js';

const PATH = '/store/config/consumerOffset.json';

let running: TestBroker;
let disk: MemoryFileSystem;
afterEach(() => running.stop());

async function withOffsets(): Promise<TestClient> {
  disk = memoryFileSystem();
  running = await TestBroker.start({ fileSystem: disk });
  const client = await running.client();
  for (const topic of ['t', 'u']) {
    await client.send(topic);
    for (const group of ['g', 'h']) {
      await client.subscribe(`${group}-member`, group, { [topic]: '*' });
      await client.connection.request(Requests.UPDATE_CONSUMER_OFFSET, {
        consumerGroup: group,
        topic,
        queueId: 0,
        commitOffset: 1,
      });
    }
  }
  return client;
}

const saved = (): { dataVersion: { counter: number }; offsetTable: Record<string, Record<string, number>> } => {
  const file = disk.openSync(PATH, 'read');
  const bytes = Buffer.alloc(disk.statSync(PATH)!.size);
  file.readSync(bytes, 0, bytes.length, 0);
  const { dataVersion, offsetTable } = JSON.parse(bytes.toString()) as ReturnType<typeof saved>;
  const own = Object.entries(offsetTable).filter(([key]) => !key.endsWith('@CID_RMQ_SYS_TRANS'));
  return { dataVersion, offsetTable: Object.fromEntries(own) };
};

async function query({ connection }: TestClient, consumerGroup: string, topic: string): Promise<number | undefined> {
  const header = { consumerGroup, topic, queueId: 0, setZeroIfNotFound: false };
  const { code, header: answer } = await connection.request(Requests.QUERY_CONSUMER_OFFSET, header);
  return code === ResponseCode.SUCCESS ? answer.offset : undefined;
}

describe('T141: the offsets of groups', () => {
  it('go with their topic, and those of other topics stay', async () => {
    const client = await withOffsets();
    await client.connection.request(Requests.DELETE_TOPIC_IN_BROKER, { topic: 't' });
    expect([await query(client, 'g', 't'), await query(client, 'h', 't')]).toEqual([undefined, undefined]);
    expect([await query(client, 'g', 'u'), await query(client, 'h', 'u')]).toEqual([1, 1]);
  });

  it.each([true, false])('go with their group when that is asked for (%s)', async (cleanOffset) => {
    const client = await withOffsets();
    await client.connection.request(Requests.DELETE_SUBSCRIPTIONGROUP, { groupName: 'g', cleanOffset });
    const ofGroup = cleanOffset ? undefined : 1;
    expect([await query(client, 'g', 't'), await query(client, 'g', 'u')]).toEqual([ofGroup, ofGroup]);
    expect([await query(client, 'h', 't'), await query(client, 'h', 'u')]).toEqual([1, 1]);
  });

  it('are saved with a version that counts up, and read again', async () => {
    const client = await withOffsets();
    await running.clock.advance(5_000);
    const first = saved();
    expect(first.offsetTable).toEqual({ 't@g': { 0: 1 }, 't@h': { 0: 1 }, 'u@g': { 0: 1 }, 'u@h': { 0: 1 } });
    await client.connection.request(Requests.DELETE_TOPIC_IN_BROKER, { topic: 't' });
    await running.clock.advance(5_000);
    expect(Object.keys(saved().offsetTable)).toEqual(['u@g', 'u@h']);
    expect(saved().dataVersion.counter).toBeGreaterThan(first.dataVersion.counter);
    await running.restart();
    expect(await query(await running.client(), 'g', 'u')).toBe(1);
  });

  it('T138: of a group without members are known, its members are not', async () => {
    const client = await withOffsets();
    const members = await client.connection.request(Requests.GET_CONSUMER_LIST_BY_GROUP, { consumerGroup: 'nobody' });
    expect(members).toMatchObject({
      code: ResponseCode.SYSTEM_ERROR,
      remark: expect.stringContaining('no consumer for this group'),
    });
    client.connection.close();
    await running.clock.advance(0);
    expect(await query(await running.client(), 'g', 't')).toBe(1);
  });
});
