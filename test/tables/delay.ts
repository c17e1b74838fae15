// Holds what Apache's own tests of delays and recalls hold (table 5.4), and what was measured beyond them.
import { expect, test } from '@jest/globals';
import type { OutgoingMessage, Producer, SendOptions } from '@nest-rocketmq/client';
import { Requests, ResponseCode, encodeProperties } from '@nest-rocketmq/remoting/internal';
import { Reader } from './reader.js';
import type { Got } from './reader.js';
import type { Stage } from './stage.js';

const LEVELS_MS = [1_000, 2_000, 3_000];
/** The broker's clock may be read just before the client's. */
const CLOCK_SLACK_MS = 50;

interface Sending {
  stage: Stage;
  topic: string;
  producer: Producer;
  reader: Reader;
}

async function sending(stage: Stage, topic: string): Promise<Sending> {
  const client = await stage.newClient();
  const producer = client.createProducer({ group: `${topic}_producer`, sendMsgTimeout: 20_000 });
  await producer.start();
  await producer.send({ topic, body: 'first' });
  const reader = await Reader.start(stage, { group: `${topic}_reader`, topic, consumeMode: 'CONCURRENTLY' });
  await stage.until('the first', () => reader.got.length === 1);
  return { stage, topic, producer, reader };
}

/** Long enough to send a few messages and to recall some before they are due, on a busy machine too. ms */
const soon = ({ isVirtual }: Stage): number => (isVirtual ? 4_000 : 12_000);

const gotOf = ({ reader }: Sending, body: string): Got | undefined => reader.got.find((got) => got.body === body);

export function declareDelayTests(stageOf: () => Stage, lateness: number): void {
  test('T070: delayed messages come when their level says, neither sooner nor much later', async () => {
    const on = await sending(stageOf(), 'T070');
    const { stage, topic, producer } = on;
    const sentAt: number[] = [];
    for (const [index] of LEVELS_MS.entries()) {
      for (let message = 0; message < 10; message++) {
        await producer.send({ topic, body: `level ${index} ${message}`, delayLevel: index + 1 });
      }
      sentAt.push(stage.now());
    }
    await stage.until('all', () => on.reader.got.length === 31);
    for (const { body, at, message } of on.reader.got.slice(1)) {
      const index = Number(body.split(' ')[1]);
      expect(at - message.bornTimestamp).toBeGreaterThanOrEqual(LEVELS_MS[index]! - CLOCK_SLACK_MS);
      expect(at - sentAt[index]!).toBeLessThan(LEVELS_MS[index]! + lateness);
    }
  });

  test('a message of any delay comes when it is due, by each verb that Apache delays', async () => {
    const on = await sending(stageOf(), 'any_delay');
    const { stage, topic, producer } = on;
    const due: Record<string, number> = {};
    const message = (body: string, delay: number): OutgoingMessage => {
      due[body] = stage.now() + delay;
      return { topic, body, ...(body === 'deliverAt' ? { deliverAt: new Date(due[body]) } : { delay }) };
    };
    await producer.send(message('delay', 2_345));
    await producer.send(message('deliverAt', 2_100));
    await producer.send(message('the length of a level', 2_000));
    await producer.send(message('ordered', 2_200), { shardingKey: 'key' });
    await producer.sendOneway(message('one-way', 2_300));
    await producer.send(message('at once', 0));
    await producer.send(message('a part of a ms', 0.5));
    const bodies = Object.keys(due);
    await stage.until('all', () => bodies.every((body) => gotOf(on, body)));
    for (const body of bodies) {
      expect({ body, early: gotOf(on, body)!.at - due[body]! < -CLOCK_SLACK_MS }).toEqual({ body, early: false });
      expect({ body, late: gotOf(on, body)!.at - due[body]! > lateness }).toEqual({ body, late: false });
      expect(gotOf(on, body)!.message.topic).toBe(topic);
    }
    expect(gotOf(on, 'ordered')!.message.properties.get('__SHARDINGKEY')).toBe('key');
  });

  test('more than 3 days is refused here, and by the broker too', async () => {
    const { topic, producer, stage } = await sending(stageOf(), 'too_long');
    await expect(producer.send({ topic, body: 'x', delay: 3 * 86_400_000 + 1 })).rejects.toMatchObject({
      code: 'DELAY_TOO_LONG',
    });
    const client = await stage.newClient();
    const daring = client.createProducer({ group: 'too_long_daring', maxDelay: 4 * 86_400_000 });
    await daring.start();
    await expect(daring.send({ topic, body: 'x', delay: 3 * 86_400_000 + 60_000 })).rejects.toMatchObject({
      code: 'RESPONSE_CODE',
      responseCode: 13,
    });
  });
}

