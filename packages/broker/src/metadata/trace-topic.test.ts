import { afterEach, expect, it } from '@jest/globals';
import { ResponseCode } from '@nest-rocketmq/remoting/internal';
import { TestBroker } from '../../test-kit/broker.js';
import type { BrokerOptions } from '../config/broker-options.js';

let running: TestBroker;
afterEach(() => running.stop());

/** Whether a message can be sent to each of the two topics. */
async function existing(options: Partial<BrokerOptions>): Promise<Record<string, boolean>> {
  running = await TestBroker.start({ autoCreateTopicEnable: false, ...options });
  const client = await running.client();
  const isThere = async (topic: string): Promise<boolean> => (await client.send(topic)).code === ResponseCode.SUCCESS;
  return { RMQ_SYS_TRACE_TOPIC: await isThere('RMQ_SYS_TRACE_TOPIC'), mine: await isThere('mine') };
}

it('the trace topic exists from the start where traceTopicEnable is on', async () => {
  expect(await existing({ traceTopicEnable: true })).toEqual({ RMQ_SYS_TRACE_TOPIC: true, mine: false });
});

it('the trace topic has the name of msgTraceTopicName', async () => {
  const options = { traceTopicEnable: true, msgTraceTopicName: 'mine' };
  expect(await existing(options)).toEqual({ RMQ_SYS_TRACE_TOPIC: false, mine: true });
});

it('there is none by default', async () => {
  expect(await existing({})).toEqual({ RMQ_SYS_TRACE_TOPIC: false, mine: false });
});
