// Tests ali-ons, a third-party client from the npm registry, against our broker over TCP.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { join } from 'node:path';
import { type Broker, startBroker } from '@nest-rocketmq/broker';
import { RocketMQClient } from '@nest-rocketmq/client';
import { startChild } from '../interop/harness/children.js';
import { cleanUp } from '../interop/harness/clean-up.js';

const PEER = join(import.meta.dirname, 'ali-ons-peer.mjs');
const PEER_TIMEOUT_MS = 100_000;

interface PeerLine {
  event: 'sent' | 'received' | 'error' | 'done';
  body: string;
  msgId: string;
  [field: string]: unknown;
}

describe('ali-ons on our broker', () => {
  let broker: Broker;
  const lines: PeerLine[] = [];
  const of = (event: PeerLine['event']): PeerLine[] => lines.filter((line) => line.event === event);

  beforeAll(async () => {
    broker = await startBroker({
      listen: '127.0.0.1:0',
      nameServerListen: '127.0.0.1:0',
      store: 'memory',
      messageDelayLevel: '1s 1s 1s 1s',
    });
    // ali-ons does not try the default topic's route, so a topic must exist, as on Apache's broker.
    const client = new RocketMQClient({ nameServer: broker.nameServerAddress });
    await client.start();
    await client.admin.createTopic({ topic: 'ali-topic', queues: 4 });
    await client.shutdown();
    const peer = startChild('ali-ons', process.execPath, [PEER, broker.nameServerAddress], {
      onLine: (line) => {
        if (line.startsWith('{"event"')) lines.push(JSON.parse(line) as PeerLine);
      },
    });
    await peer.line(/"event":"done"/, PEER_TIMEOUT_MS);
  });
  afterAll(async () => {
    await cleanUp();
    await broker?.stop();
  });

  test('its sends are accepted', () => {
    expect(of('sent').map(({ body, sendStatus }) => [body, sendStatus])).toEqual([
      ['first ü', 'SEND_OK'],
      ['second', 'SEND_OK'],
      ['not for us', 'SEND_OK'],
      ['fails-once', 'SEND_OK'],
      ['later', 'SEND_OK'],
    ]);
  });

  test('it receives what it sent, by its tags, with keys and the same ids', () => {
    const received = of('received');
    expect(new Set(received.map(({ body }) => body))).toEqual(new Set(['first ü', 'second', 'fails-once', 'later']));
    // The id that it shows is the place in the log, which a delayed or returned message changes.
    const atOnce = ['first ü', 'second'];
    const ids = (lines: PeerLine[]): Map<string, string> =>
      new Map(lines.filter(({ body }) => atOnce.includes(body)).map(({ body, msgId }) => [body, msgId]));
    expect(ids(received)).toEqual(ids(of('sent')));
    expect(received.find(({ body }) => body === 'first ü')).toMatchObject({ tags: 'TagA', keys: 'key1 key2' });
  });

  test('a message that it sends back is delivered again', () => {
    const tries = of('received').filter(({ body }) => body === 'fails-once');
    expect(tries.map(({ reconsumeTimes }) => reconsumeTimes)).toEqual([0, 1]);
  });

  test('it logs no error except for the retry topic, which it queries before its heartbeat has created it', () => {
    const messages = of('error').map(({ message }) => String(message));
    expect(
      messages.filter(
        (message) => !message.includes('No topic route info in name server for the topic: %RETRY%ali-consumer'),
      ),
    ).toEqual([]);
  });
});