export function declareRecallTests(stageOf: () => Stage): void {
  const send = async (
    { topic, producer }: Sending,
    some: Partial<OutgoingMessage>,
    options: SendOptions = {},
  ): Promise<{ recallHandle?: string; msgId: string }> => producer.send({ topic, body: 'x', ...some }, options);

  test('T079: what has a time of its own can be recalled, and never comes', async () => {
    const on = await sending(stageOf(), 'T079');
    const { stage, topic, producer, reader } = on;
    const dueIn = soon(stage);
    const recalled = [
      await send(on, { body: 'by delay', delay: dueIn }),
      await send(on, { body: 'by time', deliverAt: stage.now() + dueIn }),
    ];
    await send(on, { body: 'stays', delay: dueIn });
    const others = [await send(on, { body: 'normal' }), await send(on, { body: 'by level', delayLevel: 1 })];
    expect(others.map(({ recallHandle }) => recallHandle)).toEqual([undefined, undefined]);
    for (const { recallHandle, msgId } of recalled) expect(await producer.recall(topic, recallHandle!)).toBe(msgId);
    await stage.until('what stays', () => gotOf(on, 'stays') !== undefined);
    await stage.pass(2_000);
    expect(reader.bodies.toSorted()).toEqual(['by level', 'first', 'normal', 'stays']);
  });

  test('T081: without recallMessageEnable a handle recalls nothing, and a message with TIMER_DEL_UNIQKEY does', async () => {
    const on = await sending(stageOf(), 'T081');
    const { stage, topic, producer, reader } = on;
    const deliverAt = stage.now() + soon(stage);
    const [gone, kept] = [await send(on, { body: 'gone', deliverAt }), await send(on, { body: 'kept', deliverAt })];
    const enable = (value: boolean): Promise<unknown> =>
      stage.ask(Requests.UPDATE_BROKER_CONFIG, {}, Buffer.from(`recallMessageEnable=${value}\n`));
    await enable(false);
    try {
      await expect(producer.recall(topic, kept.recallHandle!)).rejects.toMatchObject({ reason: 'not enabled' });
      const properties = encodeProperties([
        ['UNIQ_KEY', gone.msgId],
        // As Apache's broker has it with appendTopicForTimerDeleteKey=true.
        ['TIMER_DEL_UNIQKEY', `${topic}+${gone.msgId}`],
        ['TIMER_DELIVER_MS', String(deliverAt)],
      ]);
      const header = { a: 'T081', b: topic, c: 'TBW102', d: 4, e: 0, f: 0, g: stage.now(), h: 0, i: properties };
      const { code } = await stage.ask(Requests.SEND_MESSAGE_V2, header, Buffer.from('0'));
      expect(code).toBe(ResponseCode.SUCCESS);
    } finally {
      await enable(true);
    }
    await stage.until('what is kept', () => gotOf(on, 'kept') !== undefined);
    await stage.pass(500);
    expect(reader.bodies).toEqual(['first', 'kept']);
  });

  test("T080: another topic's handle recalls nothing", async () => {
    const on = await sending(stageOf(), 'T080');
    const other = await sending(stageOf(), 'T080_other');
    const { recallHandle } = await send(on, { body: 'stays', delay: 3_000 });
    const recalling = other.producer.recall('T080_other', recallHandle!);
    await expect(recalling).rejects.toMatchObject({ code: 'RECALL_FAILED', reason: 'foreign' });
    const forged = Buffer.from(Buffer.from(recallHandle!, 'base64url').toString().replace(' T080 ', ' T080_other '));
    // Apache's broker does not look whether there is such a message; ours says that there is none.
    await other.producer.recall('T080_other', forged.toString('base64url')).catch((error: unknown) => {
      expect(error).toMatchObject({ code: 'RECALL_FAILED', reason: 'unknown' });
    });
    await on.stage.until('it', () => gotOf(on, 'stays') !== undefined);
  });

  test('a recall that comes too late is told apart', async () => {
    const on = await sending(stageOf(), 'too_late');
    const { recallHandle } = await send(on, { body: 'gone', delay: 1_500 });
    await on.stage.until('it', () => gotOf(on, 'gone') !== undefined);
    await on.stage.pass(1_500);
    await expect(on.producer.recall(on.topic, recallHandle!)).rejects.toMatchObject({ reason: 'too late' });
  });
}
