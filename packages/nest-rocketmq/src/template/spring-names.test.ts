import { describe, expect, test } from '@jest/globals';
import { InvalidOptionError } from '@nest-rocketmq/remoting/internal';
import { SpringNames } from './spring-names.js';

/** Records what a template is asked for. */
class Recording extends SpringNames {
  readonly calls: unknown[] = [];
  send(...args: unknown[]): Promise<never> {
    return this.#record('send', args);
  }
  sendOneWay(...args: unknown[]): Promise<never> {
    return this.#record('sendOneWay', args);
  }
  request(...args: unknown[]): Promise<never> {
    return this.#record('request', args);
  }
  #record(method: string, args: unknown[]): Promise<never> {
    this.calls.push([method, ...args]);
    return Promise.resolve(undefined as never);
  }
}

describe("rocketmq-spring's method is ours with options", () => {
  const AT = Date.parse('2026-12-24T18:00:00Z');

  test.each<[string, (template: Recording) => Promise<unknown>, unknown[]]>([
    ['convertAndSend', (t) => t.convertAndSend('o', 1, { keys: 'k' }), ['send', 'o', 1, { keys: 'k' }]],
    ['syncSend', (t) => t.syncSend('o', 1), ['send', 'o', 1, {}]],
    ['syncSend with all', (t) => t.syncSend('o', 1, 3000, 4), ['send', 'o', 1, { timeout: 3000, delayLevel: 4 }]],
    ['asyncSend', (t) => t.asyncSend('o', 1, '3s'), ['send', 'o', 1, { timeout: '3s' }]],
    ['syncSendOrderly', (t) => t.syncSendOrderly('o', 1, 'h', 9), ['send', 'o', 1, { shardingKey: 'h', timeout: 9 }]],
    ['asyncSendOrderly', (t) => t.asyncSendOrderly('o', 1, 'h'), ['send', 'o', 1, { shardingKey: 'h' }]],
    ['sendOneWayOrderly', (t) => t.sendOneWayOrderly('o', 1, 'h'), ['sendOneWay', 'o', 1, { shardingKey: 'h' }]],
    ['syncSendDelayTimeSeconds', (t) => t.syncSendDelayTimeSeconds('o', 1, 90), ['send', 'o', 1, { delay: 90_000 }]],
    ['syncSendDelayTimeMills', (t) => t.syncSendDelayTimeMills('o', 1, 90), ['send', 'o', 1, { delay: 90 }]],
    [
      'syncSendDeliverTimeMills',
      (t) => t.syncSendDeliverTimeMills('o', 1, AT),
      ['send', 'o', 1, { deliverAt: new Date(AT) }],
    ],
    ['sendAndReceive', (t) => t.sendAndReceive('o', 1, '3s'), ['request', 'o', 1, { timeout: '3s' }]],
  ])('%s', async (_name, call, expected) => {
    const template = new Recording();
    await call(template);
    expect(template.calls).toEqual([expected]);
  });

  test.each<[string, (template: Recording) => unknown]>([
    ['asyncSend', (t) => t.asyncSend('o', 1, (() => undefined) as never)],
    ['asyncSendOrderly', (t) => t.asyncSendOrderly('o', 1, 'h', { onSuccess: () => undefined } as never)],
    ['sendAndReceive', (t) => t.sendAndReceive('o', 1, String as never)],
  ])("refuses what Java's %s takes beyond that, and says what to do", (name, call) => {
    const calling = (): unknown => call(new Recording());
    expect(calling).toThrow(InvalidOptionError);
    expect(calling).toThrow(
      new RegExp(`timeout of RocketMQTemplate\\.${name} .*await the promise that ${name} returns`),
    );
  });
});
