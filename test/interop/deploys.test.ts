// Tests an app of three instances that are replaced one after the other without pause, under steady traffic (INTEROP_LONG=1).
// DEPLOYS=1000 is a soak.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { objectOf, parseJsonObject } from '@nest-rocketmq/remoting/internal';
import { Shop, type Event, type Kind } from './deploys/shop.js';
import { startApache } from './harness/apache.js';
import { cleanUp } from './harness/clean-up.js';
import type { Cluster } from './harness/cluster.js';
import { isLong } from './harness/long.js';
import { startOurBroker } from './harness/our-broker.js';

const DEPLOYS = Number(process.env['DEPLOYS'] ?? 9);
const INSTANCES = 3;
const MINUTE_MS = 60_000;
jest.setTimeout((4 + DEPLOYS) * MINUTE_MS);

/** Who consumes what is asked for. */
const GROUPS: Readonly<Record<Kind, readonly string[]>> = {
  order: ['stock', 'audit', 'report'],
  ledger: ['ledger', 'mails'],
  remind: ['remind'],
  book: ['booked'],
  ask: [],
};
const IN_ORDER = ['ledger', 'mails'];
/** What has offsets once all run: topics of a pull consumer, and the retry topics of listeners. */
const WITH_OFFSETS = [
  'order@report',
  ...['stock', 'audit', 'ledger', 'mails', 'remind', 'booked', 'price'].map((group) => `%RETRY%${group}@${group}`),
];
/**
 * Of the messages of a group without order: an instance that hears of another one half a second too late, since the machine
 * is busy, works on what that one has begun already.
 */
const MOST_DOUBLED = 0.02;

/** Apache's broker takes the offsets and the leave of a member in different threads: the next one may begin where that one was before. */
const DOUBLED_BY_APACHE = DEPLOYS;

const describeLong = isLong ? describe : describe.skip;

const ended = (events: readonly Event[], group: string): Event[] =>
  events.filter((event) => event.group === group && event.what === 'end');

/** What was acknowledged, and a group has not consumed. */
function missing({ events, acknowledged }: Shop): string[] {
  return Object.entries(GROUPS).flatMap(([kind, groups]) =>
    groups.flatMap((group) => {
      const done = new Set(ended(events, group).map(({ id }) => id));
      return acknowledged.filter((one) => one.kind === kind && !done.has(one.id)).map(({ id }) => `${group}: ${id}`);
    }),
  );
}

/** Where a message of a key was begun before the one before it, or while another instance had one of that key in hand. */
function outOfOrder(events: readonly Event[], group: string): string[] {
  const highest = new Map<string, number>();
  const inHand = new Map<string, Event>();
  const wrong: string[] = [];
  for (const event of events.filter((one) => one.group === group).toSorted((a, b) => a.at - b.at)) {
    const { key, seq, what, by, id } = event;
    const other = inHand.get(key);
    if (what === 'end') inHand.delete(key);
    if (what === 'end') continue;
    if (seq > (highest.get(key) ?? -1) + 1) wrong.push(`${id} after ${highest.get(key)}`);
    if (other && other.by !== by) wrong.push(`${id} at ${by} while ${other.id} is at ${other.by}`);
    highest.set(key, Math.max(seq, highest.get(key) ?? -1));
    inHand.set(key, event);
  }
  return wrong;
}

function doubled(events: readonly Event[], group: string): number {
  const all = ended(events, group).map(({ id }) => id);
  return all.length - new Set(all).size;
}

/** Topics and groups that the broker keeps: a deploy must not add any. */
function names({ store }: Cluster): string[] {
  const keys = (file: string, table: string): string[] => {
    const path = join(store, 'config', file);
    if (!existsSync(path)) return [];
    // Apache's JSON has numbers for keys.
    const json = parseJsonObject(readFileSync(path), file);
    return Object.keys(objectOf(json[table]));
  };
  return [
    ...keys('topics.json', 'topicConfigTable'),
    ...keys('subscriptionGroup.json', 'subscriptionGroupTable'),
    ...keys('consumerOffset.json', 'offsetTable'),
  ].toSorted();
}

async function until(what: string, holds: () => boolean, ms = 2 * MINUTE_MS): Promise<void> {
  for (const end = Date.now() + ms; !holds();) {
    if (Date.now() > end) throw new Error(`waited ${ms} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

describeLong.each<[string, (onLine: (line: string) => void) => Promise<Cluster>, doubledByBroker: number]>([
  ['our stand-alone broker', (onLine) => startOurBroker({ onLine }), 0],
  ["Apache's broker 5.5.0", () => startApache(), DOUBLED_BY_APACHE],
])('three instances of an app on %s', (_whose, start, doubledByBroker) => {
  let cluster: Cluster;
  let shop: Shop;
  const warnings: string[] = [];
  beforeAll(async () => {
    cluster = await start((line) => void (line.includes(' WARN ') && warnings.push(line)));
  });
  afterAll(async () => {
    await shop?.endTraffic();
    await cleanUp();
  });

  test(`that are replaced ${DEPLOYS} times lose nothing, keep the order, fail no caller and leave nothing behind`, async () => {
    shop = await Shop.open(cluster, INSTANCES);
    await until('each group has consumed', () =>
      Object.values(GROUPS)
        .flat()
        .every((one) => ended(shop.events, one).length > 0),
    );
    await shop.replaceOldest();
    // Apache's broker writes its first offsets after some seconds, and those of pulls, which stand beside them, before.
    await until('all have offsets', () => WITH_OFFSETS.every((name) => names(cluster).includes(name)));
    const before = names(cluster);
    for (let deploy = 1; deploy < DEPLOYS; deploy++) await shop.replaceOldest();
    await shop.endTraffic();
    await until(`all is consumed`, () => missing(shop).length === 0).catch(() => undefined);
    await shop.close();

    expect(missing(shop)).toEqual([]);
    for (const group of IN_ORDER) expect([group, ...outOfOrder(shop.events, group)]).toEqual([group]);
    for (const group of IN_ORDER) expect([group, doubled(shop.events, group)]).toEqual([group, 0]);
    for (const group of ['stock', 'report', 'remind', 'booked'])
      expect(doubled(shop.events, group)).toBeLessThanOrEqual(
        Math.max(doubledByBroker, MOST_DOUBLED * ended(shop.events, group).length),
      );
    expect(shop.failures).toEqual([]);
    expect(shop.exits.filter(({ code }) => code !== 0)).toEqual([]);
    expect(shop.exits).toHaveLength(DEPLOYS + INSTANCES);
    expect([...shop.complaints, ...warnings]).toEqual([]);
    expect(names(cluster)).toEqual(before);
  });
});
