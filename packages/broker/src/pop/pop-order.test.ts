import { afterEach, describe, expect, it } from '@jest/globals';
import { ResponseCode } from '@nest-rocketmq/remoting/internal';
import { INVISIBLE, PopClient, SECOND, bodiesOf } from '../../test-kit/pop-client.js';
import type { Popped } from '../../test-kit/pop-client.js';

let client: PopClient;
afterEach(() => client.stop());

const withMessages = async (bodies: string[]): Promise<PopClient> => (client = await PopClient.start(bodies));
const popInOrder = (more: object = {}): Promise<Popped> =>
  client.pop({ queueId: 0, order: true, maxMsgNums: 2, ...more });

describe('an orderly pop', () => {
  it('T090 holds later messages until all earlier ones are acknowledged', async () => {
    await withMessages(['a', 'b', 'c', 'd']);
    const { handles, reply } = await popInOrder();
    expect(reply.header).toMatchObject({ reviveQid: 999, startOffsetInfo: '0 0 0', orderCountInfo: '0 0 0' });
    expect(bodiesOf(await popInOrder())).toEqual([]);
    await client.ack(handles[1]!);
    expect(bodiesOf(await popInOrder())).toEqual([]);
    await client.ack(handles[0]!);
    expect(bodiesOf(await popInOrder())).toEqual(['c', 'd']);
  });

  it('T088 gets the same messages again when their time is over, with how often', async () => {
    await withMessages(['a', 'b', 'c']);
    await popInOrder();
    await client.advance(INVISIBLE);
    const again = await popInOrder();
    expect(bodiesOf(again)).toEqual(['a', 'b']);
    expect(again.reply.header.orderCountInfo).toBe('0 qo0%0 1;0 qo0%1 1;0 0 1');
    await client.ack(again.handles[0]!);
    await client.advance(INVISIBLE);
    const third = await popInOrder();
    expect(bodiesOf(third)).toEqual(['b', 'c']);
    expect(third.reply.header.orderCountInfo).toBe('0 qo0%1 2;0 0 0');
  });

  it('that repeats an attempt gets its messages again at once, and they do not count twice', async () => {
    await withMessages(['a', 'b']);
    await popInOrder({ attemptId: 'one' });
    expect(bodiesOf(await popInOrder({ attemptId: 'another' }))).toEqual([]);
    const again = await popInOrder({ attemptId: 'one' });
    expect(bodiesOf(again)).toEqual(['a', 'b']);
    expect(again.reply.header.orderCountInfo).toBe('0 0 0');
  });

  it('that waits goes on when the earlier messages are acknowledged', async () => {
    await withMessages(['a', 'b', 'c']);
    const { handles } = await popInOrder();
    const waiting = popInOrder({ pollTime: 5 * SECOND });
    await client.advance(SECOND);
    await client.ack(handles[0]!);
    await client.ack(handles[1]!);
    expect(bodiesOf(await waiting)).toEqual(['c']);
  });

  it('that waits goes on when the time of the earlier messages is over', async () => {
    await withMessages(['a']);
    await popInOrder();
    const waiting = popInOrder({ pollTime: 2 * INVISIBLE });
    await client.advance(INVISIBLE);
    expect(bodiesOf(await waiting)).toEqual(['a']);
  });

  it('T090 gets a message earlier or later where its time is changed', async () => {
    await withMessages(['a']);
    const { handles } = await popInOrder();
    const { header } = await client.changeTime(handles[0]!, 2 * SECOND);
    expect(header).toMatchObject({ invisibleTime: 2 * SECOND, reviveQid: 999 });
    await client.advance(2 * SECOND - 1);
    expect(bodiesOf(await popInOrder())).toEqual([]);
    await client.advance(1);
    expect(bodiesOf(await popInOrder())).toEqual(['a']);
  });

  it('T091 takes no acknowledgement of a time before, and refuses one of what it has not popped', async () => {
    await withMessages(['a', 'b', 'c']);
    const { handles } = await popInOrder();
    await client.advance(INVISIBLE);
    const again = await popInOrder();
    for (const handle of handles) expect((await client.ack(handle)).code).toBe(ResponseCode.SUCCESS);
    expect(bodiesOf(await popInOrder())).toEqual([]);
    const beyond = again.handles[0]!.replace(/\d+$/, '2');
    expect((await client.ack(beyond)).code).toBe(ResponseCode.MESSAGE_ILLEGAL);
  });
});
