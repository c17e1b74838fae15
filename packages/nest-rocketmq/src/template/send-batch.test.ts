import { describe, expect, test } from '@jest/globals';
import { JsonMessageConverter } from '../message/message-converter.js';
import { batchMessage, composeBatch } from './send-batch.js';
import type { BatchMessageOptions, BatchOptions } from './send-batch.js';

const composer = { converter: new JsonMessageConverter(), highestDelayLevel: 18 };
const QUEUE = { topic: 'orders', brokerName: 'broker-a', queueId: 1 };

describe('the messages of a batch', () => {
  test('have the destination and the options of the batch, unless they say otherwise', () => {
    const options: BatchOptions = {
      keys: 'all',
      tags: 'paid',
      properties: { a: '1' },
      timeout: '5s',
      shardingKey: 'k',
    };
    const { messages, settings } = composeBatch(
      composer,
      'orders',
      [
        { id: 1 },
        batchMessage({ id: 2 }, { keys: ['own'], shardingKey: 'own', properties: { b: '2' } }),
        batchMessage('text', { destination: 'mails:sent', messageQueue: QUEUE }),
      ],
      options,
    );
    expect(settings).toEqual({ timeout: 5_000, shardingKey: 'k' });
    expect(messages).toEqual([
      { topic: 'orders', tags: 'paid', keys: ['all'], properties: { a: '1' }, body: Buffer.from('{"id":1}') },
      {
        topic: 'orders',
        tags: 'paid',
        keys: ['own'],
        properties: { b: '2' },
        body: Buffer.from('{"id":2}'),
        shardingKey: 'own',
      },
      {
        topic: 'mails',
        tags: 'sent',
        keys: ['all'],
        properties: expect.objectContaining({ a: '1', payloadKind: 'string' }),
        body: Buffer.from('text'),
        messageQueue: QUEUE,
      },
    ]);
  });

  test('may be objects that look like messages with options', () => {
    const { messages } = composeBatch(composer, 'orders', [{ payload: 1, options: { keys: 'k' } }], {});
    expect(messages[0]!.body.toString()).toBe('{"payload":1,"options":{"keys":"k"}}');
    expect(messages[0]!.keys).toBeUndefined();
  });

  test.each<[string, unknown, unknown, string]>([
    ['no list', null, {}, 'payloads'],
    ['a payload that is not in a list', { id: 1 }, {}, 'payloads'],
    ['options that are null', [], null, 'options'],
    ['an unknown option', [], { key: 'x' }, 'key'],
    ['a delay', [], { delay: '1s' }, 'delay'],
    [
      'a delay of one message',
      [1, batchMessage(2, { delayLevel: 1 } as BatchMessageOptions)],
      {},
      'payloads[1].delayLevel',
    ],
    ['a wrong option of one message', [batchMessage(2, { keys: 'a b' })], {}, 'payloads[0].keys'],
    ['a wrong destination of one message', [batchMessage(2, { destination: 'a b' })], {}, 'payloads[0].destination'],
    ['an empty sharding key', [batchMessage(2, { shardingKey: '' })], {}, 'payloads[0].shardingKey'],
  ])('are refused with the name of what is wrong: %s', (_what, payloads, options, option) => {
    const compose = (): unknown => composeBatch(composer, 'orders', payloads as unknown[], options as BatchOptions);
    expect(compose).toThrow(expect.objectContaining({ code: 'INVALID_OPTION', option, where: expect.any(String) }));
  });

  test('are refused with the place of a payload that cannot be sent', () => {
    expect(() => composeBatch(composer, 'orders', [1, { at: new Date(NaN) }], {})).toThrow(
      expect.objectContaining({
        code: 'MESSAGE_ENCODE',
        message: expect.stringMatching(/payload 1 of the batch.*payload\.at/),
      }),
    );
  });
});
