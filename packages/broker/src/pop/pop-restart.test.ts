import { afterEach, describe, expect, it } from '@jest/globals';
import { INVISIBLE, PopClient, SECOND, bodiesOf } from '../../test-kit/pop-client.js';

let client: PopClient;
afterEach(() => client.stop());

const withMessages = async (bodies: string[]): Promise<PopClient> => (client = await PopClient.start(bodies));
/** Until it is over, what was popped last may be popped again after a kill, as on Apache's broker. */
const OFFSETS_SAVED = 5 * SECOND;

describe('after a restart', () => {
  it.each(['a clean stop', 'a kill'])(
    '%s loses no message that is not acknowledged, and brings no other',
    async (end) => {
      await withMessages(['a', 'b', 'c', 'd']);
      const { handles } = await client.pop({ maxMsgNums: 3 });
      await client.ack(handles[1]!);
      await client.advance(OFFSETS_SAVED);
      await (end === 'a kill' ? client.broker.killAndRestart() : client.broker.restart());
      await client.reconnect();
      await client.ack(handles[0]!);
      expect(bodiesOf(await client.pop())).toEqual(['d']);
      await client.advance(INVISIBLE);
      expect(bodiesOf(await client.pop({ invisibleTime: 60 * SECOND })).toSorted()).toEqual(['c', 'd']);
      await client.advance(INVISIBLE);
      expect(bodiesOf(await client.pop())).toEqual([]);
    },
  );

  it('a kill brings again what was popped since the offsets were saved, and nothing older', async () => {
    await withMessages(['a', 'b']);
    await client.ack((await client.pop({ maxMsgNums: 1 })).handles[0]!);
    await client.advance(OFFSETS_SAVED);
    await client.ack((await client.pop({ maxMsgNums: 1 })).handles[0]!);
    await client.broker.killAndRestart();
    await client.reconnect();
    const again = await client.pop();
    expect(bodiesOf(again)).toEqual(['b']);
    await client.ack(again.handles[0]!);
    await client.advance(10 * INVISIBLE);
    expect(bodiesOf(await client.pop())).toEqual([]);
  });

  it('that comes after the time of what was popped brings it at once', async () => {
    await withMessages(['a']);
    await client.pop();
    await client.advance(OFFSETS_SAVED);
    await client.broker.broker.stop();
    await client.advance(INVISIBLE);
    await client.broker.restart();
    await client.advance(0);
    await client.reconnect();
    expect(bodiesOf(await client.pop())).toEqual(['a']);
  });

  it('a kill makes nothing visible a second time that was visible again', async () => {
    await withMessages(['a', 'b']);
    await client.pop();
    await client.advance(INVISIBLE);
    await client.broker.killAndRestart();
    await client.advance(0);
    await client.reconnect();
    expect(bodiesOf(await client.pop({ invisibleTime: 60 * SECOND })).toSorted()).toEqual(['a', 'b']);
    await client.advance(20 * SECOND);
    expect(bodiesOf(await client.pop())).toEqual([]);
  });
});

describe('after a restart, what was popped in order', () => {
  it.each(['a clean stop', 'a kill'])('is held until its time is over, as before %s', async (end) => {
    await withMessages(['a', 'b', 'c']);
    const { handles } = await client.pop({ queueId: 0, order: true, maxMsgNums: 2, invisibleTime: 60 * SECOND });
    await client.ack(handles[0]!);
    await client.advance(OFFSETS_SAVED);
    await (end === 'a kill' ? client.broker.killAndRestart() : client.broker.restart());
    await client.reconnect();
    expect(bodiesOf(await client.pop({ queueId: 0, order: true }))).toEqual([]);
    await client.ack(handles[1]!);
    expect(bodiesOf(await client.pop({ queueId: 0, order: true }))).toEqual(['c']);
  });
});
