// Holds what Apache's own tests of look-ups hold (table 5.11) for client and broker together.
import { expect, test } from '@jest/globals';
import type { MessageExt } from '@nest-rocketmq/remoting/internal';
import { numbered, passing, topicOf } from './topic.js';
import type { Topic } from './topic.js';
import type { Stage } from './stage.js';

const bodiesOf = (messages: readonly MessageExt[]): string[] => messages.map(({ body }) => body.toString()).toSorted();

export function declareQueryTests(stageOf: () => Stage): void {
  /** Asks until so many are found: a broker indexes keys after it has answered the send. */
  async function query({ client }: Topic, topic: string, key: string, count: number): Promise<string[]> {
    const stage = stageOf();
    let found: MessageExt[] = [];
    let asking = false;
    await stage.until(`${count} messages of ${topic} with key ${key}`, () => {
      if (!asking && found.length < count) {
        asking = true;
        const asked = client.admin.queryMessage({ topic, key, end: stage.now() + 60_000 });
        void asked.then((messages) => ((found = messages), (asking = false)));
      }
      return found.length >= count;
    });
    return bodiesOf(found);
  }

  test('T165: a message is found by its id, as it was received', async () => {
    const stage = stageOf();
    const { topic, client, send, read } = await topicOf(stage, 'T165');
    const reader = await read();
    const { offsetMsgId } = await send({ body: 'to be found', keys: 'k', properties: { colour: 'blue' } });
    await stage.until('it', () => reader.got.length === 1);
    const { message: received } = reader.got[0]!;
    const viewed = await client.admin.viewMessage(topic, offsetMsgId);
    const same = ({ body, queueId, queueOffset, properties }: MessageExt): unknown => [
      body.toString(),
      queueId,
      queueOffset,
      properties.get('UNIQ_KEY'),
      properties.get('colour'),
    ];
    expect(same(viewed)).toEqual(same(received));
  });

  test('T167: twenty messages with a key are all found', async () => {
    const to = await topicOf(stageOf(), 'T167');
    for (const body of numbered('keyed', 20)) await to.send({ body, keys: ['shared', body] });
    await to.send({ body: 'without' });
    expect(await query(to, 'T167', 'shared', 20)).toEqual(numbered('keyed', 20).toSorted());
    expect(await query(to, 'T167', 'keyed-7', 1)).toEqual(['keyed-7']);
  });

  test('T169: of keys with the same hash code only the one that is asked for is found', async () => {
    const to = await topicOf(stageOf(), 'T169');
    await to.send({ body: 'of Aa', keys: 'Aa' });
    expect(await query(to, 'T169', 'Aa', 1)).toEqual(['of Aa']);
    expect(await to.client.admin.queryMessage({ topic: 'T169', key: 'BB' })).toEqual([]);
  });

  test('T170: of topics with the same hash code only the one that is asked for is found', async () => {
    const stage = stageOf();
    const [one, other] = [await topicOf(stage, 'AaTopic'), await topicOf(stage, 'BBTopic')];
    await one.send({ body: 'of AaTopic', keys: 'Aa' });
    await other.send({ body: 'of BBTopic', keys: 'Aa' });
    expect(await query(one, 'AaTopic', 'Aa', 1)).toEqual(['of AaTopic']);
    expect(await query(other, 'BBTopic', 'Aa', 1)).toEqual(['of BBTopic']);
    const again = await passing(stage, 'the answer', one.client.admin.queryMessage({ topic: 'AaTopic', key: 'Aa' }));
    expect(bodiesOf(again)).toEqual(['of AaTopic']);
  });
}
