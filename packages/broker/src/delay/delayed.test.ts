import { afterEach, describe, expect, it } from '@jest/globals';
import { MessageProperty, decodeOffsetMsgId } from '@nest-rocketmq/remoting/internal';
import { START, TestBroker } from '../../test-kit/broker.js';
import type { TestClient } from '../../test-kit/broker.js';

let running: TestBroker;
afterEach(() => running.stop());

const bodies = async (client: TestClient, topic: string): Promise<string[]> =>
  (await client.messages(topic)).map((message) => message.body.toString());

const SECOND = 1000;
const MINUTE = 60 * SECOND;

describe('a message with a delay level', () => {
  it('T070: is not there before its time, and is there on the dot', async () => {
    running = await TestBroker.start();
    await (await running.client()).send('cancel', { body: 'late', properties: { DELAY: '16' } });
    await running.clock.advanceTo(START + 30 * MINUTE - 1);
    const client = await running.client();
    expect(await bodies(client, 'cancel')).toEqual([]);
    await running.clock.advanceTo(START + 30 * MINUTE);
    const [message] = await client.messages('cancel');
    expect(message.body.toString()).toBe('late');
    expect(message.storeTimestamp).toBe(START + 30 * MINUTE);
    expect(message.queueOffset).toBe(0);
    expect(message.properties.get(MessageProperty.REAL_TOPIC)).toBe('cancel');
  });

  it('names the record that it was put away in, so that the log tells what was delivered', async () => {
    running = await TestBroker.start();
    const client = await running.client();
    await client.send('t', { body: 'before' });
    const { header } = await client.send('t', { body: 'x', properties: { DELAY: '1' } });
    await running.clock.advance(SECOND);
    const [, message] = await client.messages('t');
    expect(message.preparedTransactionOffset).toBe(decodeOffsetMsgId(header.msgId ?? '').physicalOffset);
  });

  it('is delivered in the order of time, across levels', async () => {
    running = await TestBroker.start();
    const client = await running.client();
    await client.send('t', { body: '10s', properties: { DELAY: '3' } });
    await client.send('t', { body: '1s', properties: { DELAY: '1' } });
    await client.send('t', { body: '5s', properties: { DELAY: '2' } });
    await running.clock.advance(20 * SECOND);
    expect(await bodies(client, 't')).toEqual(['1s', '5s', '10s']);
  });

  it('of a level above the highest waits as long as under the highest', async () => {
    running = await TestBroker.start({ messageDelayLevel: '1s 2s' });
    const client = await running.client();
    await client.send('t', { body: 'x', properties: { DELAY: '99' } });
    await running.clock.advance(2 * SECOND);
    expect(await bodies(client, 't')).toEqual(['x']);
  });

  it('wakes a pull that waits for it', async () => {
    running = await TestBroker.start();
    const client = await running.client();
    await client.send('t', { properties: { DELAY: '2' }, tags: 'a' });
    const waiting = client.messages('t', { suspend: 15_000, expression: 'a' });
    await running.clock.advance(5 * SECOND);
    expect(await waiting).toHaveLength(1);
  });

  it('T071: survives a restart, and is delivered once', async () => {
    running = await TestBroker.start();
    const before = await running.client();
    await before.send('t', { body: 'first', properties: { DELAY: '1' } });
    await before.send('t', { body: 'second', properties: { DELAY: '3' } });
    await running.clock.advance(2 * SECOND);
    await running.restart();
    await running.clock.advance(20 * SECOND);
    const after = await running.client();
    expect(await bodies(after, 't')).toEqual(['first', 'second']);
  });

  it('that fell due while the broker was down comes when it is up', async () => {
    running = await TestBroker.start();
    const before = await running.client();
    await before.send('t', { body: 'x', properties: { DELAY: '5' } });
    await running.stop();
    await running.clock.advance(10 * MINUTE);
    await running.restart();
    await running.clock.advance(0);
    expect(await bodies(await running.client(), 't')).toEqual(['x']);
  });

  it('comes with hundreds of others at the same time, all of them once', async () => {
    running = await TestBroker.start();
    const client = await running.client();
    const names = Array.from({ length: 300 }, (_, index) => String(index));
    await Promise.all(names.map((body) => client.send('t', { body, properties: { DELAY: '1' } })));
    await running.clock.advance(2 * SECOND);
    const got: string[] = [];
    for (let more = await bodies(client, 't'); more.length > 0;) {
      got.push(...more);
      more = (await client.messages('t', { offset: got.length })).map((message) => message.body.toString());
    }
    expect(got).toEqual(names);
  });
});
