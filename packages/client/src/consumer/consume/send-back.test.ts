// Tests that a dead letter whose reason cannot be stored with it is a dead letter all the same, and is never lost.
import { expect, it } from '@jest/globals';
import { ResponseCode } from '@nest-rocketmq/remoting/internal';
import type { Answer, Requests } from '@nest-rocketmq/remoting/internal';
import { consuming, on } from '../../../test-kit/consuming.js';
import { FakeCluster } from '../../../test-kit/fake-cluster.js';

type SendAnswer = Answer<typeof Requests.SEND_MESSAGE_V2>;

/** Calls of the listener, which fails each time. */
let calls = 0;

/** A consumer whose first message uses up its tries at once. @param known whether name servers know the retry topic */
async function givenUp(known = true, prepare: (fake: FakeCluster) => void = () => undefined): Promise<FakeCluster> {
  const fake = new FakeCluster({ topics: { t: 1 }, autoCreate: known });
  fake.broker.makesRetryTopics = known;
  fake.broker.put('t', 0, 'a');
  prepare(fake);
  calls = 0;
  await consuming(fake, {
    maxReconsumeTimes: 0,
    consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
    listener: ([message]) => {
      // The fake broker has no dead letters: it delivers the copy again.
      if (message!.properties.has('RETRY_TOPIC')) return;
      calls++;
      throw new Error('no such customer');
    },
  });
  return fake;
}

const backs = (): unknown[] =>
  on.cluster.broker.requests('CONSUMER_SEND_MSG_BACK').map(({ header }) => header['delayLevel']);

const stored = (): number | undefined => on.cluster.broker.offsets.get('stock@t@0');

const never = (): Promise<SendAnswer> => new Promise(() => undefined);

const FAULTS: [string, () => SendAnswer | Promise<SendAnswer>][] = [
  // Its properties or its body are too long, with the reason or compressed anew.
  ['refuses it for good', () => ({ code: ResponseCode.MESSAGE_ILLEGAL, remark: 'the message is illegal' })],
  ['refuses the group', () => ({ code: ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST })],
  ['fails', () => ({ code: ResponseCode.SYSTEM_ERROR })],
  ['does not answer', never],
];

it.each(FAULTS)(
  'where the broker %s, it goes the way that brokers have for it, without the reason',
  async (_how, answer) => {
    await givenUp(true, ({ broker }) => {
      for (let attempt = 0; attempt < 3; attempt++) broker.next('SEND_MESSAGE_V2', answer);
    });
    await on.cluster.clock.advance(4_000);
    expect(backs()).toEqual([-1]);
    expect(calls).toBe(1);
    await on.cluster.clock.advance(6_000);
    expect(stored()).toBe(1);
  },
);

it('where the retry topic is not there, and no broker creates it by a send, the same', async () => {
  await givenUp(false);
  await on.cluster.clock.advance(10_000);
  expect(backs()).toEqual([-1]);
  expect(on.cluster.broker.requests('SEND_MESSAGE_V2')).toEqual([]);
  expect(stored()).toBe(1);
});

it('where no way works, it comes again, and is a dead letter when one does', async () => {
  await givenUp(true, ({ broker }) => {
    const refused = { code: ResponseCode.MESSAGE_ILLEGAL };
    // With the reason, by the broker, and with the reason once more.
    for (let way = 0; way < 2; way++) broker.next('SEND_MESSAGE_V2', () => refused);
    broker.next('CONSUMER_SEND_MSG_BACK', () => ({ code: ResponseCode.SYSTEM_ERROR }));
  });
  await on.cluster.clock.advance(4_900);
  expect([calls, backs(), stored() ?? 0]).toEqual([1, [-1], 0]);
  expect(on.cluster.broker.stored).toEqual([]);
  await on.cluster.clock.advance(10_000);
  expect(calls).toBe(2);
  expect(on.cluster.broker.stored.map(({ properties }) => properties.get('DLQ_REASON'))).toEqual(['no such customer']);
  expect(stored()).toBe(1);
});

it('what takes long to be given back is not given back a second time when consumeTimeout has passed', async () => {
  const fake = new FakeCluster({ topics: { t: 1 } });
  for (let i = 0; i < 8; i++) {
    fake.broker.put('t', 0, String(i));
    fake.broker.next('CONSUMER_SEND_MSG_BACK', () => new Promise(() => undefined));
    fake.broker.next('SEND_MESSAGE_V2', never);
  }
  await consuming(fake, {
    consumeMessageBatchMaxSize: 8,
    consumeTimeout: 1,
    consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
    listener: () => 'RECONSUME_LATER',
  });
  // Each takes the 5 s of its broker and the 3 s of the retry topic: the last one begins after 56 s.
  await on.cluster.clock.advance(63_000);
  expect(backs()).toHaveLength(8);
  // The broker answers by then, and each is given back at its second try.
  await on.cluster.clock.advance(10_000);
  expect(backs()).toHaveLength(16);
});
