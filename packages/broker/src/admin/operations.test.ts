import { afterEach, describe, expect, it } from '@jest/globals';
import { Requests, ResponseCode, encodeJson, objectOf, parseJson } from '@nest-rocketmq/remoting/internal';
import type { Connection, Reply } from '@nest-rocketmq/remoting/internal';
import { START, TestBroker } from '../../test-kit/broker.js';
import { MemoryFileSystem } from '../store/files/memory-file-system.js';

let running: TestBroker;
afterEach(() => running.stop());

const json = (body: Buffer): Record<string, unknown> => objectOf(parseJson(body));

async function connected(options = {}): Promise<Connection> {
  running = await TestBroker.start(options);
  return (await running.client()).connection;
}

describe('T175: lists of topics and groups', () => {
  const topics = (...topicConfigList: object[]) => ({ body: encodeJson({ topicConfigList }) });
  const groups = (...groupConfigList: object[]) => ({ body: encodeJson({ groupConfigList }) });
  const typeOf = async (connection: Connection, topic: string): Promise<unknown> => {
    const { code, body } = await connection.request(Requests.GET_TOPIC_CONFIG, { topic });
    return code === ResponseCode.SUCCESS ? json(body) : code;
  };

  it('make and change all that they name', async () => {
    const connection = await connected();
    const made = await connection.request(
      Requests.UPDATE_AND_CREATE_TOPIC_LIST,
      {},
      topics(
        { topicName: 'one', readQueueNums: 3, writeQueueNums: 2 },
        { topicName: 'two', attributes: { '+message.type': 'FIFO' } },
      ),
    );
    expect(made.code).toBe(ResponseCode.SUCCESS);
    expect(await typeOf(connection, 'one')).toMatchObject({ readQueueNums: 3, writeQueueNums: 2, perm: 6 });
    expect(await typeOf(connection, 'two')).toMatchObject({ attributes: { 'message.type': 'FIFO' } });
    await connection.request(Requests.UPDATE_AND_CREATE_TOPIC_LIST, {}, topics({ topicName: 'one', perm: 4 }));
    expect(await typeOf(connection, 'one')).toMatchObject({ perm: 4 });
    const listed = groups({ groupName: 'g', retryMaxTimes: 3 }, { groupName: 'h', consumeEnable: false });
    expect((await connection.request(Requests.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP_LIST, {}, listed)).code).toBe(0);
    const { body } = await connection.request(Requests.GET_ALL_SUBSCRIPTIONGROUP_CONFIG, {});
    expect(json(body)['subscriptionGroupTable']).toMatchObject({
      g: { retryMaxTimes: 3, consumeEnable: true },
      h: { retryMaxTimes: 16, consumeEnable: false },
    });
  });

  it.each([
    ['a system topic', { topicName: 'TBW102' }, ResponseCode.INVALID_PARAMETER],
    ['a topic without a name', {}, ResponseCode.INVALID_PARAMETER],
    ['a topic of a billion queues', { topicName: 'x', writeQueueNums: 1e9 }, ResponseCode.INVALID_PARAMETER],
    ['an unknown attribute', { topicName: 'x', attributes: { '+colour': 'blue' } }, ResponseCode.SYSTEM_ERROR],
    ['a mixed topic', { topicName: 'x', attributes: { '+message.type': 'MIXED' } }, ResponseCode.INVALID_PARAMETER],
  ])('that name %s are refused as a whole', async (_what, wrong, code) => {
    const connection = await connected();
    const reply = await connection.request(
      Requests.UPDATE_AND_CREATE_TOPIC_LIST,
      {},
      topics({ topicName: 'good' }, wrong),
    );
    expect(reply.code).toBe(code);
    expect(await typeOf(connection, 'good')).toBe(ResponseCode.TOPIC_NOT_EXIST);
  });

  it.each([
    ['a group whose name cannot be', { groupName: 'a b' }, ResponseCode.INVALID_PARAMETER],
    ['a billion retry queues', { groupName: 'x', retryQueueNums: 1e9 }, ResponseCode.INVALID_PARAMETER],
    ['a setting of the wrong type', { groupName: 'x', consumeEnable: 'perhaps' }, ResponseCode.SYSTEM_ERROR],
  ])('that name %s are refused as a whole', async (_what, wrong, code) => {
    const connection = await connected({ autoCreateSubscriptionGroup: false });
    const listed = groups({ groupName: 'good' }, wrong);
    const reply = await connection.request(Requests.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP_LIST, {}, listed);
    expect(reply.code).toBe(code);
    const asked = await connection.request(Requests.GET_SUBSCRIPTIONGROUP_CONFIG, { group: 'good' });
    expect(asked.code).toBe(ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST);
  });

  it('that make more than the limits allow are refused as a whole', async () => {
    const connection = await connected({ maxTopics: 2, maxSubscriptionGroups: 2, autoCreateSubscriptionGroup: false });
    const [a, b, c] = ['a', 'b', 'c'];
    const listed = (...names: string[]) => topics(...names.map((topicName) => ({ topicName })));
    const grouped = (...names: string[]) => groups(...names.map((groupName) => ({ groupName })));
    const ask = async (body: { body: Buffer }, row: typeof Requests.UPDATE_AND_CREATE_TOPIC_LIST): Promise<number> =>
      (await connection.request(row, {}, body)).code;
    const { UPDATE_AND_CREATE_TOPIC_LIST: topicRow, UPDATE_AND_CREATE_SUBSCRIPTIONGROUP_LIST: groupRow } = Requests;
    expect(await ask(listed(a!, b!, c!), topicRow)).toBe(ResponseCode.INVALID_PARAMETER);
    expect(await ask(grouped(a!, b!, c!), groupRow)).toBe(ResponseCode.INVALID_PARAMETER);
    expect(await typeOf(connection, 'a')).toBe(ResponseCode.TOPIC_NOT_EXIST);
    // Named twice is one.
    expect(await ask(listed(a!, b!, a!), topicRow)).toBe(ResponseCode.SUCCESS);
    expect(await ask(grouped(a!, b!, a!), groupRow)).toBe(ResponseCode.SUCCESS);
    expect(await ask(listed(c!), topicRow)).toBe(ResponseCode.INVALID_PARAMETER);
    expect(await ask(grouped(c!), groupRow)).toBe(ResponseCode.INVALID_PARAMETER);
  });

  it('that are no lists are refused', async () => {
    const connection = await connected();
    for (const row of [Requests.UPDATE_AND_CREATE_TOPIC_LIST, Requests.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP_LIST]) {
      expect((await connection.request(row, {}, { body: Buffer.from('no list') })).code).not.toBe(0);
    }
  });
});

