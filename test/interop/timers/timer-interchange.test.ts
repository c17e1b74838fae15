// Moves stores in which messages wait for a time of their own between our broker and Apache's: whoever opens the store
// delivers them, never early, and what was delivered or recalled does not come again.
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { startApache } from '../harness/apache.js';
import { cleanUp } from '../harness/clean-up.js';
import type { Cluster } from '../harness/cluster.js';
import { inTime, isLong } from '../harness/long.js';
import { startOurBroker } from '../harness/our-broker.js';
import { temporaryFolder } from '../harness/temporary.js';
import { TimerPeer, bodiesOf } from './timer-peer.js';

jest.setTimeout(500_000);
afterEach(cleanUp);

type Start = (options: { store: string; settings: Record<string, string> }) => Promise<Cluster>;

const SETTINGS = { recallMessageEnable: 'true' };
const TOPIC = 'moved-timers';
/** ms in which a broker can be stopped and another started. */
const CHANGE_MS = 30_000;
/** For what comes that should not. Apache's broker delivers up to 1 s and its polls after the time; one that has just started is slow. */
const LATE_MS = 12_000;

const apache: [string, Start] = ["Apache's", startApache];
const ours: [string, Start] = ['our', startOurBroker];

interface Written {
  /** Bodies that were delivered before the change. */
  before: string[];
  /** Body to due time, ms since the epoch, of those that wait. */
  waiting: Map<string, number>;
  /** When what was recalled would have been due, ms since the epoch. */
  recalledDue: number;
}

/** Sends messages that fall due before and after the change of brokers, in all forms, and recalls one. */
async function write(cluster: Cluster): Promise<Written> {
  const peer = await TimerPeer.connect(cluster, TOPIC);
  const send = async (body: string, ms: number, how: string): Promise<string> => {
    const value = how === 'TIMER_DELIVER_MS' ? Date.now() + ms : how === 'TIMER_DELAY_SEC' ? ms / 1_000 : ms;
    const { code, header, remark } = await peer.send({ body, properties: { [how]: String(value) } });
    expect({ code, remark }).toMatchObject({ code: 0 });
    return header.recallHandle ?? '';
  };
  const before = ['early-a', 'early-b', 'early-c'];
  await send(before[0]!, 1_000, 'TIMER_DELAY_SEC');
  await send(before[1]!, 1_700, 'TIMER_DELAY_MS');
  await send(before[2]!, 2_300, 'TIMER_DELIVER_MS');
  const waiting = new Map<string, number>();
  for (const [index, how] of ['TIMER_DELAY_SEC', 'TIMER_DELAY_MS', 'TIMER_DELIVER_MS'].entries()) {
    for (const second of [0, 2]) {
      const body = `${how}-${second}`;
      const ms = CHANGE_MS + 1_000 * (second + index);
      waiting.set(body, Date.now() + ms);
      await send(body, ms, how);
    }
  }
  const recalledDue = Date.now() + CHANGE_MS + 1_000;
  const recalled = await send('recalled', CHANGE_MS + 1_000, 'TIMER_DELAY_MS');
  expect(await peer.recall(recalled)).toMatchObject({ code: 0, header: { msgId: 'recalled' } });
  expect(bodiesOf(await peer.until(Date.now() + 5_500, before.length))).toEqual(before);
  peer.close();
  return { before, waiting, recalledDue };
}

/** All that comes. @param count of messages that should */
async function readAll(cluster: Cluster, { waiting }: Written, count: number): Promise<string[]> {
  const peer = await TimerPeer.connect(cluster, TOPIC);
  const messages = await peer.until(Math.max(Date.now(), ...waiting.values()) + LATE_MS, count);
  peer.close();
  for (const message of messages) {
    const due = waiting.get(message.body.toString());
    if (due !== undefined) expect(message.storeTimestamp).toBeGreaterThanOrEqual(due);
  }
  return bodiesOf(messages);
}

const moves = [
  { writer: ours, reader: apache, end: 'stop' as const },
  { writer: apache, reader: ours, end: 'stop' as const },
  { writer: apache, reader: ours, end: 'kill' as const },
  // The control.
  { writer: apache, reader: apache, end: 'stop' as const },
];

describe.each(inTime(moves, ({ writer, reader, end }) => end === 'kill' || writer === reader))(
  'what waits in the store of $writer.0 broker after a $end',
  ({ writer: [, startWriter], reader: [name, startReader], end }) => {
    test(`${name} broker delivers once, and nothing else`, async () => {
      const store = temporaryFolder('moved-timers');
      const first = await startWriter({ store, settings: SETTINGS });
      const written = await write(first);
      await first[end]();
      const second = await startReader({ store, settings: SETTINGS });
      const expected = [...written.before, ...written.waiting.keys()].sort();
      expect(await readAll(second, written, expected.length)).toEqual(expected);
    });
  },
);

test('a store of ours that was killed: Apache’s broker delivers all that waits, and what was delivered once more', async () => {
  const store = temporaryFolder('killed-timers');
  const first = await startOurBroker({ store, settings: SETTINGS });
  const written = await write(first);
  await first.kill();
  const second = await startApache({ store, settings: SETTINGS });
  // On a busy machine it may have come up too late to recall anything.
  const isLate = Date.now() + 3_000 > written.recalledDue;
  // Without timercheck it looks at all messages of the timer topic, and delivers at once what was due before.
  const expected = [...written.before, ...written.before, ...written.waiting.keys()].sort();
  const delivered = await readAll(second, written, expected.length);
  expect(delivered.filter((body) => !isLate || body !== 'recalled')).toEqual(expected);
});

(isLong ? test : test.skip)('what Apache’s broker has had in between, our broker delivers once', async () => {
  const store = temporaryFolder('there-and-back');
  const first = await startOurBroker({ store, settings: SETTINGS });
  const written = await write(first);
  await first.stop();
  const second = await startApache({ store, settings: SETTINGS });
  await second.stop();
  const third = await startOurBroker({ store, settings: SETTINGS });
  const expected = [...written.before, ...written.waiting.keys()].sort();
  expect(await readAll(third, written, expected.length)).toEqual(expected);
});
