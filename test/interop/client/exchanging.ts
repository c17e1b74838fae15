// Exchanges messages with another client: each reads what the other has sent.
import type { OutgoingMessage } from '@nest-rocketmq/client';
import { sorted } from '../harness/lists.js';
import { OurReader, type Received } from '../harness/our-reader.js';
import type { PeerEvent, ScenarioPeer } from '../harness/scenario-peer.js';
import { type Peer, QUEUES } from './peer.js';

const LARGE = 50_000;

/** What the scenario "exchange" of the peers sends, too. */
const singles: Omit<OutgoingMessage, 'topic'>[] = [
  {
    body: 'full ü 漢 😀',
    tags: 'TagA',
    keys: ['key1', 'key2'],
    flag: 7,
    properties: { colour: 'blue = "ü"' },
  },
  { body: 'bare' },
  { body: 'large'.repeat(LARGE / 5) },
];
const batch = [0, 1].map((i) => ({
  body: `batch-${i}`,
  tags: 'TagB',
  keys: `batch-key${i}`,
  properties: { index: String(i) },
}));
const EXCHANGED = singles.length + batch.length;

const USER_PROPERTIES = ['TAGS', 'KEYS', 'colour', 'index', 'WAIT'];
const LARGE_AS_PEERS_SHOW_IT = /^50000 bytes, crc /;

function comparable(body: string, flag: unknown, properties: Record<string, string>, names: string[]): string {
  const large = body.length === LARGE || LARGE_AS_PEERS_SHOW_IT.test(body);
  const kept = names.map((name) => properties[name]);
  return JSON.stringify([large ? 'large' : body, flag, kept]);
}

const ofOurs = ({ body, flag, properties }: Received, names: string[]): string =>
  comparable(body.toString(), flag, Object.fromEntries(properties), names);
const ofPeers = ({ body, flag, properties }: PeerEvent, names: string[]): string =>
  comparable(String(body), flag, properties as Record<string, string>, names);

/** What each has read, one text for each message, of body, flag and properties. */
export interface Exchanged {
  readByUs: string[];
  readByPeer: string[];
}

/** @param names of the properties that are compared */
export async function exchangeWith(
  peer: Peer,
  { toPeer, fromPeer }: { toPeer: string; fromPeer: string },
  start: () => Promise<ScenarioPeer>,
  names = USER_PROPERTIES,
): Promise<Exchanged> {
  for (const topic of [toPeer, fromPeer]) await peer.client.admin.createTopic({ topic, queues: QUEUES });
  for (const message of singles) await peer.producer.send({ topic: toPeer, ...message });
  await peer.producer.sendBatch(batch.map((message) => ({ topic: toPeer, ...message })));
  const other = await start();
  const reader = await OurReader.start(peer.client, {
    group: `${fromPeer}_ours`,
    subscriptions: [{ topic: fromPeer }],
  });
  const readByUs = sorted((await reader.take(EXCHANGED)).map((message) => ofOurs(message, names)));
  const readByPeer = sorted(
    (await other.scenario('exchange')).of('received').map((message) => ofPeers(message, names)),
  );
  await reader.stop();
  return { readByUs, readByPeer };
}
