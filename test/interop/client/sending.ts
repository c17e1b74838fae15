// Tests the results of our client's sends.
import { expect, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import type { OutgoingMessage, SendResult } from '@nest-rocketmq/client';
import { DELAY_LEVELS_MS } from '../harness/cluster.js';
import { numbered, sorted } from '../harness/lists.js';
import { bodiesOf, type Received } from '../harness/our-reader.js';
import { type Peer, read } from './peer.js';

const CLOCK_SLACK_MS = 50;

function expectReceivedAsSent(received: readonly Received[], sent: readonly SendResult[]): void {
  const places = received.map(({ msgId, offsetMsgId, queueId, queueOffset }) => ({
    msgId,
    offsetMsgId,
    queueId,
    queueOffset,
  }));
  const expected = sent.map(({ msgId, offsetMsgId, messageQueue, queueOffset }) => ({
    msgId,
    offsetMsgId,
    queueId: messageQueue.queueId,
    queueOffset,
  }));
  const byId = (a: { msgId: string }, b: { msgId: string }): number => a.msgId.localeCompare(b.msgId);
  expect(places.sort(byId)).toEqual(expected.sort(byId));
}

export function declareSendTests(peer: Peer): void {
  test('sends are answered with the place where they are found again', async () => {
    const topic = 'ours_sync';
    const sent: SendResult[] = [];
    for (const body of numbered('one-by-one', 10)) sent.push(await peer.producer.send({ topic, body }));
    sent.push(...(await Promise.all(numbered('at-once', 10).map((body) => peer.producer.send({ topic, body })))));
    expect(new Set(sent.map((result) => result.sendStatus))).toEqual(new Set(['SEND_OK']));
    const received = await (await read(peer, topic)).take(20);
    expect(sorted(bodiesOf(received))).toEqual(sorted([...numbered('one-by-one', 10), ...numbered('at-once', 10)]));
    expectReceivedAsSent(received, sent);
  });

  test('one-way sends arrive', async () => {
    const topic = 'ours_oneway';
    for (const body of numbered('oneway', 10)) await peer.producer.sendOneway({ topic, body });
    expect(sorted(bodiesOf(await (await read(peer, topic)).take(10)))).toEqual(numbered('oneway', 10));
  });

  test('T051, T054: a batch arrives as single messages in one queue, with their own tags, keys and properties', async () => {
    const topic = 'ours_batch';
    const messages = numbered('batch', 10).map((body, i): OutgoingMessage => ({
      topic,
      body,
      tags: `tag${i}`,
      keys: `key${i}`,
      properties: { index: String(i) },
    }));
    const sent = await peer.producer.sendBatch(messages);
    const received = [...(await (await read(peer, topic)).take(10))].sort((a, b) => a.queueOffset - b.queueOffset);
    expect(bodiesOf(received)).toEqual(numbered('batch', 10));
    expect(received.map((message) => message.msgId)).toEqual(sent.map(({ msgId }) => msgId));
    expect(received.map((message) => message.offsetMsgId)).toEqual(sent.map(({ offsetMsgId }) => offsetMsgId));
    const own = received.map(({ properties }) => [
      properties.get('TAGS'),
      properties.get('KEYS'),
      properties.get('index'),
    ]);
    expect(own).toEqual(numbered('', 10).map((_, i) => [`tag${i}`, `key${i}`, String(i)]));
    expect(new Set(received.map((message) => message.queueId))).toEqual(new Set([sent[0]!.messageQueue.queueId]));
  });

  test('keys, tags, flag and user properties arrive', async () => {
    const topic = 'ours_properties';
    const properties = { colour: 'blue = "ü"', quoted: '{"a": 1}' };
    await peer.producer.send({ topic, body: 'ü 漢 😀', tags: 'TagA', keys: ['key1', 'key2'], flag: 7, properties });
    const received = (await (await read(peer, topic)).take(1))[0]!;
    expect(received.body.toString()).toBe('ü 漢 😀');
    expect(received.flag).toBe(7);
    expect(Object.fromEntries(received.properties)).toMatchObject({ ...properties, TAGS: 'TagA', KEYS: 'key1 key2' });
  });

  test('large bodies arrive, compressible or not', async () => {
    const topic = 'ours_large';
    const bodies = [Buffer.alloc(100_000, 'all work and no play '), randomBytes(500_000)];
    for (const body of bodies) await peer.producer.send({ topic, body });
    const received = [...(await (await read(peer, topic)).take(2))].sort((a, b) => a.body.length - b.body.length);
    expect(received.map((message) => message.body.equals(bodies[received.indexOf(message)]!))).toEqual([true, true]);
  });

  test('delayed messages arrive when their level says, not sooner, and in their own topic', async () => {
    const topic = 'ours_delay';
    await peer.producer.send({ topic, body: 'delay-0' });
    const reader = await read(peer, topic);
    await reader.take(1);
    for (const delayLevel of [1, 2, 3]) await peer.producer.send({ topic, body: `delay-${delayLevel}`, delayLevel });
    // They lie in different queues: those that are due while the machine is busy may come in any order.
    const received = (await reader.take(4)).toSorted((a, b) => (a.body.toString() < b.body.toString() ? -1 : 1));
    expect(bodiesOf(received)).toEqual(numbered('delay', 4));
    for (const [i, message] of received.slice(1).entries()) {
      expect(message.topic).toBe(topic);
      expect(message.receivedAt - message.bornTimestamp).toBeGreaterThanOrEqual(DELAY_LEVELS_MS[i]! - CLOCK_SLACK_MS);
    }
  });
}
