import { afterEach, describe, expect, it } from '@jest/globals';
import { Requests, ResponseCode } from '@nest-rocketmq/remoting/internal';
import { START, TestBroker } from '../../test-kit/broker.js';
import type { TestClient } from '../../test-kit/broker.js';
import type { BrokerOptions } from '../config/broker-options.js';

let running: TestBroker;
afterEach(() => running.stop());

const SECOND = 1_000;
const TIMES = { TIMER_DELIVER_MS: String(START + 5_300) };

async function client(options: BrokerOptions = {}): Promise<TestClient> {
  running = await TestBroker.start(options);
  return running.client();
}

/** @returns its handle */
const send = async (sender: TestClient, body: string): Promise<string> =>
  (await sender.send('t', { body, properties: { UNIQ_KEY: body, ...TIMES } })).header.recallHandle ?? '';

const recall = ({ connection }: TestClient, recallHandle: string) =>
  connection.request(Requests.RECALL_MESSAGE, { producerGroup: 'p', topic: 't', recallHandle });

/** Clients from before 5.5 recall by a message. */
const recallMessage = (sender: TestClient, key: string) =>
  sender.send('t', { body: '0', properties: { UNIQ_KEY: key, TIMER_DEL_UNIQKEY: key, ...TIMES } });

async function delivered(sender: TestClient): Promise<string[]> {
  await running.clock.advance(10 * SECOND);
  return (await sender.messages('t')).map(({ body }) => body.toString());
}

describe.each([{}, { messageIndexEnable: false }])('with maxPendingRecalls=1 and %j', (options) => {
  const busy = { code: ResponseCode.SYSTEM_BUSY, remark: expect.stringContaining('maxPendingRecalls=1') };
  const taken = { code: ResponseCode.SUCCESS };

  it('a recall that comes while another looks for its message is refused, and taken when it comes again', async () => {
    const sender = await client({ ...options, maxPendingRecalls: 1 });
    const handles = [await send(sender, 'a'), await send(sender, 'b')];
    await send(sender, 'kept');
    const [first, second] = await Promise.all(handles.map((handle) => recall(sender, handle)));
    expect([first, second]).toMatchObject([taken, busy]);
    expect(await recall(sender, handles[1]!)).toMatchObject(taken);
    expect(await delivered(sender)).toEqual(['kept']);
  });

  it('so is a message that recalls', async () => {
    const sender = await client({ ...options, maxPendingRecalls: 1 });
    const handle = await send(sender, 'a');
    await send(sender, 'b');
    const [first, second] = await Promise.all([recall(sender, handle), recallMessage(sender, 'b')]);
    expect([first, second]).toMatchObject([taken, busy]);
    expect(await recallMessage(sender, 'b')).toMatchObject(taken);
    expect(await delivered(sender)).toEqual([]);
  });
});

// As Apache's broker: test/tables/delay.ts has it on both.
it('with recallMessageEnable=false a message that recalls is taken all the same', async () => {
  const sender = await client({ recallMessageEnable: false });
  const handle = await send(sender, 'a');
  expect((await recall(sender, handle)).code).toBe(ResponseCode.NO_PERMISSION);
  expect((await recallMessage(sender, 'a')).code).toBe(ResponseCode.SUCCESS);
  expect(await delivered(sender)).toEqual([]);
});
