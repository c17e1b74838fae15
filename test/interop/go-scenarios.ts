// Runs the Go peer's scenarios, and says what those must print that deal with others. The expectations come from Apache's own
// broker, and are the same on ours. The *.test.ts files choose the broker.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { RocketMQClient } from '@nest-rocketmq/client';
import { newClient, SEND_TIMEOUT_MS } from './client/peer.js';
import { groupMembers } from './client/group-members.js';
import type { Cluster } from './harness/cluster.js';
import { GO_LATER, GO_RELEASE, type GoClientVersion, GoPeer } from './harness/go-peer.js';
import { numbered } from './harness/lists.js';
import { mqadmin } from './harness/mqadmin.js';
import { bodiesOf, OurReader } from './harness/our-reader.js';
import {
  declareGoConsumeTests,
  declareGoLaterTests,
  declareGoPullTests,
  declareGoRetryTests,
  declareGoSendTests,
} from './go-expectations.js';
import {
  type Allowances,
  type Scenario,
  declareCommonConsumeTests,
  declareCommonSendTests,
  declareTransactionTests,
} from './peer-scenarios.js';

const COMMON = ['sync', 'async', 'oneway', 'large', 'delay', 'tags', 'retry', 'orderly', 'offsets', 'transaction'];
const OWN = [
  'batch',
  'properties',
  'sharding',
  'sql',
  'from',
  'broadcast',
  'pull',
  'poll',
  'level',
  'orderlyDead',
  'namespace',
  'signed',
];
const WITH_OTHERS = ['trace', 'admin', 'domain', 'addresses', 'ask', 'answer', 'reset', 'inspect'];
const SCENARIOS = [...COMMON, ...OWN, ...WITH_OTHERS];
const LINE_TIMEOUT_MS = 120_000;
const ASKING = { timeout: 60_000 };

/** Starts all scenarios of both versions at once on the cluster, and declares one test for each. */
export function describeGoClients(clusterOf: () => Cluster, allowances: Allowances = { offsetMayGoBack: false }): void {
  const contexts = [GO_RELEASE, GO_LATER].map(
    (version) => ({ version, run: `go${version.replaceAll(/\W/g, '')}` }) as GoContext,
  );
  beforeAll(async () => {
    const cluster = clusterOf();
    const client = newClient(cluster);
    await client.start();
    for (const context of contexts) await startScenarios(Object.assign(context, { client, cluster }));
  });
  afterAll(async () => {
    await contexts[0]!.client?.shutdown();
    for (const { peer } of contexts) await peer?.kill();
  });
  describe.each(contexts)('the Go client $version', (context) => {
    const scenario: Scenario = (name) => context.peer.scenario(name);
    // First what waits for this process.
    declareAskingTests(context);
    declareCommonSendTests(scenario);
    declareGoSendTests(scenario);
    declareCommonConsumeTests(scenario, allowances);
    declareGoConsumeTests(scenario);
    declareGoRetryTests(scenario);
    declareNameTests(context, scenario);
    declareGoPullTests(scenario);
    declareTransactionTests(scenario);
    if (context.version === GO_LATER) declareGoLaterTests(scenario);
    declareTraceTest(context, scenario);
    declareAdministrationTests(context, scenario);
  });
}

interface GoContext {
  version: GoClientVersion;
  run: string;
  cluster: Cluster;
  client: RocketMQClient;
  peer: GoPeer;
  /** Has what the scenario `ask` has asked. */
  replying: OurReader;
  /** What mqadmin printed, in the order of its commands. */
  administered: Promise<string[][]>;
}

async function startScenarios(context: GoContext): Promise<void> {
  const { version, run, cluster, client } = context;
  await client.admin.createTopic({ topic: `${run}_ask_toOthers`, queues: 4 });
  await client.admin.createTopic({ topic: `${run}_answer_toGo`, queues: 4 });
  const later = version === GO_LATER ? ['timer', 'assign'] : [];
  context.replying = await replyTo(client, run);
  context.peer = await GoPeer.start(version, cluster, run, [...SCENARIOS, ...later]);
  context.administered = administer(context);
  // Whoever waits for it hears of it.
  context.administered.catch(() => undefined);
}

