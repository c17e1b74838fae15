// Members of one orderly group come, go, are killed and stand still while messages are sent; the oracle judges.
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { RocketMQClient } from '@nest-rocketmq/client';
import { startChild } from '../interop/harness/children.js';
import type { Child } from '../interop/harness/children.js';
import { faultsOf } from './oracle.js';
import type { CallEvent, Freeze } from './oracle.js';

const QUEUES = 4;
/** How long a listener call takes, ms. */
export const CALL_MS = 4;
/** Between two messages of one queue, ms. */
const SEND_EVERY_MS = 50;
/** A broker gives the lock of a member that has fallen silent to others after 60 s. ms */
const LOCK_EXPIRES_MS = 60_000;
/** It gives up a member that has sent no heartbeat for 120 s, and looks every 10 s. ms */
const GIVEN_UP_MS = 130_000;
/** A member that was refused a lock tries again after 20 s at most. ms */
const REBALANCE_MS = 20_000;
/** For the start of a member, and for all else that takes a busy machine its time. ms */
const PATIENCE_MS = 60_000;

export interface Member {
  readonly name: string;
  readonly child: Child;
}

export type StartMember = (name: string, onLine: (line: string) => void) => Promise<Member>;

export interface Group {
  nameServer: string;
  topic: string;
  group: string;
}

/** Starts a member with our client. @param consumeMode default: in order */
export function startOurs({ nameServer, topic, group }: Group, consumeMode = 'ORDERLY'): StartMember {
  return async (name, onLine) => {
    const script = join(import.meta.dirname, 'member.mjs');
    const args = [script, nameServer, topic, group, String(CALL_MS), consumeMode];
    const child = startChild(name, process.execPath, args, { onLine, env: { NODE_OPTIONS: '' } });
    await child.line(/"what":"started"/, PATIENCE_MS);
    return { name, child };
  };
}

export interface Outcome {
  faults: string[];
  sent: number;
  calls: number;
  /** How long a queue of the member that was killed last, and of the one that stood still, waited for another. ms */
  stalls: { kill: number; freeze: number };
}

/** What hears a member's lines, and adds its calls to the events. */
export function collectCalls(events: CallEvent[], member: string): (line: string) => void {
  return (line) => {
    if (!line.startsWith('{"what":"begin"') && !line.startsWith('{"what":"end"')) return;
    events.push({ ...(JSON.parse(line) as Omit<CallEvent, 'member'>), member });
  };
}

/**
 * The first member leaves, the third is killed, the second stands still until the broker has given it up and others have
 * its queues, the fifth comes late, and then the fourth is killed.
 * @param starts of the members, in the order in which they join
 */
export async function runScenario(on: Group, starts: readonly StartMember[]): Promise<Outcome> {
  const events: CallEvent[] = [];
  const start = (index: number): Promise<Member> =>
    starts[index]!(`member-${index}`, collectCalls(events, `member-${index}`));
  const client = new RocketMQClient({ nameServer: on.nameServer });
  await client.start();
  const load = await startLoad(client, on.topic);
  const members: Member[] = [];
  const killed = new Map<string, number>();
  const kill = async (index: number): Promise<void> => {
    await members[index]!.child.kill();
    killed.set(`member-${index}`, Date.now());
  };
  for (const index of [0, 1, 2, 3]) {
    members.push(await start(index));
    await wait(2_000);
  }
  await members[0]!.child.stop();
  await wait(3_000);
  await kill(2);
  await wait(2_000);
  const freeze = await standStill(members[1]!, events);
  await wait(8_000);
  members.push(await start(4));
  await wait(4_000);
  await kill(3);
  await wait(2_000);
  const sent = await load.stop();
  const isConsumed = ([queue, count]: [string, number]): boolean =>
    events.some((event) => event.what === 'end' && event.queue === queue && event.seq === count - 1);
  await until(() => [...sent].every(isConsumed), LOCK_EXPIRES_MS + REBALANCE_MS + PATIENCE_MS);
  for (const index of [1, 4]) await members[index]!.child.stop();
  await client.shutdown();
  return {
    faults: faultsOf(events, sent, { freezes: [freeze], killed }),
    sent: [...sent.values()].reduce((sum, count) => sum + count, 0),
    calls: events.filter(({ what }) => what === 'begin').length,
    stalls: { kill: stallOf(events, killed.get('member-3')!), freeze: stallOf(events, freeze.from) },
  };
}

/** Stops the member's process until others have consumed of every queue. */
async function standStill(member: Member, events: readonly CallEvent[]): Promise<Freeze> {
  const from = Date.now();
  process.kill(member.child.pid, 'SIGSTOP');
  const all = new Set(events.map(({ queue }) => queue)).size;
  // What had been printed before may still be on its way.
  const isByOther = (event: CallEvent): boolean => event.member !== member.name && event.at > from + LOCK_EXPIRES_MS;
  await until(
    () => new Set(events.filter(isByOther).map(({ queue }) => queue)).size === all,
    GIVEN_UP_MS + REBALANCE_MS + PATIENCE_MS,
  );
  const to = Date.now();
  process.kill(member.child.pid, 'SIGCONT');
  return { member: member.name, from, to };
}

export async function until(condition: () => boolean, atMost: number): Promise<void> {
  for (let waited = 0; waited < atMost && !condition(); waited += 200) await wait(200);
}

/** Sends to each queue, until it is stopped; then it tells how many each has got. */
export async function startLoad(
  client: RocketMQClient,
  topic: string,
): Promise<{ stop: () => Promise<ReadonlyMap<string, number>> }> {
  await client.admin.createTopic({ topic, queues: QUEUES });
  const producer = client.createProducer({ group: `${topic}_load`, sendMsgTimeout: 20_000 });
  await producer.start();
  const queues = await producer.fetchPublishMessageQueues(topic);
  const sent = new Map<string, number>();
  let running = true;
  const loads = queues.map(async (messageQueue) => {
    const queue = `${messageQueue.brokerName}:${messageQueue.queueId}`;
    for (let seq = 0; running; seq++) {
      await producer.send({ topic, body: `${queue} ${seq}` }, { messageQueue });
      sent.set(queue, seq + 1);
      await wait(SEND_EVERY_MS);
    }
  });
  return {
    async stop() {
      running = false;
      await Promise.all(loads);
      return sent;
    },
  };
}

/** The longest time that a queue rested, of those that began within 5 s after this moment. ms */
function stallOf(events: readonly CallEvent[], moment: number): number {
  let longest = 0;
  for (const queue of new Set(events.map((event) => event.queue))) {
    const times = events.filter((event) => event.queue === queue).map(({ at }) => at);
    const sorted = times.toSorted((a, b) => a - b);
    for (const [index, at] of sorted.entries()) {
      const before = sorted[index - 1] ?? at;
      if (before > moment - 1_000 && before < moment + 5_000) longest = Math.max(longest, at - before);
    }
  }
  return longest;
}
