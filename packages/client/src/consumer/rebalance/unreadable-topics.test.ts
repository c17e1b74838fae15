import { expect, it } from '@jest/globals';
import { silentLogger } from '@nest-rocketmq/remoting/internal';
import { FakeCluster } from '../../../test-kit/fake-cluster.js';
import { consuming, on } from '../../../test-kit/consuming.js';

it('a topic that nobody may read is warned of once, with the remedy', async () => {
  const log: string[] = [];
  const cluster = new FakeCluster({ topics: { t: 1 } });
  const routeOf = cluster.routeOf.bind(cluster);
  cluster.routeOf = (topic) => {
    const route = routeOf(topic);
    const perm = topic === 't' ? 2 : 6;
    return route && { ...route, queueDatas: route.queueDatas.map((each) => ({ ...each, perm })) };
  };
  await consuming(cluster, {}, { ...silentLogger, warn: (line: string) => log.push(line) });
  await on.cluster.clock.advance(60_000);
  const warnings = log.filter((line) => line.includes('nobody may read'));
  expect(warnings).toEqual([expect.stringContaining('mqadmin updateTopicPerm -c CLUSTER -t t -p 6')]);
});
