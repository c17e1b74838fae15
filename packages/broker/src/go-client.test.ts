// Replays requests that were recorded from Go's client: its JSON headers in any order of fields, codes of tags as texts, and
// batches without ids. test/interop has the client itself.
import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from '@jest/globals';
import {
  FrameDecoder,
  ResponseCode,
  decodeConsumerList,
  decodeFrame,
  decodeLockOk,
  decodeRecords,
  isResponse,
} from '@nest-rocketmq/remoting/internal';
import type { RemotingCommand } from '@nest-rocketmq/remoting/internal';
import { TestBroker } from '../test-kit/broker.js';

const SESSION = new URL('../../../test/fixtures/go-frames/session.jsonl', import.meta.url);
const recorded = readFileSync(SESSION, 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as { what: string; frame: string });

let running: TestBroker;
afterEach(() => running.stop());

/** Sends the recorded requests one after the other. @returns the answers, by what was asked for */
async function replay(): Promise<Map<string, RemotingCommand[]>> {
  const stream = await running.broker.dial(running.broker.brokerAddress);
  const decoder = new FrameDecoder();
  // What the broker asks in turn, about members that have come, is left out.
  const arrived: RemotingCommand[] = [];
  const take = (frame: Buffer): boolean => {
    const command = decodeFrame(frame);
    if (isResponse(command)) arrived.push(command);
    return true;
  };
  stream.on('data', (chunk: Buffer) => decoder.push(chunk, take));
  const answers = new Map<string, RemotingCommand[]>();
  for (const { what, frame } of recorded) {
    stream.write(Buffer.from(frame, 'base64'));
    const before = arrived.length;
    for (let turn = 0; turn < 100 && arrived.length === before; turn++) await running.clock.advance(0);
    answers.set(what, [...(answers.get(what) ?? []), ...arrived.slice(before)]);
  }
  stream.destroy();
  return answers;
}

describe("requests of Go's client", () => {
  it('are answered as JSON, which is what it sends', async () => {
    running = await TestBroker.start();
    const answers = [...(await replay())].flatMap(([what, all]) => all.map((answer) => ({ what, ...answer })));
    expect(answers).toHaveLength(recorded.length);
    const failed = answers.filter(({ what, code }) => what !== 'pull' && code !== ResponseCode.SUCCESS);
    expect(failed).toEqual([]);
    expect(answers.filter(({ serializeType }) => serializeType !== 'json')).toEqual([]);
  });

  it('filter by tags, though the codes of the tags are texts', async () => {
    running = await TestBroker.start();
    const pulled = (await replay()).get('pull')!;
    const found = pulled.filter(({ code }) => code === ResponseCode.SUCCESS);
    const bodies = found.flatMap(({ body }) => decodeRecords(body).map((message) => message.body.toString()));
    const all = ['A', 'B'].flatMap((tag) => [0, 1, 2].map((round) => `tags-Tag${tag}-${round}`));
    expect(bodies.toSorted()).toEqual(all);
    expect(pulled).toHaveLength(3);
  });

  it('make members and lock queues', async () => {
    running = await TestBroker.start();
    const answers = await replay();
    expect(decodeConsumerList(answers.get('members')![0]!.body)).toEqual(['192.0.2.2@18241-22']);
    expect(decodeLockOk(answers.get('lock')![0]!.body)).toEqual([
      { topic: 'go_orderly_topic', brokerName: 'broker-a', queueId: 2 },
    ]);
    expect(answers.get('batch')![0]!.extFields!['msgId']!.split(',')).toHaveLength(10);
  });
});
