// Tests that unmodified Java clients are peers of Nest's microservices: their messages reach @EventPattern, @MessagePattern answers
// what they ask, and a Java consumer answers client.send, on Apache's broker and on ours.
import 'reflect-metadata';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { Controller, Logger } from '@nestjs/common';
import type { INestMicroservice } from '@nestjs/common';
import { Ctx, EventPattern, MessagePattern, Payload, RpcException } from '@nestjs/microservices';
import { Test } from '@nestjs/testing';
import { firstValueFrom } from 'rxjs';
import { RocketMQContext, RocketMQReply } from 'nest-rocketmq';
import { RocketMQClientProxy, RocketMQRecord, RocketMQServer } from 'nest-rocketmq/microservices';
import { startApache } from './harness/apache.js';
import { cleanUp } from './harness/clean-up.js';
import type { Cluster, ClusterOptions } from './harness/cluster.js';
import { ROCKETMQ_5 } from './harness/jars.js';
import { JavaPeer } from './harness/java-peer.js';
import { startOurBroker } from './harness/our-broker.js';

jest.setTimeout(300_000);
afterAll(cleanUp);

const LINE_TIMEOUT_MS = 120_000;
/** A cold JVM takes its time for the first sends. */
const PATIENT = { sendMsgTimeout: '20s' } as const;
const RUN = 'nestrpc';
const ASKED = `${RUN}_ask_toOthers`;
const NOBODY = `${RUN}_ask_nobody`;
const SENT = `${RUN}_sync_topic`;
const TO_JAVA = `${RUN}_answer_toJava`;
const FIRST = { consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET', payload: 'string' } as const;

const events: { body: string; tag: string | undefined; isContext: boolean }[] = [];
let onEvent = (): void => undefined;

@Controller()
class Handlers {
  @MessagePattern(ASKED, { ...FIRST, consumerGroup: `${RUN}_answering` })
  answer(question: string): unknown {
    if (question === 'callback') throw new RpcException({ status: 'error', message: 'not by callback' });
    return new RocketMQReply(`re: ${question}`, { tags: 'TagR', properties: { from: 'nest' } });
  }

  @EventPattern<string>(SENT, { ...FIRST, consumerGroup: `${RUN}_events` })
  take(@Payload() body: string, @Ctx() context: RocketMQContext): void {
    events.push({ body, tag: context.tags, isContext: context instanceof RocketMQContext });
    onEvent();
  }
}

describe.each<[string, (options: ClusterOptions) => Promise<Cluster>]>([
  ["Apache's", startApache],
  ['our', startOurBroker],
])('on %s broker', (_whose, start) => {
  let cluster: Cluster;
  let microservice: INestMicroservice;
  let client: RocketMQClientProxy;
  beforeAll(async () => {
    Logger.overrideLogger(['error']);
    events.length = 0;
    cluster = await start({});
    const { nameServer } = cluster;
    const topics = [ASKED, NOBODY, SENT, TO_JAVA].map((name) => ({ name, queues: 1 }));
    const module = await Test.createTestingModule({ controllers: [Handlers] }).compile();
    const strategy = new RocketMQServer({ nameServer, group: `${RUN}_app`, topics, producer: PATIENT });
    microservice = module.createNestMicroservice({ strategy });
    await microservice.listen();
    client = new RocketMQClientProxy({ nameServer, group: `${RUN}_client`, producer: PATIENT });
  });
  afterAll(async () => {
    await client?.close();
    await microservice?.close();
    await cleanUp();
  });

  test('Java asks, and a @MessagePattern answers, with its error too; what Java sends reaches an @EventPattern', async () => {
    const java = await JavaPeer.start(ROCKETMQ_5, cluster.nameServer, RUN, ['ask', 'sync']);
    const asked = await java.scenario('ask');
    expect(asked.of('error')).toEqual([]);
    const replies = new Map(asked.of('reply').map((event) => [event.asked, event]));
    expect(replies.get('sync')).toMatchObject({ body: 're: sync ü 漢' });
    expect(replies.get('sync')!.properties).toMatchObject({ TAGS: 'TagR', from: 'nest' });
    expect(JSON.parse(String(replies.get('callback')!.body))).toEqual({ status: 'error', message: 'not by callback' });
    expect(replies.get('callback')!.properties).toMatchObject({ rpcError: 'true' });
    const sent = (await java.scenario('sync')).of('sent').map(({ body }) => body);
    expect(sent.length).toBeGreaterThan(0);
    await new Promise<void>((resolve) => {
      onEvent = () => void (events.length >= sent.length && resolve());
      onEvent();
    });
    expect(events.map(({ body }) => body).toSorted()).toEqual(sent.map(String).toSorted());
    expect(events.every(({ isContext }) => isContext)).toBe(true);
  });

  test('client.send asks, and a Java consumer answers', async () => {
    const java = await JavaPeer.start(ROCKETMQ_5, cluster.nameServer, RUN, ['answer']);
    await java.line(/"event":"ready"/, LINE_TIMEOUT_MS);
    const ask = (text: string): Promise<unknown> =>
      firstValueFrom(client.send<string>(TO_JAVA, new RocketMQRecord(text, { timeout: '60s', payload: 'string' })));
    expect(await ask('hello ü')).toBe('re: hello ü');
    await ask('stop');
    expect((await java.scenario('answer')).of('error')).toEqual([]);
  });
});
