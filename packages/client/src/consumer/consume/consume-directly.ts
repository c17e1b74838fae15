// Runs the listener on one message on behalf of an operator (mqadmin, the dashboard).
import type { Clock, MessageExt } from '@nest-rocketmq/remoting/internal';
import { describe } from '../../errors.js';
import type { DirectResult } from '../../groups/group-registry.js';
import type { ConsumeService } from './consume-service.js';

export async function consumeDirectly(
  consume: ConsumeService,
  message: MessageExt,
  brokerName: string,
  clock: Clock,
): Promise<DirectResult> {
  const startedAt = clock.monotonic();
  const spent = (): number => Math.round(clock.monotonic() - startedAt);
  const context = {
    messageQueue: { topic: message.topic, brokerName, queueId: message.queueId },
    delayLevelWhenNextConsume: 0,
    ackIndex: 0x7fffffff,
    suspendCurrentQueueTimeMillis: -1,
    signal: new AbortController().signal,
  };
  try {
    const failures = await consume.call([message], context);
    return { consumeResult: failures ? 'CR_LATER' : 'CR_SUCCESS', spentTimeMills: spent() };
  } catch (error) {
    return { consumeResult: 'CR_THROW_EXCEPTION', remark: describe(error), spentTimeMills: spent() };
  }
}
