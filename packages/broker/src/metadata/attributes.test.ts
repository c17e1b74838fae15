import { afterEach, describe, expect, it } from '@jest/globals';
import { Requests, ResponseCode, objectOf, parseJson, silentLogger } from '@nest-rocketmq/remoting/internal';
import type { HeaderOf } from '@nest-rocketmq/remoting/internal';
import { TestBroker } from '../../test-kit/broker.js';
import type { TestClient } from '../../test-kit/broker.js';
import { memoryFileSystem } from '../store/files/memory-file-system.js';

let running: TestBroker;
afterEach(() => running.stop());

type Topic = HeaderOf<typeof Requests.UPDATE_AND_CREATE_TOPIC>;
type Result = [code: number, remark: string | undefined];

const SETTINGS = {
  topic: 't',
  defaultTopic: 'TBW102',
  readQueueNums: 2,
  writeQueueNums: 2,
  perm: 6,
  topicFilterType: 'SINGLE_TAG',
  order: false,
};

async function put({ connection }: TestClient, more: Partial<Topic>): Promise<Result> {
  const { code, remark } = await connection.request(Requests.UPDATE_AND_CREATE_TOPIC, { ...SETTINGS, ...more });
  return [code, remark];
}

/** Undefined: no such topic. */
async function attributesOf({ connection }: TestClient): Promise<unknown> {
  const { code, body } = await connection.request(Requests.GET_TOPIC_CONFIG, { topic: 't' });
  return code === ResponseCode.SUCCESS ? objectOf(parseJson(body))['attributes'] : undefined;
}

async function putGroup({ connection }: TestClient, settings: object): Promise<Result> {
  const body = Buffer.from(JSON.stringify({ groupName: 'g', ...settings }));
  const { code, remark } = await connection.request(Requests.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP, {}, { body });
  return [code, remark];
}

async function groupAttributesOf({ connection }: TestClient): Promise<unknown> {
  const { body } = await connection.request(Requests.GET_SUBSCRIPTIONGROUP_CONFIG, { group: 'g' });
  return objectOf(parseJson(body))['attributes'];
}

// The codes, and the beginnings of the words, are those of Apache 5.5.0, unless it says otherwise.
describe('T173: the attributes of a new topic', () => {
  it.each<[string, string]>([
    ['+foo=bar', 'unsupported key: foo'],
    ['+max.reserve.time=-5', 'unsupported key: max.reserve.time'],
    ['+toString=x', 'unsupported key: toString'],
    ['+reserve.time=-5', 'value is not in range(-1, 9223372036854775807)'],
    ['+queue.type=Nonsense', 'value is not in set: ['],
    ['+queue.type=simplecq', 'value is not in set: ['],
    ['+message.type=Nonsense', 'value is not in set: ['],
    ['+cleanup.policy=Nonsense', 'value is not in set: ['],
    ['+lite.topic.expiration=abc', 'For input string: "abc"'],
    ['+lite.topic.expiration=9223372036854775808', 'For input string: "9223372036854775808"'],
    ['+lite.topic.expiration=43201', 'value is not in range(-1, 43200)'],
    ['queue.type=BatchCQ', 'add/alter attribute format is wrong: queue.type'],
    ['-message.type=FIFO', 'add/alter attribute format is wrong: -message.type'],
    ['+queue.type', 'delete attribute format is wrong: +queue.type'],
    ['message.type', 'delete attribute format is wrong: message.type'],
    ['-queue.type', 'only add attribute is supported while creating topic. key: queue.type'],
    ['+queue.type=SimpleCQ,+queue.type=SimpleCQ', 'key duplication: +queue.type'],
    ['++message.type=FIFO', 'kv string format wrong'],
    [' +message.type=FIFO', 'kv string format wrong'],
    ['+message.type=FIFO, +queue.type=SimpleCQ', 'kv string format wrong'],
    ['+', 'delete attribute format is wrong: +'],
    // Apache answers these by the index that its code has missed.
    ['=', 'add/alter attribute format is wrong: '],
    ['+queue.type=', 'add/alter attribute format is wrong: +queue.type has no value'],
    // Apache takes these: the value up to the second =, and what only another kind of broker can do.
    ['+message.type=FIFO=x', 'value is not in set: ['],
    ['+queue.type=BatchCQ', 'BatchCQ is not supported by this broker: allowed are SimpleCQ'],
    ['+cleanup.policy=COMPACTION', 'COMPACTION is not supported by this broker: allowed are DELETE'],
    ['+message.type=PRIORITY', 'PRIORITY is not supported by this broker'],
    ['+message.type=LITE', 'LITE is not supported by this broker'],
  ])('are refused as %j, and nothing is made', async (attributes, words) => {
    running = await TestBroker.start();
    const client = await running.client();
    const [code, remark] = await put(client, { attributes });
    expect([code, remark?.slice(0, words.length)]).toEqual([ResponseCode.SYSTEM_ERROR, words]);
    expect(await attributesOf(client)).toBeUndefined();
  });

  it('are refused as a parameter when the type is MIXED', async () => {
    running = await TestBroker.start();
    const client = await running.client();
    const result = await put(client, { attributes: '+message.type=MIXED' });
    expect(result).toEqual([ResponseCode.INVALID_PARAMETER, 'MIXED message type is not supported.']);
  });

  it.each<[string, object]>([
    ['', {}],
    [',', {}],
    ['+message.type=FIFO,', { 'message.type': 'FIFO' }],
    ['+message.type=UNSPECIFIED', { 'message.type': 'UNSPECIFIED' }],
    ['+queue.type=SimpleCQ,+cleanup.policy=DELETE', { 'queue.type': 'SimpleCQ', 'cleanup.policy': 'DELETE' }],
    ['+reserve.time=-1,+lite.topic.expiration=60', { 'reserve.time': '-1', 'lite.topic.expiration': '60' }],
  ])('are kept as %j', async (attributes, kept) => {
    running = await TestBroker.start();
    const client = await running.client();
    expect((await put(client, { attributes }))[0]).toBe(ResponseCode.SUCCESS);
    expect(await attributesOf(client)).toEqual(kept);
  });
});

