import { expect, it } from '@jest/globals';
import { ManualClock, silentLogger } from '@nest-rocketmq/remoting/internal';
import { FLUSH_INTERVAL_MS, MOST_TRACE_BYTES, MOST_WAITING_RECORDS, TraceDispatcher } from './trace-dispatcher.js';
import type { TraceRecord } from './trace-record.js';

const clock = new ManualClock(0);
let sent: { keys: string[]; body: string }[] = [];
let warnings: string[] = [];

function dispatching(send: (keys: string[], body: string) => Promise<void> = async () => {}): TraceDispatcher {
  sent = [];
  warnings = [];
  return new TraceDispatcher({
    clock,
    logger: { ...silentLogger, warn: (line) => void warnings.push(line) },
    traceTopic: 'TRACE',
    send: (keys, body) => {
      sent.push({ keys, body });
      return send(keys, body);
    },
  });
}

const record = (msgId: string, topic = 't', keys = ''): TraceRecord => ({
  type: 'Recall',
  timestamp: 1,
  regionId: 'r',
  group: 'g',
  message: { topic, msgId, keys },
  success: true,
});

/** How many records each message has. */
const sizes = (): number[] => sent.map(({ body }) => body.split('\u0002').length - 1);

it('T044 sends ten records at once, and fewer after 5 s', async () => {
  const trace = dispatching();
  for (let i = 0; i < 11; i++) trace.append(record(`ID${i}`));
  expect(sizes()).toEqual([10]);
  await clock.advance(FLUSH_INTERVAL_MS);
  expect(sizes()).toEqual([10, 1]);
  await trace.close();
  expect(clock.pending).toBe(0);
});

it('T044 sends what waits when it is closed, and takes nothing after it', async () => {
  const trace = dispatching();
  trace.append(record('ID1', 't', 'k1 k2'));
  await trace.close();
  trace.append(record('ID2'));
  await trace.close();
  expect(sent).toEqual([{ keys: ['ID1', 'k1', 'k2'], body: expect.stringMatching(/^Recall/) }]);
  expect(clock.pending).toBe(0);
});

it('T044 sends the records of each topic by themselves, in messages of at most 128000 bytes', async () => {
  const trace = dispatching();
  for (const topic of ['a', 'b', 'a']) trace.append(record('ID', topic));
  trace.append(record('ID', 'x'.repeat(MOST_TRACE_BYTES / 2)));
  trace.append(record('I2', 'x'.repeat(MOST_TRACE_BYTES / 2)));
  await trace.close();
  expect(sizes()).toEqual([2, 1, 1, 1]);
});

it('T044 neither waits for a send that hangs nor keeps more than its limit', async () => {
  let free = (): void => undefined;
  const hung = new Promise<void>((resolve) => (free = resolve));
  const trace = dispatching(() => hung);
  const underWay = 40;
  for (let i = 0; i < underWay + MOST_WAITING_RECORDS + 5; i++) trace.append(record(`ID${i}`));
  expect(sent).toHaveLength(4);
  expect(trace.dropped).toBe(5);
  expect(warnings).toEqual([expect.stringContaining('trace records are dropped')]);
  free();
  await trace.close();
  expect(sizes().reduce((sum, size) => sum + size)).toBe(underWay + MOST_WAITING_RECORDS);
});

it('T044 says once that the trace cannot be sent', async () => {
  const trace = dispatching(() => Promise.reject(new Error('no such topic')));
  for (let i = 0; i < 20; i++) trace.append(record(`ID${i}`));
  await trace.close();
  expect(warnings).toEqual([expect.stringContaining('no such topic')]);
});

it('T044 gives up what waits when it is closed while the trace cannot be sent: a shutdown would last for minutes', async () => {
  const trace = dispatching(async () => {
    await new Promise<void>((resolve) => clock.setTimeout(resolve, 5_000));
    throw new Error('the broker is away');
  });
  for (let i = 0; i < MOST_WAITING_RECORDS; i++) trace.append(record(`ID${i}`));
  let closed = false;
  void trace.close().then(() => (closed = true));
  await clock.advance(10_000);
  expect(closed).toBe(true);
  expect(clock.pending).toBe(0);
});
