import { afterEach, describe, expect, it } from '@jest/globals';
import { ManualClock, Requests, encodeHeartbeat } from '@nest-rocketmq/remoting/internal';
import type { ConsumerData } from '@nest-rocketmq/remoting/internal';
import { TestBroker } from '../../test-kit/broker.js';
import { GroupAgreement, MAX_WARNINGS_PER_MINUTE } from './group-agreement.js';

const MINUTE = 60_000;

interface Watched {
  agreement: GroupAgreement;
  clock: ManualClock;
  warnings: string[];
  logs: string[];
}

function watched(): Watched {
  const clock = new ManualClock(0);
  const [warnings, logs]: [string[], string[]] = [[], []];
  const logger = { log: (line: string) => logs.push(line), warn: (line: string) => warnings.push(line), error() {} };
  return { agreement: new GroupAgreement({ clock, logger }), clock, warnings, logs };
}

/** @param subscriptions topic to tags; `*` for all */
function asks(subscriptions: Record<string, string>, more: Partial<ConsumerData> = {}, subVersion = 1): ConsumerData {
  return {
    groupName: 'g',
    consumeType: 'CONSUME_PASSIVELY',
    messageModel: 'CLUSTERING',
    consumeFromWhere: 'CONSUME_FROM_LAST_OFFSET',
    unitMode: false,
    subscriptionDataSet: Object.entries({ '%RETRY%g': '*', ...subscriptions }).map(([topic, subString]) => ({
      topic,
      subString,
      tagsSet: subString === '*' ? [] : subString.split('||').map((tag) => tag.trim()),
      codeSet: [],
      subVersion,
      expressionType: 'TAG',
    })),
    ...more,
  };
}

const [one, two, three] = [{}, {}, {}];

