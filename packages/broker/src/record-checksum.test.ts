// The checksum over the whole of each record, which a broker has on by default: what has changed on the disk is not
// served, and nothing that a client sends is taken for one.
import { afterEach, describe, expect, it } from '@jest/globals';
import { Requests, ResponseCode, encodeBatch, encodeProperties } from '@nest-rocketmq/remoting/internal';
import { TestBroker } from '../test-kit/broker.js';
import type { TestClient } from '../test-kit/broker.js';
import { memoryFileSystem } from './store/files/memory-file-system.js';
import type { MemoryFileSystem } from './store/files/memory-file-system.js';

const LOG = '/store/commitlog/00000000000000000000';
const FOREIGN = { '__CRC32#': '1234567890' };

let running: TestBroker;
afterEach(() => running.stop());

let files: MemoryFileSystem;
const errors: string[] = [];
const logger = { log() {}, warn() {}, error: (line: string) => void errors.push(line) };

async function start(enabledAppendPropCRC?: boolean): Promise<TestClient> {
  errors.length = 0;
  files = memoryFileSystem();
  const sizes = { mappedFileSizeCommitLog: 131_072, messageIndexEnable: false };
  running = await TestBroker.start({
    fileSystem: files,
    logger,
    ...sizes,
    ...(enabledAppendPropCRC === false && { enabledAppendPropCRC }),
  });
  return running.client();
}

/** Changes the letter behind `text` in the log. */
function change(text: string): void {
  const bytes = Buffer.alloc(131_072);
  const file = files.openSync(LOG, 'write');
  file.readSync(bytes, 0, bytes.length, 0);
  const at = bytes.indexOf(text) + text.length;
  bytes[at] ^= 1;
  file.writeSync(bytes, at, 1, at);
}

const colours = async (client: TestClient): Promise<(string | undefined)[]> =>
  (await client.messages('t')).map(({ properties }) => properties.get('colour'));

async function sendColours(client: TestClient, ...names: string[]): Promise<void> {
  for (const colour of names) await client.send('t', { properties: { colour: `${colour}-?` } });
}

describe('a bit that flips within a property', () => {
  it('costs that message, is named, and is not served', async () => {
    await sendColours(await start(), 'red', 'green', 'blue');
    await running.stop();
    change('green-');
    await running.restart();
    expect(await colours(await running.client())).toEqual(['red-?', 'blue-?']);
    expect(errors).toEqual([
      expect.stringContaining('is damaged'),
      expect.stringMatching(/^1 of the messages 1 to 1 of topic t queue 0 .* skipped/),
    ]);
  });

  it('is not seen in a message that was stored without the checksum, and all of a mixed store is served', async () => {
    await sendColours(await start(false), 'red', 'green');
    await running.restart({ enabledAppendPropCRC: true });
    await sendColours(await running.client(), 'blue', 'white');
    await running.restart({ enabledAppendPropCRC: false });
    await sendColours(await running.client(), 'black');
    await running.restart();
    expect(await colours(await running.client())).toEqual(['red-?', 'green-?', 'blue-?', 'white-?', 'black-?']);
    await running.stop();
    change('green-');
    change('white-');
    await running.restart();
    expect(await colours(await running.client())).toEqual(['red-?', 'green->', 'blue-?', 'black-?']);
  });
});

describe('a message that comes with the checksum of another record', () => {
  const SENDS: [string, (client: TestClient, properties: string) => Promise<{ code: number }>][] = [
    ['a send', (client, i) => client.send('t', { header: { i } })],
    [
      'a batch',
      (client, properties) => {
        const body = encodeBatch([{ flag: 0, body: Buffer.from('b'), properties: Buffer.from(properties) }]);
        const fields = { a: 'p', b: 't', c: 'TBW102', d: 4, e: 0, f: 0, g: 1, h: 0, i: '', m: true };
        return client.connection.request(Requests.SEND_BATCH_MESSAGE, fields, { body });
      },
    ],
  ];
  const PROPERTIES = [
    encodeProperties(Object.entries({ k: 'v', ...FOREIGN })),
    encodeProperties(Object.entries({ ...FOREIGN, k: 'v' })),
    // The last separator may be missing: Java's batches have none.
    encodeProperties(Object.entries({ k: 'v', ...FOREIGN })).slice(0, -1),
    encodeProperties(Object.entries({ k: 'v' })).slice(0, -1),
    // The end of another name.
    encodeProperties(Object.entries({ k: 'v', 'a__CRC32#': '1234567890' })),
  ];

  it.each([true, false])('is served after a restart, with the checksum on: %s', async (on) => {
    const client = await start(on);
    for (const [, send] of SENDS)
      for (const properties of PROPERTIES) expect((await send(client, properties)).code).toBe(ResponseCode.SUCCESS);
    await running.restart();
    const messages = await (await running.client()).messages('t');
    expect(messages.map(({ properties }) => properties.get('k'))).toEqual(
      Array.from({ length: SENDS.length * PROPERTIES.length }, () => 'v'),
    );
    for (const { properties } of messages) expect(properties.has('__CRC32#')).toBe(false);
    expect(errors).toEqual([]);
  });

  it('is stored without one of its own on each further hop', async () => {
    const client = await start();
    await client.send('t', { properties: { ...FOREIGN, DELAY: '1' } });
    await running.clock.advance(1_000);
    const bytes = Buffer.alloc(131_072);
    files.openSync(LOG, 'read').readSync(bytes, 0, bytes.length, 0);
    // One in the schedule topic, one in its own.
    expect(bytes.toString('latin1').split('__CRC32#')).toHaveLength(3);
  });
});
