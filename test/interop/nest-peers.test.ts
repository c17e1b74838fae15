// Tests that a Nest app and unmodified Java clients ask and answer each other, and that mqadmin reads the app's trace, on
// Apache's broker and on ours.
import 'reflect-metadata';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { setTimeout as wait } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import type { TestingModule } from '@nestjs/testing';
import {
  RocketMQListeners,
  RocketMQLocalTransactionState,
  RocketMQMessageListener,
  RocketMQModule,
  RocketMQReply,
  RocketMQTemplate,
} from 'nest-rocketmq';
import type { ReplyEvent } from 'nest-rocketmq';
import { openTelemetry } from 'nest-rocketmq/opentelemetry';
import { consumed } from 'nest-rocketmq/testing';
import { newClient } from './client/peer.js';
import { startApache } from './harness/apache.js';
import { cleanUp } from './harness/clean-up.js';
import type { Cluster, ClusterOptions } from './harness/cluster.js';
import { ROCKETMQ_5 } from './harness/jars.js';
import { JavaPeer, type PeerEvent } from './harness/java-peer.js';
import { mqadmin } from './harness/mqadmin.js';
import { startOurBroker } from './harness/our-broker.js';

jest.setTimeout(300_000);
afterAll(cleanUp);

const LINE_TIMEOUT_MS = 120_000;
const LARGE = 'large'.repeat(10_000);
const RUN = 'nestpeers';
const TO_OURS = `${RUN}_ask_toOthers`;
const NOBODY = `${RUN}_ask_nobody`;
const TO_JAVA = `${RUN}_answer_toJava`;
const TRACED = `${RUN}_traced`;
const FIRST = { consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET' } as const;

class Peers {
  @RocketMQMessageListener({ topic: TO_OURS, consumerGroup: `${RUN}_ours`, payload: 'string', ...FIRST })
  answer(question: string): unknown {
    const reply = question === LARGE ? question : `re: ${question}`;
    return new RocketMQReply(reply, { tags: 'TagR', properties: { from: 'nest' } });
  }

  @RocketMQMessageListener({ topic: TRACED, consumerGroup: `${RUN}_tracing`, enableMsgTrace: true, ...FIRST })
  take(): void {}
}

/** The records of the trace topic, up to the first end of a transaction and the first recall. */
async function traceOf(cluster: Cluster): Promise<string[][]> {
  const client = newClient(cluster);
  const consumer = client.createLitePullConsumer({
    group: `${RUN}_trace_reader`,
    subscriptions: [{ topic: 'RMQ_SYS_TRACE_TOPIC' }],
    ...FIRST,
  });
  await consumer.start();
  const records: string[][] = [];
  const has = (type: string): boolean => records.some(([each]) => each === type);
  while (!has('Recall') || !has('EndTransaction')) {
    const messages = await consumer.poll({ timeout: LINE_TIMEOUT_MS });
    if (messages.length === 0) break;
    const texts = messages.flatMap(({ body }) => body.toString().split('\u0002').slice(0, -1));
    records.push(...texts.map((text) => text.split('\u0001')));
  }
  await client.shutdown();
  return records;
}

describe.each<[string, (options: ClusterOptions) => Promise<Cluster>]>([
  ["Apache's", startApache],
  ['our', startOurBroker],
])('on %s broker', (_whose, start) => {
  let cluster: Cluster;
  let app: TestingModule;
  let template: RocketMQTemplate;
  const spans = new InMemorySpanExporter();
  const named = (name: string): ReadableSpan[] => spans.getFinishedSpans().filter((span) => span.name === name);
  beforeAll(async () => {
    Logger.overrideLogger(['error']);
    cluster = await start({ settings: { traceTopicEnable: 'true', recallMessageEnable: 'true' } });
    const topics = [TO_OURS, NOBODY, TO_JAVA, TRACED].map((name) => ({ name, queues: 1 }));
    const tracerProvider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] });
    const options = {
      nameServer: cluster.nameServer,
      group: `${RUN}_app`,
      topics,
      // A cold JVM takes its time for the first sends.
      producer: { enableMsgTrace: true, sendMsgTimeout: '20s' },
      hooks: [openTelemetry({ tracerProvider })],
    };
    app = await Test.createTestingModule({ imports: [RocketMQModule.forRoot(options)], providers: [Peers] }).compile();
    await app.init();
    template = app.get(RocketMQTemplate);
  });
  afterAll(async () => {
    await app?.close();
    await cleanUp();
  });

  test('T039 T041 T042 Java asks, and a listener answers with what it returns', async () => {
    const answers: ReplyEvent['outcome'][] = [];
    app.get(RocketMQListeners).replies.subscribe(({ outcome }) => answers.push(outcome));
    const java = await JavaPeer.start(ROCKETMQ_5, cluster.nameServer, RUN, ['ask']);
    const events = await java.scenario('ask');
    expect(events.of('error')).toEqual([]);
    const replies = new Map(events.of('reply').map((event): [unknown, PeerEvent] => [event.asked, event]));
    expect(new Set(replies.keys())).toEqual(new Set(['callback', 'large', 'sync']));
    expect(replies.get('sync')).toMatchObject({ body: 're: sync ü 漢', topic: 'DefaultCluster_REPLY_TOPIC' });
    expect(replies.get('sync')!.properties).toMatchObject({ TAGS: 'TagR', from: 'nest', MSG_TYPE: 'reply' });
    expect(replies.get('callback')).toMatchObject({ body: 're: callback' });
    expect(replies.get('large')!.body).toMatch(/^50000 bytes/);
    expect(events.of('timeout')).toMatchObject([{ code: 10_006 }]);
    // Java has a reply before its replier has the broker's answer.
    for (const by = Date.now() + LINE_TIMEOUT_MS; answers.length < 3 && Date.now() < by;) await wait(50);
    expect(answers).toEqual(['sent', 'sent', 'sent']);
    // The context that Java has sent is the parent of our listener's span.
    const ofJava = named(`process ${TO_OURS}`).filter(({ parentSpanContext }) => parentSpanContext !== undefined);
    expect(ofJava.map(({ parentSpanContext: parent }) => [parent!.traceId, parent!.spanId])).toEqual([
      ['4bf92f3577b34da6a3ce929d0e0e4736', '00f067aa0ba902b7'],
    ]);
    expect(ofJava[0]!.parentSpanContext!.traceState?.serialize()).toBe('congo=t61rcWkgMzE');
  });

  test('T039 T042 the template asks, and a Java consumer answers', async () => {
    const java = await JavaPeer.start(ROCKETMQ_5, cluster.nameServer, RUN, ['answer']);
    await java.line(/"event":"ready"/, LINE_TIMEOUT_MS);
    const asking = { timeout: '60s', payload: 'string' } as const;
    expect(await template.request(TO_JAVA, 'hello ü', asking)).toBe('re: hello ü');
    expect(await template.request(TO_JAVA, LARGE, asking)).toBe(LARGE);
    await template.request(TO_JAVA, 'stop', asking);
    const events = await java.scenario('answer');
    expect(events.of('error')).toEqual([]);
    expect(template.requestCounts).toMatchObject({ answered: 3, late: 0, duplicate: 0, unknown: 0, pending: 0 });
    // Java sees the context of our span as plain properties.
    const contexts = named(`send ${TO_JAVA}`).map((span) => span.spanContext());
    const seen = events.of('asked').map(({ properties }) => (properties as { traceparent?: string }).traceparent);
    expect(seen).toEqual(contexts.map(({ traceId, spanId }) => `00-${traceId}-${spanId}-01`));
  });

  test("T044 T045 T082 T163 Apache's mqadmin shows the trace of a message: who sent it, and who consumed it", async () => {
    const took = consumed(app, { topic: TRACED }, { timeout: LINE_TIMEOUT_MS });
    const { msgId } = await template.send(`${TRACED}:TagA`, 'traced', { keys: 'key-1' });
    await took;
    const delayed = await template.send(TRACED, 'to be recalled', { delay: '1h' });
    expect(await template.recall(TRACED, delayed.recallHandle!)).toBe(delayed.msgId);
    await template.transaction(TRACED, 'rolled back', () => RocketMQLocalTransactionState.ROLLBACK);
    // Closing sends what is left of the trace.
    await app.close();
    const command = `queryMsgTraceById -i ${msgId}`;
    let rows: string[][];
    // A broker indexes what it has stored a little later.
    const by = Date.now() + LINE_TIMEOUT_MS;
    do {
      const lines = (await mqadmin(cluster.nameServer, [command])).get(command)!;
      rows = lines.filter((line) => /^(Pub|Sub)/.test(line)).map((line) => line.trim().split(/\s+/));
    } while (!['Pub', 'Sub'].every((type) => rows.some(([each]) => each === type)) && Date.now() < by);
    expect(rows).toContainEqual([
      'Pub',
      `${RUN}_app`,
      expect.any(String),
      expect.any(String),
      expect.any(String),
      expect.stringMatching(/ms$/),
      'success',
    ]);
    expect(rows).toContainEqual([
      'Sub',
      `${RUN}_tracing`,
      expect.any(String),
      expect.any(String),
      expect.any(String),
      expect.stringMatching(/ms$/),
      'success',
    ]);

    // mqadmin shows neither recalls nor ends of transactions.
    const records = await traceOf(cluster);
    const recall = [
      'Recall',
      expect.stringMatching(/^\d+$/),
      'DefaultRegion',
      `${RUN}_app`,
      TRACED,
      delayed.msgId,
      'true',
    ];
    expect(records).toContainEqual(recall);
    const end = records.find(([type]) => type === 'EndTransaction');
    expect(end).toMatchObject({
      2: 'DefaultRegion',
      3: `${RUN}_app`,
      4: TRACED,
      8: cluster.brokerAddress,
      9: '2',
      11: 'ROLLBACK_MESSAGE',
    });
  });
});