describe('the members of a group', () => {
  it.each<[string, ConsumerData, ConsumerData]>([
    ['topics', asks({ orders: '*' }), asks({ payments: '*' })],
    ['one topic more', asks({ orders: '*' }), asks({ orders: '*', payments: '*' })],
    ['tags', asks({ orders: 'a' }), asks({ orders: 'a || b' })],
    ['message models', asks({ orders: '*' }), asks({ orders: '*' }, { messageModel: 'BROADCASTING' })],
    ['ways to consume', asks({ orders: '*' }), asks({ orders: '*' }, { consumeType: 'CONSUME_ACTIVELY' })],
  ])('are warned of when they have different %s', (_what, first, second) => {
    const { agreement, warnings } = watched();
    agreement.heard(first, 'first@1', one);
    agreement.heard(second, 'second@2', two);
    expect(warnings).toHaveLength(1);
  });

  it('are named with their group and what each asks for', () => {
    const { agreement, warnings } = watched();
    agreement.heard(asks({ orders: '*', stock: 'b || a' }), 'first@1', one);
    agreement.heard(asks({ payments: '*' }), 'second@2', two);
    expect(warnings[0]).toContain('the members of consumer group g subscribe differently');
    expect(warnings[0]).toContain('client second@2 asks for payments * (CLUSTERING, CONSUME_PASSIVELY)');
    expect(warnings[0]).toContain('client first@1 asks for orders *, stock a || b (CLUSTERING, CONSUME_PASSIVELY)');
    expect(warnings[0]).toContain('While a new version is rolled out this is normal for a short time');
  });

  it('are not warned of when they ask for the same in another order, version or spelling', () => {
    const { agreement, warnings } = watched();
    agreement.heard(asks({ orders: 'a || b', stock: '*' }), 'first@1', one);
    agreement.heard(asks({ stock: '*', orders: 'b||a' }, {}, 7), 'second@2', two);
    expect(warnings).toEqual([]);
  });

  it('are warned of once for each change, and not for each heartbeat or each member', () => {
    const { agreement, warnings } = watched();
    for (let beat = 0; beat < 5; beat++) {
      agreement.heard(asks({ orders: '*' }), 'first@1', one);
      agreement.heard(asks({ payments: '*' }), 'second@2', two);
      agreement.heard(asks({ payments: '*' }), 'third@3', three);
    }
    expect(warnings).toHaveLength(1);
    agreement.heard(asks({ payments: 'paid' }), 'second@2', two);
    agreement.heard(asks({ payments: 'paid' }), 'second@2', two);
    expect(warnings).toHaveLength(2);
    expect(warnings[1]).toContain('payments paid');
  });

  it('are left alone in the groups of tools', () => {
    const { agreement, warnings } = watched();
    agreement.heard(asks({ orders: '*' }, { groupName: 'TOOLS_CONSUMER' }), 'first@1', one);
    agreement.heard(asks({ payments: '*' }, { groupName: 'TOOLS_CONSUMER' }), 'second@2', two);
    expect(warnings).toEqual([]);
  });

  it('are said to be alike again when the last of another opinion has left or changed', () => {
    const { agreement, logs, warnings } = watched();
    agreement.heard(asks({ orders: '*' }), 'first@1', one);
    agreement.heard(asks({ payments: '*' }), 'second@2', two);
    agreement.left('g', two);
    expect(logs).toEqual(['the members of consumer group g subscribe alike again']);
    agreement.heard(asks({ payments: '*' }), 'second@2', two);
    expect(warnings).toHaveLength(2);
    agreement.heard(asks({ orders: '*' }), 'second@2', two);
    expect(logs).toHaveLength(2);
  });

  it('of many groups are warned of so many times a minute, and of the others later', async () => {
    const { agreement, clock, warnings } = watched();
    const beat = (): void => {
      for (let group = 0; group < MAX_WARNINGS_PER_MINUTE + 3; group++) {
        agreement.heard(asks({ orders: '*' }, { groupName: `g${group}` }), 'first@1', one);
        agreement.heard(asks({ payments: '*' }, { groupName: `g${group}` }), 'second@2', two);
      }
    };
    beat();
    beat();
    expect(warnings).toHaveLength(MAX_WARNINGS_PER_MINUTE);
    await clock.advance(MINUTE);
    beat();
    beat();
    expect(new Set(warnings).size).toBe(MAX_WARNINGS_PER_MINUTE + 3);
  });

  it('are told apart by what no longer fits into the warning', () => {
    const { agreement, warnings } = watched();
    const many = Object.fromEntries(Array.from({ length: 500 }, (_, topic) => [`topic-${topic + 100}`, '*']));
    agreement.heard(asks(many), 'first@1', one);
    agreement.heard(asks({ ...many, 'topic-999': '*' }), 'second@2', two);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]!.length).toBeLessThan(1_500);
  });
});

describe('a broker', () => {
  let running: TestBroker;
  afterEach(() => running.stop());

  it('warns when a heartbeat brings a member that subscribes differently, and not when one leaves its subscriptions out', async () => {
    const warnings: string[] = [];
    const logger = { log() {}, warn: (line: string) => warnings.push(line), error() {} };
    running = await TestBroker.start({ logger });
    const [first, second] = [await running.client(), await running.client()];
    await first.subscribe('first@1', 'g', { orders: '*' });
    await second.subscribe('second@2', 'g', { payments: '*' });
    const disagreements = (): string[] => warnings.filter((line) => line.includes('subscribe differently'));
    expect(disagreements()).toHaveLength(1);
    const consumers = [{ ...asks({}), subscriptionDataSet: [] }];
    const short = { clientID: 'first@1', producerGroups: [], consumers, heartbeatFingerprint: 1, withoutSub: true };
    await first.connection.request(Requests.HEART_BEAT, {}, { body: encodeHeartbeat(short) });
    await first.subscribe('first@1', 'g', { orders: '*' });
    expect(disagreements()).toHaveLength(1);
  });

  it('says that they are alike again when the connection of the other one has closed', async () => {
    const logs: string[] = [];
    running = await TestBroker.start({ logger: { log: (line: string) => logs.push(line), warn() {}, error() {} } });
    const [first, second] = [await running.client(), await running.client()];
    await first.subscribe('first@1', 'g', { orders: '*' });
    await second.subscribe('second@2', 'g', { payments: '*' });
    second.connection.close();
    await running.clock.advance(0);
    expect(logs).toContainEqual('the members of consumer group g subscribe alike again');
  });
});