describe('T175: an option that is changed while the broker runs', () => {
  const change = (connection: Connection, lines: string): Promise<Reply<typeof Requests.UPDATE_BROKER_CONFIG>> =>
    connection.request(Requests.UPDATE_BROKER_CONFIG, {}, { body: Buffer.from(lines) });

  it('counts from then on, is shown, and has its old value after a restart', async () => {
    const connection = await connected();
    const client = await running.client();
    await client.send('t', { body: 'a' });
    await client.send('t', { body: 'b' });
    expect(await client.messages('t')).toHaveLength(2);
    expect((await change(connection, 'maxTransferCountOnMessageInMemory=1\nbrokerPermission=4\n')).code).toBe(0);
    expect(await client.messages('t')).toHaveLength(1);
    expect((await client.send('t')).code).toBe(ResponseCode.NO_PERMISSION);
    const { header, body } = await connection.request(Requests.GET_BROKER_CONFIG, {});
    expect(body.toString().split('\n')).toEqual(
      expect.arrayContaining(['maxTransferCountOnMessageInMemory=1', 'brokerPermission=4']),
    );
    expect(JSON.parse(header.version!)).toMatchObject({ counter: 1 });
    await running.restart();
    expect((await (await running.client()).send('t')).code).toBe(ResponseCode.SUCCESS);
  });

  it.each([
    [
      'an option that parts of the broker are made from',
      'maxMessageSize=1024',
      /maxMessageSize.*broker.conf says at a start/,
    ],
    ['an unknown option', 'colour=blue', /colour.*only brokerPermission/],
    ['a value that cannot be', 'maxSuspendTimeMillis=-1', /maxSuspendTimeMillis.*0 to 86400000/],
    ['a value of the wrong type', 'recallMessageEnable=perhaps', /recallMessageEnable.*true or false/],
    ['nothing', '', /no option/],
  ])('is refused when it is %s, and nothing is changed', async (_what, lines, remark) => {
    const connection = await connected();
    const reply = await change(connection, `brokerPermission=0\n${lines}`.slice(lines === '' ? 99 : 0));
    expect(reply.code).toBe(ResponseCode.SYSTEM_ERROR);
    expect(reply.remark).toMatch(remark);
    expect((await (await running.client()).send('t')).code).toBe(ResponseCode.SUCCESS);
  });

  it.each([
    ['litePullMessageEnable', 'false'],
    ['maxHeldPulls', '1'],
    ['maxSuspendTimeMillis', '5'],
    ['maxTransferBytesOnMessageInMemory', '1024'],
    ['notifyConsumerIdsChangedEnable', 'false'],
    ['recallMessageEnable', 'false'],
    ['rejectTransactionMessage', 'true'],
    ['storeReplyMessageEnable', 'false'],
  ])('may be %s', async (name, value) => {
    const connection = await connected();
    expect((await change(connection, `${name}=${value}`)).code).toBe(ResponseCode.SUCCESS);
    const { body } = await connection.request(Requests.GET_BROKER_CONFIG, {});
    expect(body.toString().split('\n')).toContain(`${name}=${value}`);
  });
});