describe('T173: the attributes of a topic that there is', () => {
  it.each<[string, string]>([
    ['+queue.type=BatchCQ', 'attempt to update an unchangeable attribute. key: queue.type'],
    ['+queue.type=SimpleCQ', 'attempt to update an unchangeable attribute. key: queue.type'],
    ['+cleanup.policy=DELETE', 'attempt to update an unchangeable attribute. key: cleanup.policy'],
    ['-queue.type', 'attempt to delete a nonexistent key: queue.type'],
    ['-foo', 'attempt to delete a nonexistent key: foo'],
    ['-message.type,+message.type=FIFO', 'alter duplication key. key: message.type'],
    ['+message.type=DELAY,+foo=bar', 'unsupported key: foo'],
  ])('are not changed by %j', async (attributes, words) => {
    running = await TestBroker.start();
    const client = await running.client();
    await put(client, { attributes: '+message.type=FIFO' });
    const [code, remark] = await put(client, { attributes, perm: 4 });
    expect([code, remark?.slice(0, words.length)]).toEqual([ResponseCode.SYSTEM_ERROR, words]);
    expect(await attributesOf(client)).toEqual({ 'message.type': 'FIFO' });
  });

  it('are set, changed, taken away, left alone by other changes, listed, and there after a restart', async () => {
    running = await TestBroker.start();
    const before = await running.client();
    await before.send('t');
    await put(before, { attributes: '+message.type=FIFO,+reserve.time=5' });
    await put(before, { attributes: '+message.type=DELAY' });
    await put(before, { attributes: '-reserve.time' });
    await put(before, { perm: 4 });
    await running.restart();
    const client = await running.client();
    expect(await attributesOf(client)).toEqual({ 'message.type': 'DELAY' });
    const { body } = await client.connection.request(Requests.GET_ALL_TOPIC_CONFIG, {});
    const listed = objectOf(objectOf(parseJson(body))['topicConfigTable']);
    expect(listed['t']).toMatchObject({ perm: 4, attributes: { 'message.type': 'DELAY' } });
  });

  it('that another broker has saved and this one does not have are named at the start', async () => {
    const warnings: string[] = [];
    const fileSystem = memoryFileSystem();
    running = await TestBroker.start({ fileSystem });
    await put(await running.client(), { attributes: '+queue.type=SimpleCQ' });
    await running.stop();
    const path = '/store/config/topics.json';
    const file = fileSystem.openSync(path, 'write');
    const text = Buffer.alloc(file.content.size);
    file.readSync(text, 0, text.length, 0);
    const changed = Buffer.from(text.toString().replace('"SimpleCQ"', '"BatchCQ" '));
    expect(file.writeSync(changed, 0, changed.length, 0)).toBe(text.length);
    const logger = { ...silentLogger, warn: (line: string) => void warnings.push(line) };
    running = await TestBroker.start({ fileSystem, logger });
    expect(warnings).toContainEqual(
      expect.stringMatching(/^topic t is kept as a plain topic: BatchCQ is not supported/),
    );
  });
});

