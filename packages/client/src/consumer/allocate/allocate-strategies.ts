// Finds an allocation strategy by Apache's name of it, and checks one of the user's own.
import {
  InvalidOptionError,
  allocateAveragely,
  allocateAveragelyByCircle,
  allocateByConsistentHash,
} from '@nest-rocketmq/remoting/internal';
import type { AllocateMessageQueueStrategy } from '@nest-rocketmq/remoting/internal';

/** Strategies that need no settings, by Apache's names. */
export type AllocateStrategyName = 'AVG' | 'AVG_BY_CIRCLE' | 'CONSISTENT_HASH';

const STRATEGIES: Readonly<Record<AllocateStrategyName, AllocateMessageQueueStrategy>> = {
  AVG: allocateAveragely,
  AVG_BY_CIRCLE: allocateAveragelyByCircle,
  CONSISTENT_HASH: allocateByConsistentHash(),
};

/**
 * @param option whose value it is
 * @throws InvalidOptionError for an unknown name, and for what is no strategy
 */
export function checkStrategy(
  option: string,
  given: AllocateStrategyName | AllocateMessageQueueStrategy,
): AllocateMessageQueueStrategy {
  if (typeof given === 'string' && Object.hasOwn(STRATEGIES, given)) return STRATEGIES[given];
  if (typeof given === 'object' && typeof given?.name === 'string' && typeof given.allocate === 'function')
    return given;
  const names = Object.keys(STRATEGIES).map((name) => `'${name}'`);
  throw new InvalidOptionError(
    option,
    given,
    `${names.join(', ')}, or { name, allocate(group, clientId, queues, clientIds) }`,
  );
}
