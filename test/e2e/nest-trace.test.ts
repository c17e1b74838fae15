// Tests message trace: what an app sends and consumes leaves records in Apache's format.
import { afterEach, expect, test } from '@jest/globals';
import { InjectPullConsumer, RocketMQMessageListener, RocketMQModule, RocketMQPullConsumer } from 'nest-rocketmq';
import { consumed } from 'nest-rocketmq/testing';
import { PATIENCE_MS, closeApps, startApp, unique } from './nest-harness.js';

const timeout = PATIENCE_MS;
const FIRST = { consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET' } as const;

afterEach(closeApps);

test('T044 T163 sends, transactions, recalls and deliveries are traced to the topic of the options', async () => {
  const topic = unique('traced');
  const trace = unique('trace');
  const tracing = { enableMsgTrace: true, customizedTraceTopic: trace };
  class Traced {
    constructor(@InjectPullConsumer() readonly traces: RocketMQPullConsumer<string>) {}
    @RocketMQMessageListener({ topic, ...FIRST, ...tracing })
    take(): void {}
  }
  const pullConsumers = [{ group: unique('readers'), topics: [trace], payload: 'string' as const, ...FIRST }];
  const app = await startApp(
    { imports: [RocketMQModule.forFeature({ pullConsumers })], providers: [Traced] },
    { producer: tracing, topics: [{ name: trace, queues: 1 }] },
  );
  const both = consumed(app.module, { topic }, { times: 2, timeout });
  const { msgId } = await app.template.send(`${topic}:a`, 'x', { keys: 'k1' });
  await app.template.transaction(topic, 'y', () => undefined);
  await both;
  const types: string[] = [];
  const ofTheFirst: string[][] = [];
  const reading = (async () => {
    while (types.length < 7) {
      const [message] = await app.module.get(Traced).traces.poll({ max: 1, timeout: '30s' });
      for (const record of message?.payload.split('\u0002').slice(0, -1) ?? []) {
        const fields = record.split('\u0001');
        types.push(fields[0]!);
        if (fields.includes(msgId)) ofTheFirst.push(fields);
      }
    }
  })();
  await app.elapse(reading, '30s');
  const all = ['EndTransaction', 'Pub', 'Pub', 'SubAfter', 'SubAfter', 'SubBefore', 'SubBefore'];
  expect(types.toSorted()).toEqual(all);
  const group = expect.stringMatching(/^app-/);
  expect(ofTheFirst.find(([type]) => type === 'Pub')).toMatchObject({
    2: 'DefaultRegion',
    3: group,
    4: topic,
    6: 'a',
    7: 'k1',
  });
  const before = ofTheFirst.find(([type]) => type === 'SubBefore')!;
  expect(before).toMatchObject({ 2: 'DefaultRegion', 3: group, 6: '0', 7: 'k1' });
  expect(ofTheFirst.find(([type]) => type === 'SubAfter')).toMatchObject({ 1: before[4], 4: 'true', 6: '0' });
});

test('the trace has no say in whether messages are sent, and wrong options are refused', async () => {
  const app = await startApp({}, { producer: { enableMsgTrace: true } });
  expect((await app.template.send(unique('traced'), 'x')).sendStatus).toBe('SEND_OK');
  const start = (options: object): Promise<unknown> => startApp({}, options);
  await expect(start({ producer: { enableMsgTrace: 'on' } })).rejects.toThrow('producer.enableMsgTrace');
  await expect(start({ consumer: { customizedTraceTopic: 'no topic' } })).rejects.toThrow(
    'consumer.customizedTraceTopic',
  );
});