/** Answers what the scenario `ask` asks. */
async function replyTo(client: RocketMQClient, run: string): Promise<OurReader> {
  const producer = client.createProducer({ group: `${run}_replier`, sendMsgTimeout: SEND_TIMEOUT_MS });
  await producer.start();
  const subscriptions = [{ topic: `${run}_ask_toOthers` }];
  return OurReader.start(client, { group: `${run}_replying`, subscriptions }, async (message) => {
    if (message.properties.has('CORRELATION_ID')) {
      const body = `re: ${message.body.subarray(0, 20).toString()}`;
      await producer.replyTo(message, body, { properties: { colour: 'green' } });
    }
    return 'CONSUME_SUCCESS' as const;
  });
}

/** How often mqadmin asks, until one answer falls outside of the 10 s of Go's fault. */
const MOST_LOOKS = 8;
/** From its first count after 10 s to the second after 20 s the client divides by zero, and tells only that. */
const DIVIDED_BY_ZERO = /unsupported value: NaN|get consumer runtime info for \S+ client failed/;

/** It takes 10 s until the client has obeyed a reset, and up to 20 s more until it consumes again. */
async function administer({ run, cluster, peer }: GoContext): Promise<string[][]> {
  await peer.line(/"scenario":"inspect","event":"consumed"/, LINE_TIMEOUT_MS);
  await peer.line(/"scenario":"reset","event":"consumed"/, LINE_TIMEOUT_MS);
  const [group, topic] = [`${run}_inspect_reader`, `${run}_inspect_topic`];
  const [member] = await groupMembers(cluster, group);
  const msgId = peer.soFar('inspect').field('sent', 'msgId')[0]!;
  const looks = [
    `consumerConnection -g ${group}`,
    `consumerStatus -g ${group} -i ${member!.clientId}`,
    `queryMsgByUniqueKey -i ${msgId} -t ${topic} -g ${group} -d ${member!.clientId}`,
  ];
  const linesOf = async (commands: string[]): Promise<string[][]> => {
    const printed = await mqadmin(cluster.nameServer, commands);
    return commands.map((command) => printed.get(command)!.filter((line) => !/\|-[A-Z]+ in /.test(line)));
  };
  const reset = `resetOffsetByTime -g ${run}_reset_reader -t ${run}_reset_topic -s 0`;
  let lines = await linesOf([...looks, reset]);
  const failed = (): boolean =>
    lines
      .slice(0, looks.length)
      .flat()
      .some((line) => DIVIDED_BY_ZERO.test(line));
  for (let look = 1; look < MOST_LOOKS && failed(); look++) lines = await linesOf(looks);
  return lines;
}

function declareAskingTests(context: GoContext): void {
  test('what it asks is answered by us, by call and by callback', async () => {
    const { peer, replying } = context;
    const events = await peer.scenario('ask');
    expect(events.bodies('sync')).toEqual(['re: sync ü 漢', 're: largelargelargelarge']);
    expect(events.bodies('callback')).toEqual(['re: callback']);
    expect(events.of('sync')[0]!.properties).toMatchObject({ colour: 'green', MSG_TYPE: 'reply' });
    const asked = replying.received.find((message) => message.body.toString().startsWith('sync'))!;
    expect(Object.fromEntries(asked.properties)).toMatchObject({
      TAGS: 'TagA',
      KEYS: 'key1',
      colour: 'blue',
      TTL: '30',
    });
    expect(replying.received.map(({ body }) => body.length)).toContain(50_000);
  });

  test('it answers what we ask', async () => {
    const { client, run, peer } = context;
    await peer.line(/"scenario":"answer","event":"answering"/, LINE_TIMEOUT_MS);
    const producer = client.createProducer({ group: `${run}_requester`, sendMsgTimeout: SEND_TIMEOUT_MS });
    await producer.start();
    const topic = `${run}_answer_toGo`;
    const replies = await Promise.all(
      numbered('question', 5).map((body) => producer.request({ topic, body, tags: 'TagQ' }, ASKING)),
    );
    expect(bodiesOf(replies)).toEqual(numbered('re: question', 5));
    expect(replies[0]!.properties.get('colour')).toBe('green');
    await producer.send({ topic, body: 'stop' });
    const events = await peer.scenario('answer');
    // The last reply may have come before its replier hears of it.
    expect(new Set(events.field('replied', 'status'))).toEqual(new Set(['SEND_OK']));
    await producer.shutdown();
  });
}

