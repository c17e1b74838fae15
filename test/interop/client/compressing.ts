// Tests that our client and Java's 5.x client read each other's compressed messages, and Java's the messages of our batches.
import { expect, test } from '@jest/globals';
import { canCompress } from '@nest-rocketmq/remoting/internal';
import type { SendResult } from '@nest-rocketmq/client';
import { ROCKETMQ_5 } from '../harness/jars.js';
import { JavaPeer, type PeerEvent } from '../harness/java-peer.js';
import { numbered, sorted } from '../harness/lists.js';
import { OurReader } from '../harness/our-reader.js';
import { newClient, type Peer, QUEUES, SEND_TIMEOUT_MS } from './peer.js';

const LARGE = 50_000;
const BATCH = 100;
/** A body of this size has been compressed if its record is no larger. bytes */
const COMPRESSED = 5_000;

const bodyOf = (type: string): string => type.repeat(LARGE).slice(0, LARGE);
/** Node has ZSTD from 22.15 on. Without it a plain message takes its place, so that Java's reader gets as many. */
const TYPES = ['ZLIB', 'LZ4', 'ZSTD'] as const;
const usable = TYPES.filter((type) => canCompress(type));

export function declareCompressionTests(peer: Peer): void {
  const types = usable.join(', ');
  test(`T024 T051: Java reads what we compress by ${types}, and each message of our batch under its ids; we read what Java compresses`, async () => {
    const run = 'compressing';
    const [toJava, fromJava] = [`${run}_compress_toJava`, `${run}_compress_fromJava`];
    for (const topic of [toJava, fromJava]) await peer.client.admin.createTopic({ topic, queues: QUEUES });
    const scenarios = usable.length === TYPES.length ? ['compress', 'compress-zstd'] : ['compress'];
    const java = await JavaPeer.start(ROCKETMQ_5, peer.cluster.nameServer, run, scenarios);
    const sent = await sendByEachType(peer, toJava);
    sent.push(...(await peer.producer.sendBatch(numbered('batch', BATCH).map((body) => ({ topic: toJava, body })))));
    const reader = await OurReader.start(peer.client, { group: `${run}_ours`, subscriptions: [{ topic: fromJava }] });
    for (const message of await reader.take(usable.length)) {
      const type = message.properties.get('TAGS')!;
      expect(message.body.toString() === bodyOf(type)).toBe(true);
      expect({ type, isSmall: message.storeSize < COMPRESSED, sysFlag: message.sysFlag & 0x701 }).toEqual({
        type,
        isSmall: true,
        sysFlag: 0,
      });
      const viewed = await peer.client.admin.viewMessage(fromJava, message.offsetMsgId);
      expect(viewed.body.equals(message.body)).toBe(true);
    }
    await reader.stop();
    const events = await java.scenario('compress');
    const idsOf = (each: PeerEvent | SendResult): string => `${String(each.msgId)} ${String(each.offsetMsgId)}`;
    expect(sorted(events.of('ids').map(idsOf))).toEqual(sorted(sent.map(idsOf)));
    expectReceived(events.of('received'), sent);
  });
}

/** One large message by each type. */
async function sendByEachType(peer: Peer, topic: string): Promise<SendResult[]> {
  const client = newClient(peer.cluster);
  const sent: SendResult[] = [];
  for (const type of TYPES) {
    const compressType = usable.includes(type) ? type : 'ZLIB';
    const group = `compressing_${type}`;
    const producer = client.createProducer({ group, compressType, sendMsgTimeout: SEND_TIMEOUT_MS });
    await producer.start();
    sent.push(await producer.send({ topic, body: bodyOf(type), tags: type }));
  }
  for (const [index, { offsetMsgId }] of sent.entries()) {
    const { storeSize } = await peer.client.admin.viewMessage(topic, offsetMsgId);
    expect({ type: TYPES[index], isSmall: storeSize < COMPRESSED }).toEqual({ type: TYPES[index], isSmall: true });
  }
  await client.shutdown();
  return sent;
}

function expectReceived(received: readonly PeerEvent[], sent: readonly SendResult[]): void {
  const byId = new Map(received.map((event) => [event.msgId, event]));
  for (const [index, { msgId, messageQueue, queueOffset }] of sent.entries()) {
    const body = index < TYPES.length ? /^50000 bytes, crc / : `batch-${index - TYPES.length}`;
    expect(byId.get(msgId)).toMatchObject({
      body: typeof body === 'string' ? body : expect.stringMatching(body),
      queueId: messageQueue.queueId,
      queueOffset,
    });
  }
  const crcs = received.map(({ body }) => String(body)).filter((body) => body.startsWith('50000'));
  expect(new Set(crcs).size).toBe(TYPES.length);
}
