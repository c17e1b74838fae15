// Opens a directory that one broker wrote with the other, which serves everything in it: messages, the group's offsets,
// messages not yet due, half messages and the key index. An unmodified Java client writes and reads.
import { expect } from '@jest/globals';
import type { Cluster } from '../harness/cluster.js';
import { JavaPeer, type PeerEvent, type ScenarioEvents } from '../harness/java-peer.js';
import { offsetsOnDisk } from '../harness/offsets-on-disk.js';
import { temporaryFolder } from '../harness/temporary.js';
import type { RocketMQVersion } from '../harness/versions.js';

export type StartOnStore = (options: { store: string }) => Promise<Cluster>;
const RUN = 'moved';
/** The group's offsets in the JSON of either broker, once those of all four queues are written. */
const written = (queueId: number): string => `(?=[^}]*"?${queueId}"?:\\s*${10 + queueId}\\b)`;
const OFFSETS = new RegExp(`${RUN}_store_group"?:\\s*\\{${[0, 1, 2, 3].map(written).join('')}`);

async function runScenario(version: RocketMQVersion, cluster: Cluster, scenario: string): Promise<ScenarioEvents> {
  const peer = await JavaPeer.start(version, cluster.nameServer, RUN, [scenario]);
  const events = await peer.scenario(scenario);
  await peer.end();
  return events;
}

const place = ({ body, msgId, queueId, queueOffset }: PeerEvent): unknown => ({ body, msgId, queueId, queueOffset });
const byPlace = (a: PeerEvent, b: PeerEvent): number =>
  Number(a.queueId) - Number(b.queueId) || Number(a.queueOffset) - Number(b.queueOffset);
const offsets = (events: ScenarioEvents): Map<unknown, unknown> =>
  new Map(events.of('offset').map((line) => [line.queueId, line.offset]));

function expectAllServed(written: ScenarioEvents, read: ScenarioEvents): void {
  const pulled = read.of('pulled').sort(byPlace);
  expect(pulled.map(place)).toEqual(written.of('sent').sort(byPlace).map(place));
  for (const message of pulled) {
    const index = Number(String(message.body).replace('kept-', ''));
    expect(message.properties).toMatchObject({ index: String(index), KEYS: `key${index}`, TAGS: `tag${index % 3}` });
  }
  expect(offsets(read)).toEqual(offsets(written));
  expect(read.of('queried').map((message) => [message.key, message.body])).toEqual([
    ['key0', 'kept-0'],
    ['key100', 'kept-100'],
    ['key199', 'kept-199'],
  ]);
  const received = new Set(read.bodies('received'));
  expect(received).toEqual(new Set(['opened', ...written.bodies('half'), ...written.bodies('delayed')]));
  expect(new Set(read.bodies('check'))).toEqual(new Set(written.bodies('half')));
}

/** Has one broker write a store, ends it, and has the other serve it, to the Java client of that version. */
export async function moveStore(
  version: RocketMQVersion,
  startWriter: StartOnStore,
  startReader: StartOnStore,
  end: 'stop' | 'kill',
): Promise<void> {
  const store = temporaryFolder('moved-store');
  const writing = await startWriter({ store });
  const written = await runScenario(version, writing, 'store-fill');
  if (end === 'kill') await offsetsOnDisk(store, OFFSETS);
  await writing[end]();
  const reading = await startReader({ store });
  expectAllServed(written, await runScenario(version, reading, 'store-check'));
}