function declareNameTests({ run }: GoContext, scenario: Scenario): void {
  test('topics and groups may lie in a namespace', async () => {
    const topic = `ns%${run}_namespace_topic`;
    expect((await scenario('namespace')).of('received')).toMatchObject([{ body: 'namespace', topic }]);
  });

  test('signed requests are served', async () => {
    expect((await scenario('signed')).bodies('received')).toEqual(['signed']);
  });
}

function declareAdministrationTests(context: GoContext, scenario: Scenario): void {
  test('it creates a topic, finds it and its group, and deletes it', async () => {
    const events = await scenario('admin');
    const topic = `${context.run}_admin_topic`;
    const queues = [0, 1, 2].map((queueId) => ({ topic, brokerName: 'broker-a', queueId }));
    expect(events.field('created', 'listed')).toEqual([true]);
    expect(events.of('route')).toMatchObject([{ queues, clusters: ['DefaultCluster'] }]);
    const GroupName = `${context.run}_admin_reader`;
    expect(events.of('group')).toMatchObject([{ config: { GroupName, ConsumeEnable: true, RetryMaxTimes: 16 } }]);
    expect(events.field('deleted', 'listed')).toEqual([false]);
  });

  test('mqadmin sees it as a member of its group, asks it where it is, and has it consume a message again', async () => {
    const { run } = context;
    const [connection, status, directly] = await context.administered;
    expect(connection).toContainEqual(expect.stringMatching(/^\S+@\S+ +127\.0\.0\.1:\d+ +GO +V4_5_2$/));
    expect(connection).toEqual(
      expect.arrayContaining([
        'ConsumeType: CONSUME_PASSIVELY',
        'MessageModel: CLUSTERING',
        'ConsumeFromWhere: CONSUME_FROM_FIRST_OFFSET',
      ]),
    );
    const queue = (id: number, offset: number): RegExp =>
      new RegExp(`^${run}_inspect_topic +broker-a +${id} +${offset} *$`);
    for (const [id, offset] of [0, 1, 0, 0].entries()) {
      expect(status).toContainEqual(expect.stringMatching(queue(id, offset)));
    }
    expect(directly).toEqual([expect.stringContaining('order=false, autoCommit=true, consumeResult=CR_SUCCESS')]);
  });

  test('it consumes again what mqadmin has reset', async () => {
    await context.administered;
    expect((await scenario('reset')).bodies('received')).toEqual(['reset-0', 'reset-0']);
  });
}

function declareTraceTest(context: GoContext, scenario: Scenario): void {
  test('its producers and consumers write a trace as those of Java do', async () => {
    const { run, client } = context;
    const sent = (await scenario('trace')).of('sent')[0]!;
    const reader = await OurReader.start(client, {
      group: `${run}_trace`,
      subscriptions: [{ topic: 'RMQ_SYS_TRACE_TOPIC' }],
    });
    const records = (): string[][] =>
      bodiesOf(reader.received)
        .flatMap((body) => body.split('\u0002'))
        .map((record) => record.split('\u0001'))
        .filter((fields) => fields.includes(String(sent.msgId)));
    await reader.until(() => records().length === 3, 'three records of the trace');
    const of = (type: string): string[] => records().find(([first]) => first === type)!;
    const any = expect.any(String) as unknown as string;
    expect(of('Pub')).toEqual([
      'Pub',
      any,
      'DefaultRegion',
      `${run}_trace_producer`,
      `${run}_trace_topic`,
      sent.msgId,
      'TagA',
      'key-1',
      any,
      '6',
      any,
      '0',
      sent.offsetMsgId,
      'true',
      any,
    ]);
    const before = of('SubBefore');
    expect(before.slice(2, 8)).toEqual(['DefaultRegion', `${run}_trace_reader`, any, sent.msgId, '0', 'key-1']);
    expect(of('SubAfter').slice(1, 7)).toEqual([before[4], sent.msgId, any, 'true', 'key-1', '0']);
    const keys = reader.received.map(({ properties }) => properties.get('KEYS') ?? '');
    expect(keys.filter((key) => key.includes(String(sent.msgId)) && key.includes('key-1'))).toHaveLength(
      reader.received.filter(({ body }) => body.includes(String(sent.msgId))).length,
    );
    await reader.stop();
  });
}