describe('T175: what is removed when an administrator says so', () => {
  it('T193: are files of the log that are older than fileReservedTime, whatever the hour, and no others', async () => {
    const size = 64 * 1024;
    const disk = new MemoryFileSystem(() => running?.clock.now() ?? START);
    const deleteWhen = String((new Date(START).getHours() + 12) % 24).padStart(2, '0');
    const more = { mappedFileSizeCommitLog: size, maxMessageSize: size / 2, fileReservedTime: 1, deleteWhen };
    let connection = await connected({ fileSystem: disk, ...more });
    let client = await running.client();
    const fill = async (): Promise<void> => {
      for (let sent = 0; sent < 20; sent++) await client.send('t', { body: 'x'.repeat(size / 8) });
    };
    const logFiles = (): number => disk.listSync('/store/commitlog').length;
    await fill();
    const old = logFiles();
    await running.clock.advance(2 * 3_600_000);
    // The first ones were closed meanwhile: they were silent.
    client = await running.client();
    connection = client.connection;
    await fill();
    const all = logFiles();
    expect(all).toBeGreaterThan(old);
    expect((await connection.request(Requests.DELETE_EXPIRED_COMMITLOG, {})).code).toBe(ResponseCode.SUCCESS);
    // The last of the old ones has young messages, too.
    expect(logFiles()).toBe(all - old + 1);
    const { header } = await connection.request(Requests.GET_MIN_OFFSET, { topic: 't', queueId: 0 });
    expect(header.offset).toBeGreaterThan(0);
    await connection.request(Requests.CLEAN_EXPIRED_CONSUMEQUEUE, {});
    await connection.request(Requests.DELETE_EXPIRED_COMMITLOG, {});
    expect(logFiles()).toBe(all - old + 1);
  });

  it('T192: are queues of topics that there are not, and none that is the broker’s own', async () => {
    const connection = await connected();
    const client = await running.client();
    await client.send('t');
    await client.send('later', { properties: { DELAY: '3' } });
    const ends = async (): Promise<unknown[]> =>
      Promise.all(
        [
          { topic: 't', queueId: 0 },
          { topic: 'SCHEDULE_TOPIC_XXXX', queueId: 2 },
        ].map(async (place) => (await connection.request(Requests.GET_MAX_OFFSET, place)).header.offset),
      );
    expect((await connection.request(Requests.CLEAN_UNUSED_TOPIC, {})).code).toBe(ResponseCode.SUCCESS);
    expect((await connection.request(Requests.CLEAN_EXPIRED_CONSUMEQUEUE, {})).code).toBe(ResponseCode.SUCCESS);
    expect(await ends()).toEqual([1, 1]);
    await running.clock.advance(10_000);
    expect(await client.messages('later')).toHaveLength(1);
  });
});

describe('T175: a request', () => {
  it('for the state of slaves is answered by a master without any', async () => {
    const connection = await connected();
    await (await running.client()).send('t');
    const { body } = await connection.request(Requests.GET_BROKER_HA_STATUS, {});
    expect(json(body)).toMatchObject({ master: true, inSyncSlaveNums: 0, haConnectionInfo: [] });
    expect(json(body)['masterCommitLogMaxOffset']).toBeGreaterThan(0);
  });

  it('with a code that nobody knows is refused by its code', async () => {
    const connection = await connected();
    const unknown = { ...Requests.GET_BROKER_HA_STATUS, code: 31_337 };
    expect(await connection.request(unknown, {})).toMatchObject({
      code: ResponseCode.REQUEST_CODE_NOT_SUPPORTED,
      remark: expect.stringContaining('31337'),
    });
  });

  it.each([
    ['rocksDB: checkRocksdbCqWriteProgress', 354],
    ['rocksDB: rocksDBConfigToJson', 355],
    ['static topics', 513],
    ['slaves: resetMasterFlushOffset', 908],
    ['cold data', 2001],
    ['cold data', 2002],
    ['cold data', 2003],
    ['memory maps: setCommitLogReadAheadMode', 2004],
    ['users', 3001],
    ['access control', 3006],
    ['another timer: switchTimerEngine', 5001],
    ['lite topics', 200_074],
  ])('of %s (%i) is refused by its code: that is not there', async (_what, code) => {
    const connection = await connected();
    const asked = { ...Requests.GET_BROKER_HA_STATUS, code };
    expect(await connection.request(asked, {})).toMatchObject({
      code: ResponseCode.REQUEST_CODE_NOT_SUPPORTED,
      remark: expect.stringContaining(String(code)),
    });
  });

  it('to delete a topic of the broker’s own, or a group, is refused', async () => {
    const connection = await connected();
    for (const topic of ['TBW102', 'SCHEDULE_TOPIC_XXXX', 'RMQ_SYS_TRANS_HALF_TOPIC', 'broker-a', 'DefaultCluster']) {
      expect((await connection.request(Requests.DELETE_TOPIC_IN_BROKER, { topic })).code).toBe(29);
    }
    expect((await connection.request(Requests.DELETE_SUBSCRIPTIONGROUP, { groupName: 'TOOLS_CONSUMER' })).code).toBe(
      29,
    );
  });
});
