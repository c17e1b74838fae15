// Says from which of two brokers a group pulled, and to which its offsets went.
import { Requests } from '@nest-rocketmq/remoting/internal';
import type { RequestRow } from '@nest-rocketmq/remoting/internal';
import type { Cluster } from '../harness/cluster.js';
import type { RequestLog, SentRequest } from '../harness/request-log.js';
import { STEADY } from './replicated-traffic.js';

/** Of a pull's sysFlag: it brings an offset along. */
const COMMIT_OFFSET = 1;

export type Place = 'master' | 'slave';

export interface PullStory {
  readonly pulledAt: readonly Place[];
  readonly offsetsWithPullsAt: readonly Place[];
  readonly offsetsAt: readonly Place[];
}

export function pullStory(
  log: RequestLog,
  group: string,
  { masterA, slave }: Record<'masterA' | 'slave', Cluster>,
  since: number,
  pull: RequestRow = Requests.PULL_MESSAGE,
): PullStory {
  const places = (code: number, isMeant: (one: SentRequest) => boolean = () => true): Place[] =>
    (['master', 'slave'] as const).filter((place) => {
      const { brokerAddress } = place === 'master' ? masterA : slave;
      return log.requests.some(
        (one) =>
          one.code === code &&
          one.address === brokerAddress &&
          one.at >= since &&
          one.fields['consumerGroup'] === group &&
          one.fields['topic'] === STEADY &&
          isMeant(one),
      );
    });
  return {
    pulledAt: places(pull.code),
    offsetsWithPullsAt: places(pull.code, commitsOffset),
    offsetsAt: places(Requests.UPDATE_CONSUMER_OFFSET.code),
  };
}

export const commitsOffset = ({ fields }: SentRequest): boolean => (Number(fields['sysFlag']) & COMMIT_OFFSET) !== 0;
