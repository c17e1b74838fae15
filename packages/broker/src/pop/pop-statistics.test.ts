import { afterEach, expect, it } from '@jest/globals';
import { Requests, ResponseCode, objectOf, parseJson, popRetryTopic } from '@nest-rocketmq/remoting/internal';
import { INVISIBLE, PopClient } from '../../test-kit/pop-client.js';

let client: PopClient;
afterEach(() => client.stop());

const RETRIES = `${popRetryTopic('t', 'g', false)}@g`;

/** Sum of the day; undefined where the broker counts nothing under this name and key. */
async function counted(statsName: string, statsKey: string): Promise<number | undefined> {
  const { connection } = client.client;
  const { code, body } = await connection.request(Requests.VIEW_BROKER_STATS_DATA, { statsName, statsKey });
  return code === ResponseCode.SUCCESS ? Number(objectOf(objectOf(parseJson(body))['statsDay'])['sum']) : undefined;
}

const all = (name: string): Promise<(number | undefined)[]> =>
  Promise.all([counted(name, 't@g'), counted(name, RETRIES)]);
const ofBroker = (name: string): Promise<number | undefined> => counted(name, 'DefaultCluster');

// As test/interop/statistics.test.ts compares with Apache 5.5.0.
it('acknowledgements are counted by where the messages lie, also those that change nothing', async () => {
  client = await PopClient.start(['a', 'b', 'c']);
  const { handles } = await client.pop();
  for (const handle of [handles[0]!, handles[0]!, handles[1]!.replace('broker-a', 'another')]) await client.ack(handle);
  await client.advance(INVISIBLE);
  const again = await client.pop();
  await client.ack(again.handles[0]!);
  await client.ack(handles[1]!);
  expect(await all('GROUP_ACK_NUMS')).toEqual([4, 1]);
  expect(await ofBroker('BROKER_ACK_NUMS')).toBe(5);
});

it('messages are counted by where they lie, and checkpoints by the topic that was popped', async () => {
  client = await PopClient.start(['a', 'b']);
  await client.send('c', 1);
  const { handles } = await client.pop();
  await client.changeTime(handles[0]!, 100 * INVISIBLE);
  await client.advance(INVISIBLE);
  await client.pop();
  expect(await all('GROUP_GET_NUMS')).toEqual([3, 2]);
  // Of two queues, of the changed time, and of the retries.
  expect(await all('GROUP_CK_NUMS')).toEqual([4, undefined]);
  expect(await all('GROUP_ACK_NUMS')).toEqual([1, undefined]);
  expect([await ofBroker('BROKER_GET_NUMS'), await ofBroker('BROKER_CK_NUMS')]).toEqual([5, 4]);
  expect(await counted('GROUP_GET_LATENCY', '-1@t@g')).toBeGreaterThanOrEqual(0);
  expect(await counted('constructor', 't@g')).toBeUndefined();
});

it('pops in order have neither checkpoints nor counted acknowledgements, as in Apache 5.5.0', async () => {
  client = await PopClient.start(['a']);
  const { handles } = await client.pop({ order: true });
  await client.ack(handles[0]!);
  const names = ['GROUP_GET_NUMS', 'GROUP_CK_NUMS', 'GROUP_ACK_NUMS'];
  expect(await Promise.all(names.map((name) => counted(name, 't@g')))).toEqual([1, undefined, undefined]);
});

it.each([
  ['topic', (): Promise<unknown> => client.client.connection.request(Requests.DELETE_TOPIC_IN_BROKER, { topic: 't' })],
  [
    'group',
    (): Promise<unknown> => client.client.connection.request(Requests.DELETE_SUBSCRIPTIONGROUP, { groupName: 'g' }),
  ],
])('what is counted of a %s goes with it', async (_what, remove) => {
  client = await PopClient.start(['a']);
  await client.ack((await client.pop()).handles[0]!);
  await remove();
  const names = ['GROUP_GET_NUMS', 'GROUP_CK_NUMS', 'GROUP_ACK_NUMS'];
  const left = await Promise.all(names.map((name) => counted(name, 't@g')));
  expect(left).toEqual([undefined, undefined, undefined]);
});
