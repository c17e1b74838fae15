import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { decodeTopicTable, decodeRegisterBroker, encodeRegisterBroker } from '../bodies/config-data.js';
import { decodeHeartbeat, encodeHeartbeat } from '../bodies/heartbeat-data.js';
import { decodeLockBatch, decodeQueueTable, encodeLockBatch, queueTable } from '../bodies/queue-bodies.js';
import { decodeClusterInfo, decodeRouteData, encodeClusterInfo, encodeRouteData } from '../bodies/route-data.js';
import { DecodeError } from '../errors.js';
import { decodeFrame } from '../frame/frame.js';
import { MAX_JSON_DEPTH } from './json-depth.js';
import { parseJson, parseJsonObject, stringifyJson } from './json.js';

const folder = new URL('../../../../test/fixtures/frames/', import.meta.url);

interface Recorded {
  readonly file: string;
  readonly requestCode: number;
  readonly kind: string;
  readonly responseCode: number | null;
}

const recorded = (JSON.parse(readFileSync(new URL('index.json', folder), 'utf8')) as { frames: Recorded[] }).frames;

const bodies = (requestCode: number, kind: 'request' | 'response'): Buffer[] =>
  recorded
    .filter(
      (frame) =>
        frame.requestCode === requestCode && frame.kind === kind && (kind === 'request' || frame.responseCode === 0),
    )
    .map((frame) => decodeFrame(readFileSync(new URL(frame.file, folder))).body)
    .filter((body) => body.length > 0);

describe("Apache's JSON", () => {
  it('may have bare numbers for keys', () => {
    expect(parseJson('{0:"a",16:{"b":-1}}')).toEqual({ 0: 'a', 16: { b: -1 } });
  });

  it('may have objects for keys', () => {
    const table = parseJson('{"t":{{"topic":"a","queueId":0}:5,{"topic":"b","queueId":1}:6}}') as {
      t: Map<unknown, unknown>;
    };
    expect([...table.t]).toEqual([
      [{ topic: 'a', queueId: 0 }, 5],
      [{ topic: 'b', queueId: 1 }, 6],
    ]);
  });

  it('is written back in the form in which it came', () => {
    const text = '{"offsetTable":{{"brokerName":"x","queueId":0,"topic":"a"}:5},"m":{"s":[1,true,"\\u0001"]}}';
    expect(stringifyJson(parseJson(text))).toBe(text);
    expect(stringifyJson(new Map([[0, 'a']]))).toBe('{0:"a"}');
  });

  it.each(['', '{', '{"a"}', '{"a":}', '[1,2', '{{"a":1}', 'x', '{"a":1}}', '"\\x"', '{0:"a" 1:"b"}', '\u0000'])(
    'that is broken (%j) is refused',
    (text) => {
      expect(() => parseJson(text)).toThrow(DecodeError);
    },
  );

  it('nested too deep is refused', () => {
    const deep = (depth: number): string => `${'['.repeat(depth)}0:${']'.repeat(depth)}`;
    expect(() => parseJson(deep(MAX_JSON_DEPTH + 1))).toThrow(/nested/);
    expect(() => parseJson(deep(100_000))).toThrow(DecodeError);
  });

  it('that is no object is refused where one is wanted, by the name of what it should have been', () => {
    expect(() => parseJsonObject('[]', 'a heartbeat')).toThrow(/a heartbeat/);
  });

  it('of every recorded answer and request can be read', () => {
    let read = 0;
    for (const frame of recorded) {
      const { body } = decodeFrame(readFileSync(new URL(frame.file, folder)));
      if (body[0] !== 0x7b /* { */) continue;
      expect(typeof parseJson(body)).toBe('object');
      read++;
    }
    expect(read).toBeGreaterThan(100);
  });
});

describe('a body recorded between Apache peers says the same when it is written again:', () => {
  it('heartbeats', () => {
    const all = bodies(34, 'request');
    expect(all.length).toBeGreaterThan(0);
    for (const body of all) {
      const ours = parseJson(encodeHeartbeat(decodeHeartbeat(body)));
      expect(ours).toEqual(parseJson(body));
    }
  });

  it('routes, in both forms', () => {
    const all = bodies(105, 'response');
    expect(all.length).toBeGreaterThan(0);
    for (const body of all) {
      const route = decodeRouteData(body);
      expect(route.brokerDatas[0]!.brokerAddrs.get(0)).toMatch(/^[\d.]+:\d+$/);
      for (const standard of [true, false]) expect(decodeRouteData(encodeRouteData(route, standard))).toEqual(route);
      expect(JSON.parse(encodeRouteData(route, true).toString())).toMatchObject({ queueDatas: route.queueDatas });
    }
  });

  it('cluster infos', () => {
    for (const body of bodies(106, 'response')) {
      expect(parseJson(encodeClusterInfo(decodeClusterInfo(body)))).toEqual(parseJson(body));
    }
  });

  it("brokers' registrations and topic tables", () => {
    const all = bodies(103, 'request');
    expect(all.length).toBeGreaterThan(0);
    for (const body of all) {
      const table = decodeRegisterBroker(body);
      expect(table.topicConfigTable.size).toBeGreaterThan(0);
      expect(decodeRegisterBroker(encodeRegisterBroker(table))).toEqual(table);
    }
    for (const body of bodies(21, 'response'))
      expect(decodeTopicTable(parseJson(body)).topicConfigTable.size).toBeGreaterThan(5);
  });

  it('lock requests', () => {
    const all = bodies(41, 'request');
    expect(all.length).toBeGreaterThan(0);
    for (const body of all) expect(parseJson(encodeLockBatch(decodeLockBatch(body)))).toEqual(parseJson(body));
  });

  it('tables whose keys are queues', () => {
    for (const body of bodies(222, 'response')) {
      const table = (parseJson(body) as Record<string, unknown>)['offsetTable'];
      const queues = decodeQueueTable(table);
      expect(queues.every(([queue]) => queue.topic !== '' && queue.brokerName !== '')).toBe(true);
      expect(parseJson(stringifyJson(queueTable(queues)))).toEqual(table);
    }
    expect(decodeQueueTable(JSON.parse('[[{"topic":"t","brokerName":"b","queueId":1},7]]'))).toEqual([
      [{ topic: 't', brokerName: 'b', queueId: 1 }, 7],
    ]);
  });
});
