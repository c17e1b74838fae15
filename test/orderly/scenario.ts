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
const START_TIMEOUT_MS = 60_000;

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

/** Starts a member with our client. */
export function startOurs({ nameServer, topic, group }: Group): StartMember {
  return async (name, onLine) => {
    const script = join(import.meta.dirname, 'member.mjs');
    const args = [script, nameServer, topic, group, String(CALL_MS)];
    const child = startChild(name, process.execPath, args, { onLine, env: { NODE_OPTIONS: '' } });
    await child.line(/"what":"started"/, START_TIMEOUT_MS);
    return { name, child };
  };
}

export interface Outcome {
  faults: string[];
  sent: number;
  calls: number;
  /** How long the queues of the member that was killed, and of the one that stood still, waited for another. ms */
  stalls: number[];
}

/** @param starts of the members, in the order in which they join; the third is killed, and the second stands still */
export async function runScenario(on: Group, starts: readonly StartMember[]): Promise<Outcome> {
  const events: CallEvent[] = [];
  const note = (member: string) => (line: string) => {
    if (!line.startsWith('{"what":"begin"') && !line.startsWith('{"what":"end"')) return;
    events.push({ ...(JSON.parse(line) as Omit<CallEvent, 'member'>), member });
  };
  const start = (index: number): Promise<Member> => starts[index]!(`member-${index}`, note(`member-${index}`));
  const client = new RocketMQClient({ nameServer: on.nameServer });
  await client.start();
  const load = await startLoad(client, on.topic);
  const members = [await start(0)];
  await wait(2_000);
  for (const index of [1, 2, 3]) {
    members.push(await start(index));
    await wait(2_000);
  }
  await members[0]!.child.stop();
  await wait(3_000);
  await members[2]!.child.kill();
  const killed = new Map([['member-2', Date.now()]]);
  await wait(2_000);
  const freeze = { member: 'member-1', from: Date.now(), to: 0 };
  process.kill(members[1]!.child.pid, 'SIGSTOP');
  await wait(LOCK_EXPIRES_MS + 15_000);
  freeze.to = Date.now();
  process.kill(members[1]!.child.pid, 'SIGCONT');
  await wait(8_000);
  members.push(await start(4));
  await wait(4_000);
  const sent = await load.stop();
  const consumed = (): boolean =>
    [...sent].every(([queue, count]) =>
      events.some((e) => e.what === 'end' && e.queue === queue && e.seq === count - 1),
    );
  for (let waited = 0; waited < LOCK_EXPIRES_MS && !consumed(); waited += 100) await wait(100);
  for (const index of [1, 3, 4]) await members[index]!.child.stop();
  await client.shutdown();
  return {
    faults: faultsOf(events, sent, { freezes: [freeze], killed }),
    sent: [...sent.values()].reduce((sum, count) => sum + count, 0),
    calls: events.filter(({ what }) => what === 'begin').length,
    stalls: stallsOf(events, [killed.get('member-2')!, freeze]),
  };
}

async function startLoad(
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

/** The longest times in which a queue rested, beginning within 5 s after each of these moments. */
function stallsOf(events: readonly CallEvent[], moments: readonly [number, Freeze]): number[] {
  return moments.map((moment) => {
    const from = typeof moment === 'number' ? moment : moment.from;
    let longest = 0;
    for (const queue of new Set(events.map((event) => event.queue))) {
      const times = events
        .filter((event) => event.queue === queue)
        .map(({ at }) => at)
        .toSorted((a, b) => a - b);
      for (const [index, at] of times.entries()) {
        if (index > 0 && times[index - 1]! > from - 1_000 && times[index - 1]! < from + 5_000) {
          longest = Math.max(longest, at - times[index - 1]!);
        }
      }
    }
    return longest;
  });
}
