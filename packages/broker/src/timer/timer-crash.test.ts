// Kills a broker at every change of its files while it delivers messages whose time has come, and while it recalls others:
// none is lost, none is delivered twice, and what was recalled stays so.
import { afterEach, describe, expect, it } from '@jest/globals';
import { Requests, ResponseCode } from '@nest-rocketmq/remoting/internal';
import { KillPoints, START, TestBroker } from '../../test-kit/broker.js';
import type { TestClient } from '../../test-kit/broker.js';
import type { BrokerOptions } from '../config/broker-options.js';
import type { MemoryFileSystem } from '../store/files/memory-file-system.js';

let running: TestBroker;
afterEach(() => running.stop());

const SECOND = 1000;
const SMALL: BrokerOptions = {
  mappedFileSizeCommitLog: 65_536,
  mappedFileSizeConsumeQueue: 400,
  messageIndexEnable: false,
  flushDelayOffsetInterval: 300,
};

const bodies = async (client: TestClient): Promise<string[]> =>
  (await client.messages('t')).map((message) => message.body.toString());

async function deliveredAfter(files: MemoryFileSystem): Promise<string[]> {
  await running.killAndRestart(files);
  await running.clock.advance(20 * SECOND);
  return (await bodies(await running.client())).sort();
}

const recall = async (client: TestClient, recallHandle: string): Promise<number> =>
  (await client.connection.request(Requests.RECALL_MESSAGE, { topic: 't', recallHandle })).code;

/** The files at each point of a life in which messages, all alike, fall due out of the order that they came in. */
async function pointsOfDelivery(): Promise<{ points: MemoryFileSystem[]; sent: string[] }> {
  const fileSystem = new KillPoints();
  running = await TestBroker.start({ fileSystem, ...SMALL });
  const client = await running.client();
  const sent: string[] = [];
  for (const [index, ms] of [1_900, 100, 700, 700, 100, 1_300, 2_600, 1_300].entries()) {
    const body = index % 3 === 0 ? 'alike' : `${ms}-${index}`;
    const properties = { UNIQ_KEY: 'alike', TIMER_DELIVER_MS: String(START + ms) };
    await client.send('t', { body, properties, header: { g: 7 } });
    sent.push(body);
  }
  fileSystem.recording = true;
  await running.clock.advance(3 * SECOND);
  fileSystem.recording = false;
  return { points: fileSystem.points, sent: sent.sort() };
}

describe('a message with a time of its own', () => {
  it('is delivered once, wherever in the delivery the broker is killed', async () => {
    const { points, sent } = await pointsOfDelivery();
    expect(points.length).toBeGreaterThan(10);
    for (const [point, files] of points.entries())
      expect({ point, delivered: await deliveredAfter(files) }).toEqual({ point, delivered: sent });
  });

  it('is delivered once when the broker is killed again while it delivers the rest', async () => {
    const { points, sent } = await pointsOfDelivery();
    for (let point = 0; point < points.length; point += 5) {
      await running.killAndRestart(points[point]);
      await running.clock.advance(400);
      expect({ point, delivered: await deliveredAfter(points[point]!) }).toEqual({ point, delivered: sent });
    }
  });

  it.each(['delayOffset.json', 'both it and its backup'])('is delivered once when %s is gone', async (what) => {
    const { points, sent } = await pointsOfDelivery();
    for (let point = 0; point < points.length; point += 4) {
      const files = points[point]!;
      await files.remove('/store/config/delayOffset.json');
      if (what !== 'delayOffset.json') await files.remove('/store/config/delayOffset.json.bak');
      expect({ point, delivered: await deliveredAfter(files) }).toEqual({ point, delivered: sent });
    }
  });

  it('is delivered once when the consume queues are gone', async () => {
    const { points, sent } = await pointsOfDelivery();
    for (let point = 0; point < points.length; point += 4) {
      const files = points[point]!;
      await files.removeTree('/store/consumequeue');
      await files.remove('/store/consumequeue.checkpoint');
      expect({ point, delivered: await deliveredAfter(files) }).toEqual({ point, delivered: sent });
    }
  });

  it('that was acknowledged comes, wherever in the sends the broker is killed', async () => {
    const fileSystem = new KillPoints();
    running = await TestBroker.start({ fileSystem, ...SMALL });
    const client = await running.client();
    const acknowledged: number[] = [];
    fileSystem.recording = true;
    for (let body = 0; body < 8; body++) {
      await client.send('t', { body: String(body), properties: { TIMER_DELAY_MS: String(500 + 90 * (body % 3)) } });
      acknowledged.push(fileSystem.points.length);
    }
    fileSystem.recording = false;
    for (const [point, files] of fileSystem.points.entries()) {
      const delivered = await deliveredAfter(files);
      const expected = acknowledged.filter((points) => points <= point).length;
      expect(new Set(delivered).size).toBe(delivered.length);
      expect({
        point,
        came: acknowledged.slice(0, expected).every((_, body) => delivered.includes(String(body))),
      }).toEqual({
        point,
        came: true,
      });
    }
  });
});

describe('a recalled message', () => {
  it('is not delivered from where its recall was answered on, and the others are', async () => {
    const fileSystem = new KillPoints();
    running = await TestBroker.start({ fileSystem, ...SMALL });
    const client = await running.client();
    const handles: string[] = [];
    for (const body of ['a', 'b', 'c', 'd']) {
      const properties = { UNIQ_KEY: body, TIMER_DELAY_MS: '2000' };
      handles.push((await client.send('t', { body, properties })).header.recallHandle ?? '');
    }
    fileSystem.recording = true;
    expect(await recall(client, handles[1]!)).toBe(ResponseCode.SUCCESS);
    const first = fileSystem.points.length;
    expect(await recall(client, handles[2]!)).toBe(ResponseCode.SUCCESS);
    const second = fileSystem.points.length;
    await running.clock.advance(3 * SECOND);
    fileSystem.recording = false;
    for (const [point, files] of fileSystem.points.entries()) {
      const delivered = await deliveredAfter(files);
      expect({ point, delivered: delivered.filter((body) => 'ad'.includes(body)) }).toEqual({
        point,
        delivered: ['a', 'd'],
      });
      if (point >= first) expect({ point, delivered }).not.toEqual({ point, delivered: expect.arrayContaining(['b']) });
      if (point >= second) expect({ point, delivered }).toEqual({ point, delivered: ['a', 'd'] });
    }
  });
});

describe('on a clock that is set back', () => {
  it('a message is neither lost over a restart nor early', async () => {
    running = await TestBroker.start({ ...SMALL });
    const client = await running.client();
    await client.send('t', { body: 'first', properties: { TIMER_DELAY_MS: '1000' } });
    await running.clock.advance(2 * SECOND);
    const now = running.clock.now.bind(running.clock);
    running.clock.now = () => now() - 60 * SECOND;
    await client.send('t', { body: 'second', properties: { TIMER_DELAY_MS: '5' } });
    await running.restart();
    await running.clock.advance(120 * SECOND);
    expect(await bodies(await running.client())).toEqual(['first', 'second']);
  });
});
