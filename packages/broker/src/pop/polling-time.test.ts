import { afterEach, describe, expect, it } from '@jest/globals';
import { Requests, ResponseCode } from '@nest-rocketmq/remoting/internal';
import { PopClient, SECOND } from '../../test-kit/pop-client.js';

const POLL = 20 * SECOND;
/** A broker answers so long before its client stops waiting. */
const EARLY = 50;
const HOUR = 3_600 * SECOND;

let client: PopClient;
afterEach(() => client.stop());

/** The answer if there is one by now. */
async function answerBy<T>(waiting: Promise<T>): Promise<T | 'none'> {
  await client.advance(0);
  return Promise.race([waiting, new Promise<'none'>((resolve) => setImmediate(() => resolve('none')))]);
}

// Woken half-way by a message that is not for it.
describe.each([
  ['without the time of its birth', 0, POLL - EARLY],
  ['that was born 1 s before it came', -SECOND, POLL - SECOND - EARLY],
  ['that was born in an hour, longer than a request is held', HOUR, POLL],
])('a request %s', (_what, born, longest) => {
  const bornTime = (): number => (born === 0 ? 0 : client.broker.clock.now() + born);

  it('to pop waits once for its time', async () => {
    client = await PopClient.start(['a'], { enablePropertyFilter: true, maxSuspendTimeMillis: POLL });
    const pollTime = born > 0 ? POLL * 2 : POLL;
    const waiting = client.pop({ exp: "wanted = 'yes'", expType: 'SQL92', pollTime, bornTime: bornTime() });
    await client.advance(POLL / 2);
    await client.send('b');
    await client.advance(longest - POLL / 2 - 1);
    expect(await answerBy(waiting)).toBe('none');
    await client.advance(1);
    expect(await answerBy(waiting)).toMatchObject({ reply: { code: ResponseCode.POLLING_TIMEOUT } });
  });

  it('to be told of messages waits once for its time', async () => {
    client = await PopClient.start(['a'], { maxSuspendTimeMillis: POLL });
    await client.pop({ order: true, invisibleTime: HOUR });
    const place = { consumerGroup: 'g', topic: 't', queueId: 0, order: true };
    const header = { ...place, pollTime: born > 0 ? POLL * 2 : POLL, bornTime: bornTime() };
    const waiting = client.client.connection.request(Requests.NOTIFICATION, header, { timeout: HOUR });
    await client.advance(POLL / 2);
    await client.send('b');
    await client.advance(longest - POLL / 2 - 1);
    expect(await answerBy(waiting)).toBe('none');
    await client.advance(1);
    expect(await answerBy(waiting)).toMatchObject({ header: { hasMsg: false } });
  });
});
