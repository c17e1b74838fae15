import { afterEach, describe, expect, it } from '@jest/globals';
import { ManualClock, Requests, ResponseCode, encodeProperties, silentLogger } from '@nest-rocketmq/remoting/internal';
import type { IncomingRequest } from '@nest-rocketmq/remoting/internal';
import { START, TestBroker } from '../../test-kit/broker.js';
import { TimerMessages } from '../message/timer-message.js';
import type { MessageInner } from '../store/store.js';
import { PendingTimers } from './pending-timers.js';
import { recallHandlers } from './recall-handler.js';
import type { RecallDeps } from './recall-handler.js';

const SECOND = 1_000;
type Recall = IncomingRequest<typeof Requests.RECALL_MESSAGE>;

describe('with maxPendingRecalls=1', () => {
  it('a recall is refused while another looks for its message, and taken again afterwards', async () => {
    const clock = new ManualClock(START);
    let found = (): void => undefined;
    const queryByKey = () => new Promise((resolve) => (found = () => resolve({ records: [] })));
    const config = { brokerName: 'broker-a', brokerPermission: 6, regionId: 'r', recallMessageEnable: true };
    const handlers = recallHandlers({
      store: { isIndexed: true, queryByKey },
      topics: { get: () => ({}) },
      pending: new PendingTimers(10, 1),
      clock,
      logger: silentLogger,
      config: { ...config, timerMaxDelaySec: 100, maxPendingRecalls: 1 },
    } as unknown as RecallDeps);
    const recallHandle = Buffer.from(`v1 t broker-a ${START + SECOND} key`).toString('base64url');
    const recall = async () => handlers.RECALL_MESSAGE({ header: { topic: 't', recallHandle } } as Recall);
    const first = recall();
    const busy = { code: ResponseCode.SYSTEM_BUSY, remark: expect.stringContaining('maxPendingRecalls=1') };
    expect(await recall()).toMatchObject(busy);
    found();
    expect(await first).toMatchObject({ code: ResponseCode.ILLEGAL_OPERATION });
    const next = recall();
    found();
    expect(await next).toMatchObject({ code: ResponseCode.ILLEGAL_OPERATION });
  });

  it('so is a message that recalls, but not what is stored of a recall that has found its message', () => {
    const clock = new ManualClock(START);
    const room = { deliveredUntil: 0, isFull: false, recallsFull: true };
    const timers = new TimerMessages({ clock, room, timerMaxDelaySec: 100, timerWheelEnable: true });
    const times: [string, string] = ['TIMER_DELIVER_MS', String(START + SECOND)];
    const properties = Buffer.from(encodeProperties([['TIMER_DEL_UNIQKEY', 'a'], times]));
    const message = (preparedTransactionOffset: number): MessageInner =>
      ({ topic: 't', queueId: 0, properties, preparedTransactionOffset }) as MessageInner;
    expect(timers.check(properties)).toBe('RECALL_FLOW_CONTROL');
    expect(timers.toTimerMessage(message(0))).toBe('RECALL_FLOW_CONTROL');
    expect(timers.toTimerMessage(message(4_711))).toBe('PUT_OK');
    expect(timers.check(Buffer.from(encodeProperties([times])))).toBe('PUT_OK');
  });
});

describe('with recallMessageEnable=false', () => {
  let running: TestBroker;
  afterEach(() => running.stop());

  // As Apache's broker: test/tables/delay.ts has it on both.
  it('a message that recalls is taken all the same', async () => {
    running = await TestBroker.start({ recallMessageEnable: false });
    const client = await running.client();
    const times = { TIMER_DELIVER_MS: String(START + 5_300) };
    const { header } = await client.send('t', { properties: { UNIQ_KEY: 'a', ...times } });
    const fields = { producerGroup: 'p', topic: 't', recallHandle: header.recallHandle ?? '' };
    const { code } = await client.connection.request(Requests.RECALL_MESSAGE, fields);
    expect(code).toBe(ResponseCode.NO_PERMISSION);
    const recalling = { UNIQ_KEY: 'a', TIMER_DEL_UNIQKEY: 'a', ...times };
    expect((await client.send('t', { properties: recalling })).code).toBe(ResponseCode.SUCCESS);
    await running.clock.advance(10 * SECOND);
    expect(await client.messages('t')).toEqual([]);
  });
});