describe('the other settings of a topic', () => {
  it.each<[Partial<Topic>, Result]>([
    [{ perm: 99 }, [ResponseCode.INVALID_PARAMETER, 'perm 99 is illegal, allowed is 0 to 7']],
    [{ perm: 8 }, [ResponseCode.INVALID_PARAMETER, 'perm 8 is illegal, allowed is 0 to 7']],
    [{ perm: -1 }, [ResponseCode.INVALID_PARAMETER, 'perm -1 is illegal, allowed is 0 to 7']],
    [{ topicSysFlag: 77 }, [ResponseCode.INVALID_PARAMETER, 'topicSysFlag 77 is illegal, allowed is 0 to 3']],
    [
      { topicFilterType: 'single_tag' },
      [ResponseCode.SYSTEM_ERROR, 'topicFilterType = [single_tag] value invalid: allowed are SINGLE_TAG, MULTI_TAG'],
    ],
  ])('are refused as %j', async (more, result) => {
    running = await TestBroker.start();
    const client = await running.client();
    expect(await put(client, more)).toEqual(result);
    expect(await attributesOf(client)).toBeUndefined();
  });

  it.each([{ perm: 0 }, { perm: 7 }, { topicFilterType: 'MULTI_TAG' }, { topicSysFlag: 3 }, { order: true }])(
    'are kept as %j',
    async (more) => {
      running = await TestBroker.start();
      const client = await running.client();
      expect((await put(client, more))[0]).toBe(ResponseCode.SUCCESS);
      const { body } = await client.connection.request(Requests.GET_TOPIC_CONFIG, { topic: 't' });
      expect(parseJson(body)).toMatchObject(more);
    },
  );
});

describe('T174: the attributes of a group', () => {
  it.each<[object, string]>([
    [{ '+foo': 'bar' }, 'unsupported key: foo'],
    [{ 'priority.factor': '5' }, 'only add attribute is supported while creating'],
    [{ '-priority.factor': '' }, 'only add attribute is supported while creating'],
    [{ '+priority.factor': '101' }, 'value is not in range(0, 100)'],
    [{ '+priority.factor': 'x' }, 'For input string: "x"'],
    [{ '+lite.sub.model': 'Nonsense' }, 'value is not in set: [Shared, Exclusive]'],
    [{ '+lite.sub.reset.offset.exclusive': 'maybe' }, 'boolean attribute format is wrong'],
    [{ '+lite.sub.client.quota': '-2' }, 'value is not in range(-1, 9223372036854775807)'],
    [{ '+lite.sub.client.max.event.cnt': '9' }, 'value is not in range(10, 9223372036854775807)'],
    [{ '+priority.factor': 5 }, 'attributes: the value of +priority.factor must be a string'],
  ])('are refused as %j', async (attributes, words) => {
    running = await TestBroker.start();
    const client = await running.client();
    const [code, remark] = await putGroup(client, { attributes, retryMaxTimes: 3 });
    expect([code, remark?.slice(0, words.length)]).toEqual([ResponseCode.SYSTEM_ERROR, words]);
    expect(await groupAttributesOf(client)).toEqual({});
  });

  it('are set, changed, taken away, left alone by other changes, and there after a restart', async () => {
    running = await TestBroker.start();
    const before = await running.client();
    await putGroup(before, { attributes: { '+priority.factor': '5', '+lite.sub.wildcard': '' } });
    await putGroup(before, { attributes: { '+priority.factor': '7' } });
    await putGroup(before, { attributes: { '-lite.sub.wildcard': '' } });
    expect((await putGroup(before, { attributes: { '-lite.sub.wildcard': '' } }))[0]).toBe(ResponseCode.SYSTEM_ERROR);
    await putGroup(before, { attributes: null, retryMaxTimes: 3 });
    await running.restart();
    expect(await groupAttributesOf(await running.client())).toEqual({ 'priority.factor': '7' });
  });

  it.each<[object, string]>([
    [{ consumeEnable: 'maybe' }, 'consumeEnable: maybe was given, allowed are true and false'],
    [{ retryMaxTimes: 'many' }, 'retryMaxTimes: many was given, allowed is a whole number'],
  ])('and its other settings are refused when they are of another type: %j', async (settings, remark) => {
    running = await TestBroker.start();
    expect(await putGroup(await running.client(), settings)).toEqual([ResponseCode.SYSTEM_ERROR, remark]);
  });
});
